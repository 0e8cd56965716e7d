"""What does not vary: which libraries a command imports, and how many threads and processes it starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAVY = {"docker", "importlib.metadata", "jsonschema", "networkx", "pyroute2", "requests", "typer", "yaml"}
UNSAID = {
    "reconciler.kinds.container.env_file",
    "reconciler.kinds.container.env_lines",
    "reconciler.kinds.image.archive",
    "reconciler.kinds.image.dockerfile",
    "reconciler.kinds.image.recipes",
    "reconciler.topology.cut",
    "reconciler.topology.violations",
}
"""What reads what few files say, or tells what is wrong with one."""
_TELL = """
import json, sys, threading
from contextlib import redirect_stdout
started, forks = [], []
start = threading.Thread.start
threading.Thread.start = lambda thread: (started.append(thread.name), start(thread))[1]
events = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"}
sys.addaudithook(lambda event, _: forks.append(event) if event in events else None)
from reconciler.cli import main
try:
    with redirect_stdout(sys.stderr):
        main()
except SystemExit as end:
    code = end.code
print(json.dumps({"code": code, "modules": list(sys.modules), "threads": started, "forks": forks}))
"""


@pytest.mark.parametrize(
    ("arguments", "spared"),
    [
        (["--version"], HEAVY),
        (["validate", "topology.yaml"], {"docker", "networkx", "pyroute2", "requests", *UNSAID}),
    ],
)
def test_a_command_imports_what_it_uses_and_starts_no_process_and_no_thread(
    folder: Path, arguments: list[str], spared: set[str]
) -> None:
    (folder / "topology.yaml").write_text(
        "name: few\nnamespaces: {red: }\ncontainers: {web: {image: busybox, environment: {A: b}}}\n"
    )
    told = observed(*arguments)
    assert not told["code"]
    assert spared.isdisjoint(told["modules"])
    assert told["forks"] == []
    assert told["threads"] == []


def observed(*arguments: str) -> Any:
    """Run a command in an interpreter of its own: its exit `code`, the `modules` it has then, `threads` and `forks`."""
    done = subprocess.run([sys.executable, "-c", _TELL, *arguments], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
