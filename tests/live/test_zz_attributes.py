"""At the end of a whole run: every attribute of the schema was applied, changed and taken out, named, and at rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from live.attributes import SCHEMA, declared
from live.evidence import APPLIED, CHANGED, REMOVED, SEEN

pytestmark = pytest.mark.live

EXEMPT = {
    "Another name is another topology.": ["name changed", "name removed"],
    "It orders steps and is nothing that lives.": [
        *(f"container.depends_on{each}" for each in ("", "[].condition", "[].required", "[].restart")),
    ],
    "It says when to pull, and is nothing that lives.": ["container.pull_policy", "image.pull.policy"],
    "A word of Compose's without effect on one engine.": [
        *(f"container.ports[].{each}" for each in ("mode", "name", "app_protocol")),
        "container.volumes[].consistency",
    ],
    "It says whether a missing file is an error.": ["container.env_file[].required"],
    "It comes and goes with what it belongs to.": [
        *("container.ulimits[].soft removed", "container.ulimits[].hard removed"),
        *("container.volumes[].type removed", "container.volumes[].target removed"),
    ],
    "There is one value only.": ["container.env_file[].format changed", "endpoint.host changed", "exec[].in changed"],
    "The host chooses what is not declared, and has chosen.": [
        *("bridge.mac removed", "bridge.mtu removed", "endpoint.mac removed", "routes[].dev removed"),
        *(f"network.ipam.{each} removed" for each in ("config", "config[].subnet", "config[].gateway")),
    ],
    "Without plugins an engine has only one; that the plan names it is tested with the others.": [
        *("network.ipam.driver changed", "network.ipam.driver removed"),
        *("volume.driver changed", "volume.driver removed"),
    ],
    "A volume stays unless its deletion is asked for.": ["volumes removed"],
}
"""What cannot be seen of an attribute, or need not; all but that it is applied where nothing is said."""


def exempt() -> set[tuple[str, str]]:
    """Attributes and what is not asked of them."""
    told = [each.partition(" ") for names in EXEMPT.values() for each in names]
    return {(name, what) for name, _, only in told for what in ([only] if only else [CHANGED, REMOVED])}


def test_every_attribute_was_applied_changed_and_removed_and_named(request: pytest.FixtureRequest, engine: Any) -> None:
    files = set(Path(__file__).parent.glob("test_*.py"))
    if request.config.option.keyword or files - {item.path for item in request.session.items}:
        pytest.skip("only some of the live tests were run")
    asked = {(name, what) for name in declared(SCHEMA) for what in (APPLIED, CHANGED, REMOVED)}
    seen = {(name, what) for name, found in SEEN.items() for what in found}
    assert sorted(asked - seen - exempt()) == []
    assert sorted(exempt() & seen) == [], "it need not be exempt any more"
    assert sorted(exempt() - asked) == [], "there is no such attribute"
