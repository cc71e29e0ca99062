"""The checks of a lesson as plain functions, for tests that hand them recordings.

The module that holds them is loaded by hand, so that pytest does not take its checks for tests of
this session. Use it with the fixture ``criterion_marker``: checks are marked when they are loaded.
"""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from graders.engine.core.places import REPOSITORY


def checks_in(path: Path) -> ModuleType:
    """Load a module of checks."""
    module = ModuleType(path.stem)
    SourceFileLoader(path.stem, str(path)).exec_module(module)
    return module


def checks_of(lesson: str, name: str) -> ModuleType:
    """Load the module ``test_NAME.py`` of a lesson."""
    return checks_in(REPOSITORY / "graders" / lesson / f"test_{name}.py")
