"""Where an engine is: DOCKER_HOST, or the context that Docker's own client would use; TLS as it would use it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from reconciler.errors import EngineUnreachable
from reconciler.host import DEFAULT_ENGINE
from reconciler.secret import without_passwords
from reconciler.value import dataclass

_PLAIN, _ENCRYPTED = 2375, 2376
_DEFAULT_CONTEXT = "default"
_MALFORMED = (
    "{url!r} is no address of a Docker Engine: set DOCKER_HOST to one such as unix:///var/run/docker.sock ({why})"
)


@dataclass(frozen=True)
class Tls:
    """Files in PEM; what is empty is not used."""

    ca: str = ""
    certificate: str = ""
    key: str = ""
    verify: bool = True


@dataclass(frozen=True)
class Address:
    """Where an engine is; `scheme` is unix, tcp or ssh, `path` that of its socket; `given` if somebody says so."""

    url: str
    scheme: str
    path: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    tls: Tls | None = None
    given: bool = True


_BY_DEFAULT = Address(DEFAULT_ENGINE, "unix", path=DEFAULT_ENGINE.removeprefix("unix://"), given=False)


def address(url: str, environment: Mapping[str, str] = os.environ) -> Address:
    """Say where the engine is that a URL names, or, where that is empty, the environment or Docker's context.

    EngineUnreachable where that is no address.
    """
    url = url or environment.get("DOCKER_HOST", "")
    if url:
        return parse(url, _tls_of(environment))
    folder = _folder(environment)
    name = _context(environment, folder)
    return _BY_DEFAULT if name == _DEFAULT_CONTEXT else _of_context(folder / "contexts", name)


def leading_files(environment: Mapping[str, str]) -> str:
    """Return the folder of Docker's own client if it takes that to find the engine, and no variable names it."""
    if environment.get("DOCKER_CONFIG"):
        return ""
    folder = _folder(environment)
    if environment.get("DOCKER_HOST"):
        secured = environment.get("DOCKER_TLS_VERIFY") or environment.get("DOCKER_TLS")
        return str(folder) if secured and not environment.get("DOCKER_CERT_PATH") else ""
    return "" if _context(environment, folder) == _DEFAULT_CONTEXT else str(folder)


def _context(environment: Mapping[str, str], folder: Path) -> Any:
    return environment.get("DOCKER_CONTEXT") or _json(folder / "config.json").get("currentContext") or _DEFAULT_CONTEXT


def _folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of Docker's own client."""
    if given := environment.get("DOCKER_CONFIG"):
        return Path(given)
    try:
        return Path.home() / ".docker"
    except RuntimeError as error:
        why = "nobody knows the home of this user, where the files of Docker's own client are"
        raise EngineUnreachable(f"{why}: set DOCKER_CONFIG or HOME to another folder") from error


def parse(url: str, tls: Tls | None = None) -> Address:
    """Read the address of an engine, of which nobody tells a password."""
    whole = url if "://" in url else f"tcp://{url}"
    told = without_passwords(whole)[len(whole) - len(url) :]
    try:
        found = urlsplit(whole)
        port = found.port or 0
    except ValueError as error:
        raise _malformed(told, str(error)) from error
    if "://" not in url and not port:
        raise _malformed(told, "it names no way to an engine, such as tcp://")
    socket = url.partition("://")[2]
    if found.scheme == "unix" and socket:
        return Address(told, "unix", path=socket)
    host, user = _host(found.netloc), unquote(found.username or "")
    if not host or host.startswith("-") or user.startswith("-"):
        raise _malformed(told, "it names no host" if found.scheme != "unix" else "it names no socket")
    if found.scheme == "ssh":
        if found.password is not None:
            raise _malformed(told, "ssh takes no password from it: use a key")
        return Address(told, "ssh", path=unquote(found.path).rstrip("/"), host=host, port=port, user=user)
    if found.scheme not in ("tcp", "http", "https"):
        raise _malformed(told, f"nobody speaks {found.scheme} to an engine")
    secured = tls or (Tls() if found.scheme == "https" else None)
    return Address(told, "tcp", host=host, port=port or (_ENCRYPTED if secured else _PLAIN), tls=secured)


def _host(place: str) -> str:
    """Read the host of a URL as it is written: ssh(1) tells names by their case, and urllib writes small letters."""
    rest = place.rpartition("@")[2]
    return unquote(rest[1:].partition("]")[0] if rest.startswith("[") else rest.partition(":")[0])


def _malformed(url: str, why: str) -> EngineUnreachable:
    return EngineUnreachable(_MALFORMED.format(url=url, why=why))


def _tls_of(environment: Mapping[str, str]) -> Tls | None:
    """Read DOCKER_TLS_VERIFY, DOCKER_TLS and DOCKER_CERT_PATH; without an authority there `docker` stops as well."""
    verify = bool(environment.get("DOCKER_TLS_VERIFY"))
    if not verify and not environment.get("DOCKER_TLS"):
        return None
    given = environment.get("DOCKER_CERT_PATH")
    folder = Path(given) if given else _folder(environment)
    found = _in_folder(folder, verify=verify)
    if not found.ca:
        why = f"DOCKER_TLS{'_VERIFY' if verify else ''} is set, and there is no {folder / 'ca.pem'}"
        raise EngineUnreachable(f"{why}: set DOCKER_CERT_PATH to the folder that has it")
    return found


def _in_folder(folder: Path, *, verify: bool) -> Tls:
    ca, certificate, key = (
        str(path) if (path := folder / f"{name}.pem").is_file() else "" for name in ("ca", "cert", "key")
    )
    return Tls(ca, certificate, key, verify)


def _of_context(folder: Path, name: Any) -> Address:
    """Read a context of Docker's own client: contexts/meta/SHA256(NAME)/meta.json."""
    digest = hashlib.sha256(str(name).encode(errors="surrogatepass")).hexdigest()
    endpoint: Any = _json(folder / "meta" / digest / "meta.json")
    for each in ("Endpoints", "docker"):
        endpoint = endpoint.get(each) if isinstance(endpoint, dict) else None
    if not isinstance(endpoint, dict) or not isinstance(endpoint.get("Host"), str):
        raise EngineUnreachable(f"there is no docker context {name!r}: see `docker context ls`, or set DOCKER_HOST")
    tls = folder / "tls" / digest / "docker"
    skips = bool(endpoint.get("SkipTLSVerify"))
    return parse(endpoint["Host"], _in_folder(tls, verify=not skips) if tls.is_dir() or skips else None)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return {}
    except ValueError as error:
        raise EngineUnreachable(f"{path} is no JSON: {error}") from error
    return found if isinstance(found, dict) else {}
