"""What Docker's own library is told by its settings, and nobody else is."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from reconciler.host.engine.sdk import client
from reconciler.secret import masked


def test_no_message_has_the_passwords_of_registries_and_proxies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxies = {"default": {"httpProxy": "http://joe:hunter22pw@proxy:3128", "noProxy": "localhost"}}
    login = base64.b64encode(b"joe:hunter22reg").decode()
    settings = {"proxies": proxies, "auths": {"registry.example": {"auth": login}}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    client(lambda: None, version=(1, 41), timeout=1, silence=1)  # type: ignore[arg-type,return-value]
    assert masked("http_proxy=http://joe:hunter22pw@proxy") == "http_proxy=http://joe:(secret)@proxy"
    assert masked("hunter22reg at localhost") == "(secret) at localhost"
