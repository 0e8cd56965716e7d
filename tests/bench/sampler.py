"""Where the time of a command goes: `python -m bench.sampler apply FILE` looks at its threads every few milliseconds.

Each look counts as the time since the last one, and is shared by the threads that do something. After `--heard`, what
the command prints goes where it would go; AFRESH has all that was seen so far forgotten, TELL has it printed.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

PAUSE = 0.002
HEARD, AFRESH, TELL = "--heard", signal.SIGUSR1, signal.SIGUSR2
WAITING = "waiting"
KERNEL = ("host/netlink/transport.py", "host/libc.py", "host/netns/")
ENGINE = ("host/engine/connection.py", "host/engine/dial.py")
_IDLE = (
    "threading.py",
    "selectors.py",
    "queue.py",
    "concurrent/futures/thread.py",
    "reconciler/execute.py",
    "reconciler/watch/loop.py",
)
_IMPORTS = "<frozen importlib"


def main() -> None:
    """Run the command, and print the parts as JSON."""
    heard = sys.argv[1] == HEARD
    with nullcontext() if heard else redirect_stdout(sys.stderr):
        code, told = sampled(lambda: importlib.import_module("reconciler.cli.run").run(sys.argv[1 + heard :]))
    if code:
        sys.exit(code)
    print(json.dumps(told))


def sampled(function: Callable[[], T]) -> tuple[T, dict[str, Any]]:
    """Call a function, and tell what it returned, how many seconds it took, and where they went."""
    parts: dict[str, float] = defaultdict(float)
    if threading.current_thread() is threading.main_thread():
        signal.signal(AFRESH, lambda *_: parts.clear())
        signal.signal(TELL, lambda *_: print(json.dumps({"parts": parts}), flush=True))
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(parts, done), daemon=True)
    began = time.perf_counter()
    watcher.start()
    result = function()
    seconds = time.perf_counter() - began
    done.set()
    watcher.join()
    return result, {"seconds": seconds, "parts": parts}


def _watch(parts: dict[str, float], done: threading.Event) -> None:
    last, own = time.perf_counter(), threading.get_ident()
    while not done.wait(PAUSE):
        now = time.perf_counter()
        frames = {thread: frame for thread, frame in sys._current_frames().items() if thread != own}
        found = [part for frame in frames.values() if (part := part_of(frame))]
        for part in found or [WAITING]:
            parts[part] += (now - last) / max(1, len(found))
        last = now


def part_of(frame: FrameType | None) -> str:
    """Tell what a thread is at: the engine, the kernel, a library, an import, a part of ours; "" when it is idle."""
    innermost = True
    while frame:
        file = frame.f_code.co_filename
        if innermost and file.endswith(_IDLE):
            return ""
        if part := _named(file):
            return part
        innermost, frame = False, frame.f_back
    return "Python"


def _named(file: str) -> str:
    if file.startswith(_IMPORTS):
        return "imports"
    for names, part in ((KERNEL, "the kernel"), (ENGINE, "the engine")):
        if any(f"/reconciler/{each}" in file for each in names):
            return part
    if "/site-packages/" in file:
        return f"library: {file.partition('/site-packages/')[2].partition('/')[0].removesuffix('.py')}"
    package = Path(importlib.import_module("reconciler").__path__[0])
    if file.startswith(f"{package}/"):
        return f"ours: {Path(file).relative_to(package).parts[0].removesuffix('.py')}"
    return ""


if __name__ == "__main__":
    main()
