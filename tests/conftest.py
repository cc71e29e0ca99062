"""What all tests share: one launcher, because its fork server takes seconds to warm up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from graders.engine.sandbox.launcher import open_launcher
from graders.engine.sandbox.process import Launcher

# No test judges by the clock on the wall: hypothesis would, and a busy machine takes its time.
settings.register_profile("without a deadline", settings(), deadline=None)
settings.load_profile("without a deadline")


@pytest.fixture
def criterion_marker(pytestconfig: pytest.Config) -> None:
    """Let modules of lessons be loaded: they mark their checks."""
    pytestconfig.addinivalue_line("markers", "criterion(id, case): what a check decides")


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    """Yield the one launcher of the session."""
    with open_launcher() as launcher:
        yield launcher
