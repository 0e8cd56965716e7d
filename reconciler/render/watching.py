"""What a watch tells, as lines for people or as JSON; pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reconciler.model import FORMAT_VERSION
from reconciler.render.as_json import change_json
from reconciler.render.plan import change_lines
from reconciler.render.style import PLAIN, Style
from reconciler.render.values import Hide, discreet, hidden
from reconciler.watch.said import Said, What

_FEW, _SOME = 3, 10
"""How many reasons are told in a line for people, and in JSON: very much may happen at once."""
_WIDEST = max(map(len, What))
_BAD = (What.FAILED, What.UNSETTLED, What.BLOCKED, What.WARNING, What.INVALID, What.TROUBLE, What.LOST)


def said_lines(said: Said, at: datetime, *, style: Style = PLAIN) -> list[str]:
    """Render what was told on one line; more of it follows where a message has several."""
    word = f"{said.what:<{_WIDEST}}"
    colour = style.bad if said.what in _BAD else style.good if said.what is What.MENDED else style.dim
    first, *more = [*_about(said), *said.text.splitlines()] or [""]
    if said.change and more:
        first, more = f"{first}: {more[0]}", more[1:]
    time = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"
    return [f"{style.dim(time)}  {colour(word)}  {first}{_beside(said, style)}", *(f"    {line}" for line in more)]


def said_json(said: Said, at: datetime, *, hide: Hide = hidden) -> dict[str, Any]:
    """Render what was told as one JSON object."""
    found: dict[str, Any] = {"time": at.isoformat(timespec="milliseconds"), "what": said.what.value}
    if said.what is What.WATCHING:
        found["format_version"] = FORMAT_VERSION
    about = change_json(said.change, hide=hide) if said.change else {}
    if said.text:
        about["text"] = said.text
    if said.because:
        about["because"] = list(said.because[:_SOME])
    if len(said.because) > _SOME:
        about["because_more"] = len(said.because) - _SOME
    rounded = {"seconds": said.seconds, "retry": said.retry}
    told: dict[str, Any] = discreet(about, hide=hide)
    return found | told | {name: round(value, 3) for name, value in rounded.items() if value is not None}


def _about(said: Said) -> list[str]:
    return [line.strip() for line in change_lines([said.change])] if said.change else []


def _beside(said: Said, style: Style) -> str:
    parts = [f"{said.seconds:.2f} s"] if said.seconds is not None else []
    parts += [f"again in {said.retry:g} s"] if said.retry else []
    parts += ["; ".join(said.because[:_FEW]) + ("; …" if len(said.because) > _FEW else "")] if said.because else []
    return "".join(style.dim(f"  ({each})") for each in parts)
