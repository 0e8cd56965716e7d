"""A lab for each live test: its own topology name, applied through the real stages, gone afterwards."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Never

from live.evidence import Claim, at_rest
from reconciler import reconcile
from reconciler.errors import NoEngine
from reconciler.host import DEFAULT_ENGINE, Host
from reconciler.host.marks import Mark
from reconciler.kinds import kinds
from reconciler.model import Action, Change, Plan, Report, ResourceKey, Topology
from reconciler.observe import observe
from reconciler.reconcile import Options
from reconciler.topology import load

IMAGE = "reconciler-test/busybox:latest"
RECONCILER = [sys.executable, "-m", "reconciler"]
NOWHERE = {
    "DOCKER_HOST": "",
    "DOCKER_CONTEXT": "default",
    "PYTHONPATH": os.pathsep.join(
        [str(Path(__file__).with_name("engineless")), *filter(None, [os.environ.get("PYTHONPATH")])]
    ),
}
"""The environment of a command on a host without an engine."""
REQUIRED = bool(os.environ.get("RECONCILER_REQUIRE_LIVE"))


ENGINE = os.environ.get("DOCKER_HOST") or DEFAULT_ENGINE
"""Where the engine under test listens."""


class Engineless(Host):
    """A host without an engine."""

    @property
    def engine(self) -> Never:
        raise NoEngine("there is no engine here")


class Lab:
    """One topology under test; `text` is YAML without its `name`."""

    def __init__(self, folder: Path) -> None:
        self.name = f"t{uuid.uuid4().hex[:6]}"
        self.folder = folder
        self.host = Host(wait_timeout=60, kill=True)
        self.applied = ""
        self.claims: list[Claim] = []

    def load(self, text: str, **environment: str) -> Topology:
        path = self.folder / "topology.yaml"
        path.write_text(f"name: {self.name}\n{text}")
        return load(path, kinds=kinds(), environment=environment)

    def plan(self, text: str, **options: Any) -> Plan:
        return reconcile.prepare(self.load(text), self.host, kinds=kinds(), options=Options(**options))

    def pending(self, text: str, **options: Any) -> dict[str, Change]:
        """The changes that a plan would make, by key."""
        return {str(each.key): each for each in self.plan(text, **options).changes.pending}

    def tells(self, text: str, **options: Any) -> dict[str, tuple[str, frozenset[str]]]:
        """The pending changes as key → (action, the paths of the attributes that differ)."""
        return {
            key: (str(each.action), frozenset(field.path for field in each.fields))
            for key, each in self.pending(text, **options).items()
        }

    def attempt(self, text: str, **options: Any) -> Report:
        return reconcile.apply(self.load(text), self.host, kinds=kinds(), options=Options(**options))

    def apply(self, text: str, **options: Any) -> Report:
        """Apply, and insist that everything succeeded and that a further plan is empty."""
        report = self.attempt(text, **options)
        errors = [f"{each.step.key}: {each.error or each.status}" for each in report.outcomes if each.error]
        left = [f"{each.key} {each.action} {each.reason} {each.fields}" for each in report.remaining]
        assert report.converged, "\n".join(errors + left)
        assert self.tells(text) == {}, "the plan after an apply is not empty"
        at_rest(text, (each for each in self.claims if each.after == text))
        self.applied, self.claims = text, []
        return report

    def named(self, text: str, key: str, *paths: str) -> None:
        """Note that a plan has named the paths: it counts once the text is applied and at rest."""
        self.claims.append(Claim(self.applied, text, key, paths))

    def mark(self, key: str) -> Mark:
        """The mark that a resource of the lab has in the kernel."""
        return Mark(self.name, ResourceKey.of(key), host=self.host.identity)

    def observed(self, text: str = "") -> Topology:
        return observe(self.host, self.load(text), kinds=kinds())

    def live(self, text: str, key: str) -> dict[str, Any]:
        """What the host tells of one resource."""
        return dict(self.observed(text).resources[ResourceKey.of(key)].live)

    def destroy(self, *, volumes: bool = True, images: bool = True) -> Report:
        keep = frozenset(kind for kind, gone in (("volume", volumes), ("image", images)) if not gone)
        return reconcile.apply(Topology(self.name), self.host, kinds=kinds(), options=Options(keep=keep))

    def edit(self, before: str, after: str, key: str, action: Action, *paths: str) -> None:
        """Apply one text, then another, then the first again: the plan names the attribute, and rests each time."""
        self.apply(before)
        self.turned(after, key, action, *paths)
        self.apply(before)

    def turned(self, text: str, key: str, action: Action, *paths: str) -> None:
        """Insist that a plan names what another text changes, that apply does it, and that it rests."""
        self._names(text, key, action, *paths)
        self.apply(text)

    def both_ways(self, before: str, after: str, key: str, action: Action, *paths: str) -> None:
        """Edit, and insist that the way back is named too: the attribute has a default when it is taken out."""
        self.apply(before)
        self.turned(after, key, action, *paths)
        back = {Action.CREATE: Action.DELETE, Action.DELETE: Action.CREATE}.get(action, action)
        self.turned(before, key, back, *paths)

    def drifted(self, text: str, key: str, action: Action, *paths: str) -> None:
        """Insist that a plan names a drift made by hand, that apply mends it, and that it rests."""
        self.turned(text, key, action, *paths)

    def _names(self, text: str, key: str, action: Action, *paths: str) -> None:
        told = self.tells(text)
        assert key in told, told
        assert told[key][0] == action, told
        assert set(paths) <= told[key][1], told
        self.named(text, key, *paths)


def started(
    folder: Path, *arguments: str, before: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start the real command in a folder; what it says is read as it comes, or at its end."""
    return subprocess.Popen(
        [*before, *RECONCILER, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*argv: str, check: bool = True) -> str:
    """Run a command of the host and return what it prints."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{argv}: {done.stderr or done.stdout}"
    return done.stdout


def busybox_tar() -> bytes:
    binary = Path("/bin/busybox").read_bytes()
    applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("bin", "etc", "tmp", "www", "var", "dev", "proc", "sys"):
            _folder(tar, folder)
        _file(tar, "bin/busybox", binary, 0o755)
        _file(tar, "www/index.html", b"hello\n", 0o644)
        _links(tar, applets)
    return buffer.getvalue()


def _folder(tar: tarfile.TarFile, name: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(info)


def _file(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    tar.addfile(info, io.BytesIO(content))


def _links(tar: tarfile.TarFile, applets: Sequence[str]) -> None:
    for applet in applets:
        if applet != "busybox":
            info = tarfile.TarInfo(f"bin/{applet}")
            info.type, info.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(info)
