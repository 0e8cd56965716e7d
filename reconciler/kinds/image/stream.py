"""What the engine tells while it builds, pulls, imports and loads: HTTP 200 says nothing yet."""

from __future__ import annotations

import json
import logging
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.errors import StepFailed
from reconciler.value import dataclass

LOG = logging.getLogger("reconciler.image")
_TAIL = 12
_STEP = re.compile(r"Step \d+/\d+ : (\w+)")
_WHOLE = re.compile(r"Successfully built ([0-9a-f]{12,64})$")
_MADE = re.compile(r" ---> ([0-9a-f]{12,64})$")


@dataclass
class Built:
    """How far a build has come, by the lines of the classic builder; `whole` is the id of the image at its end."""

    instruction: str = ""
    cached: bool = False
    whole: str = ""

    def read(self, line: str) -> str:
        """Take in a line; return the id of the image that a step has just made, or found in the cache."""
        if step := _STEP.match(line):
            self.instruction, self.cached = step[1].upper(), False
        elif line.startswith(" ---> Using cache"):
            self.cached = True
        elif (found := _MADE.match(line)) and self.instruction != "FROM":
            return found[1]
        elif found := _WHOLE.match(line):
            self.whole = found[1]
        return ""


def lines(stream: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of a stream; StepFailed with the last ones where it tells of an error."""
    tail: deque[str] = deque(maxlen=_TAIL)
    for message in stream:
        if "error" in message:
            raise StepFailed("\n".join([str(message["error"]).strip(), *(f"  {line}" for line in tail)]))
        for line in str(message.get("stream") or message.get("status") or "").splitlines():
            if line.strip():
                LOG.info("%s", line)
                tail.append(line.rstrip())
                yield line


def messages(text: str) -> Iterator[Mapping[str, Any]]:
    """Read an answer that came as a whole: JSON texts one after the other."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        message, at = decoder.raw_decode(text, at)
        yield message
