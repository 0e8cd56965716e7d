"""The fixtures of the live tests: a lab for each, an engine's client, an image made without any registry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live.lab import IMAGE, REQUIRED, Lab, busybox_tar, run
from reconciler.errors import ReconcilerError
from reconciler.host import Host


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    if os.geteuid() != 0:
        pytest.fail("live tests must run here, and need root") if REQUIRED else pytest.skip("needs root")
    made = Lab(tmp_path)
    yield made
    report = made.destroy()
    assert report.converged, [str(each.error) for each in report.outcomes if each.error] or report.remaining


@pytest.fixture(scope="session")
def engine() -> Any:
    """The engine's client; the test skips visibly where no engine answers, and fails where one must."""
    try:
        return Host().engine.api
    except ReconcilerError as error:
        return pytest.fail(str(error)) if REQUIRED else pytest.skip(str(error))


@pytest.fixture(scope="session")
def image(engine: Any) -> Iterator[str]:
    """A busybox image made without any registry; it is removed at the end."""
    engine.import_image_from_data(busybox_tar(), repository=IMAGE.partition(":")[0], tag="latest", changes=["CMD sh"])
    yield IMAGE
    engine.remove_image(IMAGE, force=True)


__all__ = ["IMAGE", "REQUIRED", "Lab", "run"]
