"""What is secret: values that say so themselves, and texts in which one that is known is never told.

A value is secret by its name or by its form, by coming out of an `env_file`, or by having such a value put in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from threading import RLock
from typing import Self
from urllib.parse import quote, unquote

from reconciler.secret.index import LEAST, MOST, Index

MARKER = "(secret)"
"""What stands in place of a secret value."""
_MARKED = re.compile(r"(\(secret(?: [0-9a-f]+)?\))")
"""A marker, with a digest or without: nothing is looked for in it."""
_PARTS = re.compile(r"passw(?:or)?d|passphrase|secret|token|credential|private|api_?key", re.IGNORECASE)
"""What makes a name look secret wherever it stands in it."""
_WORDS = frozenset(
    ("auth", "authorization", "cookie", "creds", "dsn", "key", "keys", "pass", "pin", "pw", "pwd", "salt")
)
"""What makes a name look secret as a word of its own."""
_ENDINGS = ("key", "pass", "pw")
"""What does so at the end of a word too, as in SSHPASS, but not in words of everybody."""
_LAST = "pat"
"""What does so as the last word alone, an access token: elsewhere it is a pattern."""
_OTHERS = re.compile(
    "(?:don|flun|hoc|hot|joc|lac|mic|mon|smo|tur|val|whis)key|(?:ask|by|com|multi|over|sur|tres|under|encom)pass"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LONGEST_NAME = 256
_NO_SECRETS = frozenset(("pwd", "oldpwd"))
_BARE = r"(?<![^\s\"'=,])(?=[^\s\"'=,/:@]*+:[^\s\"'=,/@]++@(?!sha\d+:)[\w.-]++[:/])"
"""Where a login begins that no scheme stands before, but a host and a port or path behind: no digest of an image."""
_USERINFO = re.compile(rf"(?P<user>(?:[A-Za-z0-9+.-]://|{_BARE})[^\s/:@]*):(?P<password>[^\s/@]+)@")
"""A URL's user and password; of the scheme the last letter is enough, where all of it would be sought at every one."""
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_PIECE = 64
"""How many characters are looked for of a text that is too long, at a time: others may cut off some."""
_SAME = re.compile(r"[A-Za-z0-9_.~-]+")
"""A text that is the same however it is escaped."""
_TOLD = frozenset(("true", "false", "none", "null", "disabled", "enabled", "default"))
"""What is told though it is somebody's password: values of everybody."""


class Secret(str):
    """A text that is told nowhere: it equals the plain one, and is hidden wherever values are rendered.

    From when it was made, it is hidden in the texts of errors and logs as well.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Keep it in mind."""
        made = super().__new__(cls, text)
        _known.add(made)
        return made

    def __str__(self) -> str:
        return self

    def __repr__(self) -> str:
        return MARKER if self else "''"


