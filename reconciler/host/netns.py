"""Network namespaces: named ones as `ip netns` keeps them, those of processes, and what is done inside them.

A namespace is always held by an open descriptor: it pins the namespace, where a process id or a name may come to mean
another.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.host.libc import MS_BIND, MS_REC, MS_SHARED, aside, mount, unmount, unshare
from reconciler.host.libc import inside as call
from reconciler.host.netlink import Socket, set_link

__all__ = [
    "DIRECTORY",
    "Namespace",
    "all_namespaces",
    "call",
    "cookie",
    "create",
    "delete",
    "names",
    "open_named",
    "open_process",
    "rename",
]

DIRECTORY = Path("/run/netns")
_LOOPBACK = 1
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace: an open descriptor, the names it has in /run/netns, and the processes in it."""

    fd: int
    inode: int
    names: tuple[str, ...]
    pids: tuple[int, ...]


def cookie(fd: int) -> int:
    """Tell the identity of a namespace, which is never used again (SO_NETNS_COOKIE), unlike an inode."""
    with Socket(fd) as inside:
        return inside.cookie


def open_named(name: str) -> int:
    """Open a namespace of `ip netns`; FileNotFoundError where the file is missing or no namespace is mounted on it."""
    fd = os.open(DIRECTORY / name, os.O_RDONLY | os.O_CLOEXEC)
    if os.fstat(fd).st_dev == Path("/proc/self/ns/net").stat().st_dev:
        return fd
    os.close(fd)
    raise FileNotFoundError(f"{DIRECTORY / name} is a plain file, not a network namespace")


def open_process(pid: int) -> int:
    """Open the namespace that a process is in; FileNotFoundError when it is gone."""
    return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def names() -> tuple[str, ...]:
    """The names of `ip netns`, sorted; files without a mount do not count."""
    return tuple(sorted({Path(path).name for path, _ in _mounts() if Path(path).parent == DIRECTORY.resolve()}))


def _mounts() -> Iterator[tuple[str, int]]:
    """Each network namespace mounted somewhere, with its inode (proc_pid_mountinfo(5): the root is `net:[INODE]`)."""
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        root, path = line.split(" ", 5)[3:5]
        if root.startswith("net:["):
            yield _OCTAL.sub(lambda found: chr(int(found[1], 8)), path), int(root[5:-1])


@contextlib.contextmanager
def all_namespaces() -> Iterator[list[Namespace]]:
    """Every network namespace that is mounted or that a process is in, once each, open until the block ends."""
    paths: dict[int, list[str]] = {}
    named: dict[int, set[str]] = {}
    pids: dict[int, list[int]] = {}
    for path, inode in _mounts():
        paths.setdefault(inode, []).append(path)
        if Path(path).parent == DIRECTORY.resolve():
            named.setdefault(inode, set()).add(Path(path).name)
    for pid, inode in _processes():
        paths.setdefault(inode, []).append(f"/proc/{pid}/ns/net")
        pids.setdefault(inode, []).append(pid)
    with contextlib.ExitStack() as stack:
        opened = {inode: fd for inode in paths if (fd := _open_first(paths[inode], inode, stack)) is not None}
        yield [
            Namespace(fd, inode, tuple(sorted(named.get(inode, ()))), tuple(pids.get(inode, ())))
            for inode, fd in opened.items()
        ]


def _processes() -> Iterator[tuple[int, int]]:
    for entry in os.listdir("/proc"):  # noqa: PTH208 - hundreds of entries, of which only the digits matter
        if entry.isdigit():
            with contextlib.suppress(OSError):  # gone meanwhile, or not ours to look at
                yield int(entry), Path(f"/proc/{entry}/ns/net").stat().st_ino


def _open_first(paths: Sequence[str], inode: int, stack: contextlib.ExitStack) -> int | None:
    for path in paths:
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            stack.callback(os.close, fd)
            if os.fstat(fd).st_ino == inode:
                return fd
    return None


def create(name: str, alias: str) -> None:
    """Make a namespace whose `lo` is up and has the alias, and only then name it: a kill leaves nothing unmarked.

    FileExistsError when there is one of that name; a file that is no mount is taken over.
    """
    aside(lambda: _create(_path(name), alias))


def _create(path: Path, alias: str) -> None:
    unshare()
    with Socket() as inside:
        for error in inside.send([set_link(_LOOPBACK, alias=alias, up=True)]):
            if error:
                raise error
    _attach(path)


def _attach(path: Path) -> None:
    """Give the namespace that the calling thread is in a name."""
    with _directory():
        if path.exists() and _is_mounted(path):
            raise FileExistsError(f"network namespace {path.name} exists")
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0))
        mount("/proc/thread-self/ns/net", str(path), MS_BIND)


def rename(name: str, new: str) -> None:
    """Give a namespace another name; FileExistsError when there is one of that name."""
    fd = open_named(name)
    try:
        call(fd, _attach, _path(new))
    finally:
        os.close(fd)
    delete(name)


def delete(name: str) -> None:
    """Take its name from a namespace, which ends when nobody else is in it; its links vanish a moment later."""
    path = _path(name)
    with _directory():
        if _is_mounted(path):
            unmount(str(path))
        path.unlink()


def _path(name: str) -> Path:
    if name in ("", ".", "..") or "/" in name:
        raise ValueError(f"{name!r} is no name for a network namespace")
    return DIRECTORY / name


def _is_mounted(path: Path) -> bool:
    return path.stat().st_dev == Path("/proc/self/ns/net").stat().st_dev


@contextlib.contextmanager
def _directory() -> Iterator[None]:
    """Hold /run/netns by the lock of `ip netns`, shared with other mount namespaces as `ip netns` makes it."""
    DIRECTORY.mkdir(mode=0o755, parents=True, exist_ok=True)
    fd = os.open(DIRECTORY, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        _share(str(DIRECTORY))
        yield
    finally:
        os.close(fd)


def _share(directory: str) -> None:
    try:
        mount("", directory, MS_SHARED | MS_REC)
    except OSError:  # not a mount point yet
        mount(directory, directory, MS_BIND | MS_REC)
        mount("", directory, MS_SHARED | MS_REC)
