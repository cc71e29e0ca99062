"""What all tests share: one launcher, because its fork server takes seconds to warm up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from graders.engine.sandbox.launcher import open_launcher
from graders.engine.sandbox.process import Launcher


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    """Yield the one launcher of the session."""
    with open_launcher() as launcher:
        yield launcher
