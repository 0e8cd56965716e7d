"""Engines of the tests' own, beside the one under test: one to be killed, and others that can do what that one cannot."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from live.lab import REQUIRED
from reconciler.errors import EngineUnreachable
from reconciler.host import Host

BRIDGE = "rtdaemon0"
"""The engine's own: one without any bridge would delete docker0, which is the other engine's."""
QUIET = (f"--bridge={BRIDGE}", "--iptables=false", "--ip-masq=false", "--userland-proxy=false")
"""Without firewall rules."""
ROOTLESS = ("--rootless", "--group=0", "--bridge=none", *QUIET[1:])
"""For an engine in a user namespace, where it has every capability; containers have no network there but their own."""
_USERS = 65536
"""How many a user namespace has; with all that there are it would be taken for the machine's own."""


class Daemon:
    """An engine; `within` is the shell that becomes it, once it is told a line."""

    def __init__(self, folder: Path, options: Sequence[str] = QUIET, within: Sequence[str] = ()) -> None:
        if os.geteuid() != 0 or not shutil.which("dockerd"):
            pytest.fail("needs root and dockerd") if REQUIRED else pytest.skip("needs root and dockerd")
        self.folder, self.url = folder, f"unix://{folder}/d.sock"
        self.options, self.within = options, within
        self.starts = 0

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.starts += 1
        own = [f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec", f"--pidfile={self.folder}/pid"]
        (self.folder / "pid").unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self.within, "dockerd", "--host", self.url, *own, *self.options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.prepare()
        for _ in range(300):
            with contextlib.suppress(EngineUnreachable):
                assert Host(engine_url=self.url).engine.info
                return
            time.sleep(0.1)  # nothing tells when an engine has begun to listen
        pytest.fail((self.folder / "log").read_text()[-2000:])

    def prepare(self) -> None:
        """Do what is to be done before it begins, and let it begin."""
        assert self._process.stdin
        self._process.stdin.close()

    def kill(self) -> None:
        """End it without asking, and with it the containerd of its own, which a next one would otherwise wait for.

        That one is told to end when its parent does, but is a zombie with a living process' number until somebody
        reaps it, and not every machine's process 1 does.
        """
        self._process.kill()
        self._process.wait()
        (self.folder / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """Let it end in order, and with it what it runs."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    def close(self) -> None:
        """End it and what it runs, and what it has mounted."""
        self.stop()
        for mount in reversed(Path("/proc/mounts").read_text().splitlines()):
            if (path := mount.split()[1]).startswith(str(self.folder)):
                subprocess.run(["umount", "-l", path], check=False)


class Rootless(Daemon):
    """An engine in a user namespace of its own, which has there every capability that the machine itself may lack."""

    def __init__(self, folder: Path) -> None:
        own = ["unshare", "--user", "--mount", "sh", "-c"]
        script = 'read -r _ && mount -t tmpfs none /run/docker && exec "$@"'
        super().__init__(folder, ROOTLESS, [*own, script, "sh"])

    def prepare(self) -> None:
        """Give its users the numbers that they have outside."""
        assert self._process.stdin
        own = Path("/proc/self/ns/user").readlink()
        while Path(f"/proc/{self.pid}/ns/user").readlink() == own:
            time.sleep(0.01)  # nothing tells when a process has come into its namespace
        for ids in ("uid_map", "gid_map"):
            Path(f"/proc/{self.pid}/{ids}").write_text(f"0 0 {_USERS}\n")
        self._process.stdin.write(b"begin\n")
        super().prepare()
