"""What is logged, on standard error: warnings, and calls to the engine and to the kernel for who wants to see them."""

from __future__ import annotations

import logging
import re
from functools import cache
from urllib.parse import unquote, unquote_plus

from reconciler.cli.output import harmless, note
from reconciler.secret import MARKER, masked

_ENGINE = "urllib3.connectionpool"
"""Who logs calls beside our netlink transport: the library under the engine's client."""
_ANSWERED, _METHOD, _PATH, _STATUS = 8, 3, 4, 6
"""How many values it logs of an answered call, and where among them the ones worth a word are."""
_ARGUMENTS = re.compile(r"(?<=buildargs=)[^&]*")
"""The arguments of a build in its query, which are all secret."""
_VERSION = re.compile(r"^/v\d+\.\d+(?=/)")


def say_warnings() -> None:
    """Show what steps that succeed warn of; with the calls it is one of their lines."""
    logging.lastResort = _Warnings(logging.WARNING)


class _Warnings(logging.Handler):
    """Says a warning as a command says what is no result."""

    def emit(self, record: logging.LogRecord) -> None:
        note(f"warning: {record.getMessage()}")


@cache
def log_calls() -> None:
    """Show, once however often that is asked for, every call to the engine and to the kernel on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Words())
    handler.addFilter(lambda record: record.name != _ENGINE or len(record.args or ()) == _ANSWERED)
    for name in ("reconciler", _ENGINE):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.DEBUG)


class _Words(logging.Formatter):
    """Says when, whom and what: `engine GET /networks: 200`, `host: RTM_GETLINK x1`."""

    def format(self, record: logging.LogRecord) -> str:
        return harmless(f"{record.relativeCreated:6.0f} ms  {masked(_said(record))}")


def _said(record: logging.LogRecord) -> str:
    if record.name != _ENGINE or not isinstance(record.args, tuple):
        return record.getMessage()
    method, path, status = (record.args[at] for at in (_METHOD, _PATH, _STATUS))
    path, mark, query = _VERSION.sub("", str(path)).partition("?")
    return f"engine {method} {unquote(path)}{mark}{unquote_plus(_ARGUMENTS.sub(MARKER, query))}: {status}"