class _Known:
    """The secrets that this process has seen, and the words that are told in any case; for any number of threads."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.seen: set[str] = set()
        self.texts: dict[str, None] = {}
        self.public: set[str] = set()
        self.names: set[str] = set()
        """The names that are secret themselves: no word in which one of them stands is public."""
        self.index: Index | None = None

    def add(self, text: str) -> None:
        plain = str.__str__(text)  # the subclass's own would only give it back
        with self.lock:
            if plain not in self.seen:
                self.seen.add(plain)
                self.texts |= dict.fromkeys(_forms(plain))
                self.index = None

    def publish(self, words: Iterable[str]) -> None:
        told, names = set[str](), set[str]()
        for each in words:
            (names if isinstance(each, Secret) else told).add(str.__str__(each))
        with self.lock:
            if not (told <= self.public and names <= self.names):
                self.public |= told
                self.names |= names
                self.index = None

    def masked(self, text: str, hide: Callable[[str], str]) -> str:
        if not self.texts:
            return text
        index = self._built()
        parts = _MARKED.split(text)
        return "".join(part if at % 2 else index.replaced(part, hide) for at, part in enumerate(parts))

    def _built(self) -> Index:
        with self.lock:
            if self.index is None:
                names = Index(self.names)
                self.index = Index(self.texts, frozenset(each for each in self.public if not names.spans(each)))
            return self.index


def _forms(text: str) -> Iterator[str]:
    """Yield how a secret may stand in a text: as it is, its lines, the passwords of URLs; each also escaped."""
    lines = [each.strip() for each in text.splitlines()[:MOST]]
    parts = [text, text.strip(), *(lines if len(lines) > 1 else []), *passwords(text)]
    for each in (piece for part in dict.fromkeys(parts) for piece in _pieces(part)):
        if len(each) >= LEAST and each.lower() not in _TOLD:
            yield from (each,) if _SAME.fullmatch(each) else _escaped(each)


def _pieces(text: str) -> Iterable[str]:
    """Return a text, or where it is too long its pieces, the last of which overlaps."""
    if len(text) <= MOST:
        return (text,)
    return [text[at : at + _PIECE] for at in (*range(0, len(text) - _PIECE, _PIECE), len(text) - _PIECE)]


def _escaped(text: str) -> Iterator[str]:
    """Yield a text as it is, as JSON and Python write it, and as it stands in the path or the query of a URL."""
    yield repr(text)[1:-1]
    for each in dict.fromkeys((text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])):
        path = quote(each, errors="replace")
        query = path.replace("/", "%2F")
        yield from (each, path, query, query.replace("%20", "+"))


_known = _Known()


def masked(text: str, hide: Callable[[str], str] = lambda _: MARKER) -> str:
    """Return a text without the secrets that this process has seen: in place of each stands what `hide` says."""
    return _known.masked(text, hide)


def publish(words: Iterable[str]) -> None:
    """Say which words are told in any case, though one of them may serve as a password as well."""
    _known.publish(words)


def veiled(name: str, value: str) -> str:
    """Return a value of that name, as a secret if its name or its form says so."""
    return Secret(value) if looks_secret(name) or _has_password(value) else value


def veiled_within(text: str) -> str:
    """Return a text, as a secret if its form says so, or a `name=value` in it by its name; that value is one too.

    It stands between blanks or commas, as among the options of a mount or the arguments of a command.
    """
    found = [value for name, value in _named(text) if looks_secret(name)] if "=" in text else []
    for each in found:
        Secret(each.strip("\"'"))
    return Secret(text) if found or _has_password(text) else text


def _named(text: str) -> Iterator[tuple[str, str]]:
    for part in dict.fromkeys((text, *text.split(), *text.replace(",", " ").split())):
        name, equals, value = part.partition("=")
        if equals and value and not any(map(str.isspace, name)):
            yield name, value


def alike(text: str, *origins: str) -> str:
    """Return a text that was made of others, as a secret if one of them is: to be cut or joined makes none plain."""
    return Secret(text) if any(isinstance(each, Secret) for each in origins) else text


def passwords(text: str) -> list[str]:
    """Return the passwords in the URLs of a text, as they stand there and as they are meant."""
    found = [each["password"] for each in _USERINFO.finditer(text)]
    return [*found, *map(unquote, found)]


def without_passwords(text: str) -> str:
    """Return a text without the passwords of its URLs, however short they are; from now on no message has them."""
    for each in passwords(text):
        Secret(each)
    return _USERINFO.sub(rf"\g<user>:{MARKER}@", text)


@lru_cache(4096)
def looks_secret(name: str) -> bool:
    """Tell whether what has this name is secret, such as PASSWORD, API_TOKEN, sshKey, DB_DSN."""
    if len(name) > _LONGEST_NAME or name.lower() in _NO_SECRETS:
        return False
    words = [each.lower() for each in _WORD.findall(name)]
    return bool(_PARTS.search(name)) or words[-1:] == [_LAST] or any(map(_is_secret, words))


def _is_secret(word: str) -> bool:
    return word in _WORDS or (word.endswith(_ENDINGS) and not _OTHERS.fullmatch(word))


def _has_password(value: str) -> bool:
    return bool(("@" in value and _USERINFO.search(value)) or ("-----" in value and _PRIVATE_KEY.search(value)))
