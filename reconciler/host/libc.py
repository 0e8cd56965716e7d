"""The system calls that Python 3.11 lacks, and the helper thread that enters another network namespace."""

import ctypes
import os
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

CLONE_NEWNET = 0x40000000
MS_BIND, MS_REC, MS_SHARED = 0x1000, 0x4000, 0x100000
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)


def setns(fd: int) -> None:
    """Move the calling thread into the network namespace that `fd` names (man 2 setns)."""
    _raise_if(_libc.setns(fd, CLONE_NEWNET), "enter a network namespace")


def unshare() -> None:
    """Move the calling thread into a new network namespace (man 2 unshare)."""
    _raise_if(_libc.unshare(CLONE_NEWNET), "make a network namespace")


def mount(source: str, target: str, flags: int) -> None:
    """Mount, bind or change the propagation of `target` (man 2 mount)."""
    _raise_if(_libc.mount(source.encode(), os.fsencode(target), b"none", flags, None), f"mount {target}")


def unmount(target: str) -> None:
    """Detach the topmost mount at `target` at once, whoever uses it: umount2(2), MNT_DETACH."""
    _raise_if(_libc.umount2(os.fsencode(target), MNT_DETACH), f"unmount {target}")


def inotify() -> int:
    """Open a descriptor that tells of changes to files (man 7 inotify); it never blocks."""
    fd = int(_libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
    _raise_if(fd, "watch files")
    return fd


def inotify_watch(fd: int, path: str, events: int) -> int:
    """Have a descriptor of `inotify` tell of events at a path, and return the number that they will carry."""
    number = int(_libc.inotify_add_watch(fd, os.fsencode(path), events))
    _raise_if(number, f"watch {path}")
    return number


def inotify_unwatch(fd: int, number: int) -> None:
    """Have a descriptor of `inotify` tell no more of what has a number; it may be gone already."""
    _libc.inotify_rm_watch(fd, number)


def inside(fd: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a thread of its own that enters the namespace and ends there, so that no other ever moves."""

    def enter() -> T:
        setns(fd)
        return function(*args, **kwargs)

    return aside(enter)


def aside(function: Callable[[], T]) -> T:
    """Call a function in a thread of its own and hand back what it returns or raises."""
    results: list[T] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked
            errors.append(error)

    thread = threading.Thread(target=body, name="netns", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _raise_if(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot {what}: {os.strerror(number)}")
