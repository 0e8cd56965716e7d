"""The members of an archive one after the other, none of which fills our memory or leads us back."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tarfile import HeaderError, ReadError, TarFile
from typing import IO, Any, Self, TypeVar

from reconciler.kinds.reading import LARGEST, read_stream

T = TypeVar("T")

_UNREADABLE = (
    tarfile.TarError,
    EOFError,
    OSError,
    OverflowError,
    RecursionError,
    ValueError,
    lzma.LZMAError,
    zlib.error,
)
_END = ("EOFHeaderError", "EmptyHeaderError")
_OF_ONE = frozenset(("path", "linkpath", "size"))
"""What a header for all that follows may not say: not all that read archives heed it."""


class _Bounded:
    """A file of which no more than so much is read for one member: a name may say that it is a gigabyte long."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.left = file, LARGEST
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self.left:
            raise ReadError("too much for one member")
        self.left -= size
        return self._file.read(size)


class _Member(tarfile.TarInfo):
    @classmethod
    def fromtarfile(cls, tarfile: TarFile) -> Self:
        """Read the next header; what is none is no end."""
        try:
            return super().fromtarfile(tarfile)
        except HeaderError as error:
            if type(error).__name__ in _END:
                raise
            raise ReadError(str(error)) from error


class _Tar(TarFile):
    """An archive that is open for reading; of one with millions of members none is kept."""

    def __init__(self, name: str | None, mode: Any, fileobj: IO[bytes], **more: Any) -> None:
        self._bounded = _Bounded(fileobj)
        super().__init__(name, mode, self._bounded, **more)  # type: ignore[arg-type]

    def following(self) -> tarfile.TarInfo | None:
        """Return the next member, None at the end."""
        self._bounded.left = LARGEST
        self.members.clear()  # type: ignore[attr-defined]
        found = super().next()
        if found and (found.size < 0 or not _OF_ONE.isdisjoint(self.pax_headers)):
            raise ReadError("it is not clear what follows")
        return found

    def content(self, member: tarfile.TarInfo) -> bytes:
        """Return what is in a file."""
        self._bounded.left = 2 * LARGEST
        file = self.extractfile(member)
        return read_stream(file, member.name) if file else b""


Content = Callable[[], bytes]


def members(path: Path, refusal: str) -> Iterator[tuple[tarfile.TarInfo, Content]]:
    """Yield each, and what reads its content; a ValueError with a refusal where that cannot be told."""

    def told(read: Callable[[], T]) -> T:
        try:
            return read()
        except _UNREADABLE as error:
            raise ValueError(refusal) from error

    with path.open("rb") as file, told(lambda: _Tar.open(fileobj=file, tarinfo=_Member)) as tar:
        while member := told(tar.following):
            yield member, partial(told, partial(tar.content, member))
