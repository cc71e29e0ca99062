"""Wires and processes for the tests in this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from graders.engine.sandbox.process import Launcher
from tests.host.ends import Ends, connected
from tests.sandbox.wired import Starter, starting


@pytest_asyncio.fixture
async def ends() -> AsyncIterator[Ends]:
    """Yield both ends of a wire in the test's own event loop."""
    with connected() as made:
        yield made


@pytest.fixture
def students(launcher: Launcher, tmp_path: Path) -> Iterator[Starter]:
    """Start processes with the session's launcher."""
    with starting(launcher, tmp_path) as starter:
        yield starter
