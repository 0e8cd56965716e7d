"""What all tests share: how many examples the property tests try (RECONCILER_TEST_ALL=1: all), a folder of one's own."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from reconciler import secret
from reconciler.kinds import kinds

settings.register_profile("sample", max_examples=100, deadline=None, database=None)
settings.register_profile(
    "all", max_examples=1000, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("all" if os.environ.get("RECONCILER_TEST_ALL") else "sample")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed here, so that it can be told; and hear Ctrl-C, which a shell's background jobs ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(random.SystemRandom().randrange(2**32))


def pytest_report_header(config: pytest.Config) -> str:
    return f"property tests: again with --hypothesis-seed={config.option.hypothesis_seed}"


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test hides, or tells, a word because another called it secret, or public."""
    monkeypatch.setattr(secret, "_known", type(secret._known)())
    kinds.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a test's own, in which it is."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
