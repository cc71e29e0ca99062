"""Lets tests import the checks of the lesson, which a grading run marks with its own marker."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that a grading run registers."""
    config.addinivalue_line("markers", "criterion: says which criterion a check decides")
