"""What is secret: values that say so themselves, and texts in which one that is known is never told.

A value is secret by its name or by its form, by coming out of an `env_file`, or by having such a value put in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Self
from urllib.parse import quote

MARKER = "(secret)"
"""What stands in place of a secret value."""
_PARTS = re.compile(r"passw(?:or)?d|passphrase|secret|token|credential|private|api_?key", re.IGNORECASE)
"""What makes a name look secret wherever it stands in it."""
_WORDS = frozenset(("auth", "authorization", "cookie", "creds", "dsn", "key", "keys", "pass", "pin", "pwd", "salt"))
"""What makes a name look secret as a word of its own."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LONGEST_NAME = 256
_NO_SECRETS = frozenset(("pwd", "oldpwd"))
_USERINFO = re.compile(r"[A-Za-z0-9+.-]://[^\s/:@]*:(?P<password>[^\s/@]+)@")
"""A URL's user and password; of the scheme the last letter is enough, where all of it would be sought at every one."""
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_LEAST, _LONG, _MOST = 4, 8, 4096
"""A shorter value is not looked for in texts, nor a longer one; one that is not long only as a word of its own."""
_TRIVIAL = frozenset(("true", "false", "none", "null", "yes", "disabled", "enabled", "default"))


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


class _Known:
    """The secrets that this process has seen, and the words that are told in any case."""

    def __init__(self) -> None:
        self.texts: dict[str, None] = {}
        self.public: set[str] = set()
        self.pattern: re.Pattern[str] | None = None

    def add(self, text: str) -> None:
        plain = str.__str__(text)  # the subclass's own would only give it back
        if plain not in self.texts:
            self.texts |= dict.fromkeys(_forms(plain))
            self.pattern = None

    def publish(self, words: Iterable[str]) -> None:
        new = set(words) - self.public
        if new:
            self.public |= new
            self.pattern = None

    def masked(self, text: str) -> str:
        if self.pattern is None:
            self.pattern = _pattern([each for each in self.texts if each not in self.public])
        return self.pattern.sub(MARKER, text)


def _forms(text: str) -> Iterator[str]:
    """Yield how a secret may stand in a text: as it is, its lines, a URL's password; each also escaped."""
    lines = [each.strip() for each in text.splitlines()[:_MOST]]
    found = _USERINFO.search(text)
    parts = [text, *(lines if len(lines) > 1 else []), *([found["password"]] if found else [])]
    for each in parts:
        if _LEAST <= len(each) <= _MOST and each.lower() not in _TRIVIAL:
            yield from (each, json.dumps(each)[1:-1], json.dumps(each, ensure_ascii=False)[1:-1])
            yield from (repr(each)[1:-1], quote(each), quote(each, safe=""))


def _pattern(texts: Collection[str]) -> re.Pattern[str]:
    """Match any of the texts, the longest first; nothing where there are none."""
    longest = sorted(texts, key=lambda each: (-len(each), each))
    return re.compile("|".join(map(_alone, longest)) or r"(?!)")


def _alone(text: str) -> str:
    return re.escape(text) if len(text) >= _LONG else rf"(?<![^\W_]){re.escape(text)}(?![^\W_])"


_known = _Known()


def masked(text: str) -> str:
    """Return a text without the secrets that this process has seen."""
    return _known.masked(text)


def publish(words: Iterable[str]) -> None:
    """Say which words are told in any case, though one of them may serve as a password as well."""
    _known.publish(words)


def veiled(name: str, value: str) -> str:
    """Return a value of that name, as a secret if its name or its form says so."""
    return Secret(value) if looks_secret(name) or _has_password(value) else value


@lru_cache(4096)
def looks_secret(name: str) -> bool:
    """Tell whether what has this name is secret, such as PASSWORD, API_TOKEN, sshKey, DB_DSN."""
    if len(name) > _LONGEST_NAME or name.lower() in _NO_SECRETS:
        return False
    return bool(_PARTS.search(name)) or any(each.lower() in _WORDS for each in _WORD.findall(name))


def _has_password(value: str) -> bool:
    return bool(_USERINFO.search(value) or _PRIVATE_KEY.search(value))


__all__ = ["MARKER", "Secret", "looks_secret", "masked", "publish", "veiled"]
