"""At the end of a whole run: every attribute of the schema was applied for real, and was at rest afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from live.attributes import APPLIED, SCHEMA, declared

pytestmark = pytest.mark.live


def test_every_attribute_of_the_schema_was_applied(request: pytest.FixtureRequest, engine: Any) -> None:
    files = set(Path(__file__).parent.glob("test_*.py"))
    if request.config.option.keyword or files - {item.path for item in request.session.items}:
        pytest.skip("only some of the live tests were run")
    assert sorted(declared(SCHEMA) - APPLIED) == []
