"""Processes for the tests in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graders.engine.sandbox.process import Launcher
from tests.sandbox.wired import Starter, starting


@pytest.fixture
def students(launcher: Launcher, tmp_path: Path) -> Iterator[Starter]:
    """Start processes with the session's launcher."""
    with starting(launcher, tmp_path) as starter:
        yield starter
