"""Healthchecks: Compose's forms and the engine's; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.kinds.container.quantities import Duration, duration, whole
from reconciler.kinds.container.spec import Healthcheck
from reconciler.kinds.entry import Entry, found_once

NONE = ("NONE",)
_FORMS = ("CMD", "CMD-SHELL")
_SHORTEST = 10**6
"""The engine refuses times below a millisecond, and takes none at all for what the image says."""
_DEFAULT_TIME = Duration(30 * 10**9)
_DEFAULTS: dict[str, Any] = {
    "interval": _DEFAULT_TIME,
    "timeout": _DEFAULT_TIME,
    "retries": 3,
    "start_period": Duration(0),
}


@found_once
def healthcheck(entry: Entry) -> Healthcheck:
    """Read `healthcheck`; that there is none wins over all else, which may be that of the defaults."""
    found = entry.get("healthcheck") or {}
    if disabled(found):
        return Healthcheck(NONE)
    times = {each: _time(entry, each, found.get(each)) for each in ("interval", "timeout", "start_period")}
    retries = found.get("retries")
    return Healthcheck(
        entry.read(("healthcheck", "test"), test, found.get("test"), instead=None),
        **times,
        retries=None if retries is None else entry.read(("healthcheck", "retries"), whole, retries, instead=None),
    )


def disabled(said: Mapping[str, Any]) -> bool:
    """Tell whether there is to be no healthcheck, whatever else is said of it."""
    test = said.get("test")
    return bool(said.get("disable")) or (isinstance(test, Sequence) and tuple(test[:1]) == NONE)


def declared(check: Healthcheck) -> bool:
    """Tell whether the file wants a healthcheck."""
    return check not in (Healthcheck(), Healthcheck(NONE))


def test(value: Any) -> tuple[str, ...] | None:
    """Read a test; a ValueError if its form is wrong."""
    if value is None:
        return None
    if value == "NONE":
        raise ValueError("a text is a command for the shell: write [NONE], or `disable: true`")
    if isinstance(value, str):
        return ("CMD-SHELL", value)
    found = tuple(map(str, value))
    if not found or found[0] not in _FORMS:
        raise ValueError("a test in list form starts with CMD, CMD-SHELL or NONE")
    if len(found) == 1 or (found[0] == "CMD-SHELL" and len(found) > 2):  # noqa: PLR2004 - the word and one text
        raise ValueError(f"{found[0]} is followed by {'the command' if len(found) == 1 else 'one text'}")
    return found


def _time(entry: Entry, name: str, value: str | None) -> Duration | None:
    if value is None:
        return None
    found = entry.read(("healthcheck", name), duration, value, instead=Duration(_SHORTEST))
    if 0 < found < _SHORTEST or (not found and name != "start_period"):
        entry.problem(("healthcheck", name), "the shortest time is 1ms")
    return found


def to_engine(check: Healthcheck) -> dict[str, Any] | None:
    """Write Healthcheck; what is not declared is left to the image."""
    if check == Healthcheck():
        return None
    return {
        "Test": list(check.test or ()),
        "Interval": int(check.interval or 0),
        "Timeout": int(check.timeout or 0),
        "Retries": check.retries or 0,
        "StartPeriod": _SHORTEST if check.start_period == 0 else int(check.start_period or 0),
    }


def retries(live: Mapping[str, Any] | None) -> int:
    """Return how many checks in a row have to fail for a container to be unhealthy."""
    return int(_read(live)["retries"])


def of_engine(live: Mapping[str, Any] | None, image: Mapping[str, Any] | None, want: Healthcheck) -> Healthcheck:
    """Read Healthcheck: what equals the image's or the engine's default is None unless it is declared."""
    mine, theirs = _read(live), _read(image)
    if want.start_period == 0 and mine["start_period"] <= _SHORTEST:
        mine["start_period"] = want.start_period
    if mine["test"] == NONE:
        return Healthcheck(NONE if theirs["test"] != NONE or want.test == NONE else None)
    return Healthcheck(
        **{
            name: None if getattr(want, name) is None and value == theirs[name] else value
            for name, value in mine.items()
        }
    )


def _read(found: Mapping[str, Any] | None) -> dict[str, Any]:
    found = found or {}
    read = {
        "interval": Duration(found.get("Interval") or 0),
        "timeout": Duration(found.get("Timeout") or 0),
        "retries": found.get("Retries") or 0,
        "start_period": Duration(found.get("StartPeriod") or 0),
    }
    return {"test": tuple(found.get("Test") or ()), **{name: value or _DEFAULTS[name] for name, value in read.items()}}
