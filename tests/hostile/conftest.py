"""Real servers and harmless targets for the tests in this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile.targets import Bystanders, bystanders
from tests.students import bench

__all__ = ["bench", "beside"]


@pytest.fixture(scope="session")
def beside() -> Iterator[Bystanders]:
    """Yield the processes and sockets that all attacks of the session aim at."""
    with bystanders() as made:
        yield made
