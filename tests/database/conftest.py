"""One PostgreSQL server for all tests here; it takes seconds to be made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from graders.engine.database.databases import Databases, ServerDatabase


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Yield what makes databases."""
    with closing(Databases()) as databases:
        yield databases


@pytest.fixture
def database(databases: Databases) -> Iterator[ServerDatabase]:
    """Yield an empty database."""
    database = databases.new()
    yield database
    database.drop()
