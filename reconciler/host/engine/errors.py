"""What can go wrong between us and an engine, as errors that name the call and the cause."""

from __future__ import annotations

import json

from reconciler.errors import EngineForbidden, EngineUnreachable, HostRefuses, StepFailed

FORBIDDEN, NOT_FOUND, CONFLICT = 403, 404, 409
UNAVAILABLE = "no Docker Engine answers at {url}: start one (`systemctl start docker`), or set DOCKER_HOST ({why})"
_NOT_FOR_US = (
    "the Docker Engine at {url} may not be spoken to ({why}): run as root, or as a member of its socket's group"
)
_DENIED = ("permission denied", "operation not permitted")


class NoWay(ConnectionError):
    """What is to bring us to the engine does not."""


class EngineError(StepFailed):
    """The engine refused a call: `status` and `message` are its answer, `call` is METHOD and path."""

    def __init__(self, status: int, message: str, call: str) -> None:
        self.status, self.message, self.call = status, message, call
        super().__init__(f"{message} ({call}: {status})")


class EngineRefuses(EngineError, HostRefuses):
    """The engine may not do it, or we may not ask it to."""


class EngineSilent(EngineUnreachable):
    """The engine did not answer in time."""

    def __init__(self, call: str, seconds: float) -> None:
        self.call = call
        super().__init__(f"the engine did not answer within {seconds:g} s ({call}): see --engine-timeout")


class AnswerLost(EngineUnreachable):
    """The connection broke before the whole answer was there: nobody knows what became of the call."""

    def __init__(self, call: str, why: BaseException) -> None:
        self.call = call
        super().__init__(f"the connection to the engine broke before its answer was there ({call}): {words(why)}")


def refusal(status: int, content: bytes, call: str) -> EngineError:
    """Return the error that an answer is."""
    message = _message(content) or "the engine says no more than that"
    refused = status == FORBIDDEN and any(each in message.lower() for each in _DENIED)
    return (EngineRefuses if refused else EngineError)(status, message, call)


def _message(content: bytes) -> str:
    text = content.decode(errors="replace").strip()
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return str(found["message"]).strip() if isinstance(found, dict) and found.get("message") else text


def unreachable(url: str, why: BaseException) -> EngineUnreachable:
    """Return the error that an engine is not there, or not for this user."""
    if isinstance(why, PermissionError):
        return EngineForbidden(_NOT_FOR_US.format(url=url, why=words(why)))
    return EngineUnreachable(UNAVAILABLE.format(url=url, why=words(why)))


def words(error: BaseException) -> str:
    """Return what an error says, without the number that the system has for it."""
    return str((isinstance(error, OSError) and error.strerror) or error)
