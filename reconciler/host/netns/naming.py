"""Making, naming and deleting the namespaces of `ip netns`."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from reconciler.errors import NotNow
from reconciler.host import PATIENCE
from reconciler.host.libc import MS_BIND, MS_REC, MS_SHARED, aside, mount, setns, unmount, unshare
from reconciler.host.libc import inside as call
from reconciler.host.netlink import Socket, set_link
from reconciler.host.netns import placeholder
from reconciler.host.netns.ways import DIRECTORY, OWN, open_named
from reconciler.host.privilege import unwritable

_LOOPBACK = 1
_MOMENT = 0.02
"""Seconds between two attempts at a lock."""


def create(name: str, alias: str, *, patience: float = PATIENCE) -> None:
    """Make a namespace whose `lo` is up and has the alias, and only then name it: a kill leaves nothing unmarked.

    FileExistsError when there is one of that name; a file that is no mount is taken over. `patience` is here, and in
    what follows, for how many seconds somebody else may hold the lock of `ip netns`; NotNow after that.
    """
    aside(lambda: enter_new(name, alias, patience=patience))


def enter_new(name: str, alias: str, *, patience: float = PATIENCE) -> None:
    """Make a namespace like `create`, and leave the calling thread in it, which may be no other than a helper."""
    path = _path(name)
    unshare()
    with Socket() as inside:
        for error in inside.send([set_link(_LOOPBACK, alias=alias, up=True)]):
            if error:
                raise error
    _attach(path, alias, patience)


def enter_named(name: str) -> None:
    """Move the calling thread, which may be no other than a helper, into a namespace of `ip netns`."""
    fd = open_named(name)
    try:
        setns(fd)
    finally:
        os.close(fd)


def _attach(path: Path, alias: str, patience: float) -> None:
    """Give the namespace that the calling thread is in a name."""
    with _directory(patience):
        if path.exists() and _is_mounted(path):
            raise FileExistsError(f"network namespace {path.name} exists")
        placeholder.make(path, alias)
        mount(OWN, str(path), MS_BIND)


def rename(name: str, new: str, alias: str, *, patience: float = PATIENCE) -> None:
    """Give a namespace that has the alias another name; FileExistsError when there is one of that name."""
    fd = open_named(name)
    try:
        call(fd, _attach, _path(new), alias, patience)
    finally:
        os.close(fd)
    delete(name, patience=patience)


def delete(name: str, *, patience: float = PATIENCE) -> None:
    """Take its name from a namespace, which ends when nobody else is in it; its links vanish a moment later."""
    path = _path(name)
    with _directory(patience):
        if _is_mounted(path):
            unmount(str(path))
        path.unlink()


def forget(name: str, *, patience: float = PATIENCE) -> None:
    """Remove the file of a name, unless a namespace is mounted on it by now."""
    path = _path(name)
    with _directory(patience), contextlib.suppress(FileNotFoundError):
        if not _is_mounted(path):
            path.unlink()


def remains() -> Iterator[tuple[str, str]]:
    """Yield the name and the alias of each namespace of which a kill left no more than the file in /run/netns."""
    return placeholder.left(DIRECTORY)


def _path(name: str) -> Path:
    if name in ("", ".", "..") or "/" in name:
        raise ValueError(f"{name!r} is no name for a network namespace")
    return DIRECTORY / name


def _is_mounted(path: Path) -> bool:
    return path.stat().st_dev == Path(OWN).stat().st_dev


@contextlib.contextmanager
def _directory(patience: float) -> Iterator[None]:
    """Hold /run/netns by the lock of `ip netns`, shared with other mount namespaces as `ip netns` makes it."""
    if number := unwritable(DIRECTORY):  # told before anything is half done
        raise OSError(number, os.strerror(number), str(DIRECTORY))
    DIRECTORY.mkdir(mode=0o755, parents=True, exist_ok=True)
    fd = os.open(DIRECTORY, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(fd, patience)
        _share(str(DIRECTORY))
        yield
    finally:
        os.close(fd)


def _lock(fd: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                said = f"somebody else has held the lock on {DIRECTORY} for {patience:g} s (see `lslocks`)"
                raise NotNow(f"{said}: run again, or raise --patience") from error
        time.sleep(_MOMENT)


def _share(directory: str) -> None:
    try:
        mount("", directory, MS_SHARED | MS_REC)
    except OSError:  # not a mount point yet
        mount(directory, directory, MS_BIND | MS_REC)
        mount("", directory, MS_SHARED | MS_REC)
