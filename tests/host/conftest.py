"""Wires and processes for the tests in this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.host.ends import Ends, connected
from tests.sandbox.wired import students

__all__ = ["ends", "students"]


@pytest_asyncio.fixture
async def ends() -> AsyncIterator[Ends]:
    """Yield both ends of a wire in the test's own event loop."""
    with connected() as made:
        yield made
