"""A local socket that leads to an engine elsewhere: the processes that it tells of are others here."""

from __future__ import annotations

from typing import Any

import pytest

from live.boxes import alone, text
from live.lab import Lab
from reconciler.errors import HostRefuses
from reconciler.host.kernel import Reach, Where
from reconciler.host.kernel.elsewhere import elsewhere
from reconciler.model import ResourceKey

pytestmark = pytest.mark.live


def test_a_process_that_is_not_the_containers_is_not_entered(
    lab: Lab, engine: Any, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.apply(text({"box": alone(), "other": alone()}))
    mine, others = (engine.inspect_container(f"{lab.name}-{each}") for each in ("box", "other"))
    assert elsewhere(lab.host, [mine, others]) is None
    told = {**mine, "State": {**mine["State"], "Pid": others["State"]["Pid"]}}
    whole = lab.host.engine.containers.inspect
    with monkeypatch.context() as patched, Reach(lab.host) as reach:
        for asked in ("inspect", "find"):
            patched.setattr(
                lab.host.engine.containers,
                asked,
                lambda name: told if whole(name)["Id"] == mine["Id"] else whole(name),
            )
        with pytest.raises(HostRefuses, match="the socket leads to another machine"):
            reach.fd(Where(ResourceKey("container", "box"), mine["Id"]))
        wired = text({"box": alone(), "other": alone()}) + "\nnamespaces: {red: }\nveths: [[box:eth0, red:eth0]]\n"
        assert "the socket leads to another machine" in str(lab.observed(wired).unavailable)
