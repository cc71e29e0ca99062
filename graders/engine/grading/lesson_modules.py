"""The modules that stand beside a lesson's tests: imported, so that pytest knows their fixtures.

A fixture may stand in any of them, and a scenario that is ``recorded_as`` a name is one. So a
lesson needs no ``conftest.py``. Must not know what a fixture gives, nor what a test decides.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest_asyncio

import graders
from graders.engine.core.errors import ContentError
from graders.engine.harness.recording import Scenario, recorded_name

_TESTS = "test_"
_OF_PYTEST = frozenset({"conftest", "__init__"})


@contextmanager
def importable(root: Path) -> Iterator[None]:
    """Let the modules of the lesson in ``root`` be imported as ``graders.<lesson>.<module>``.

    The course's own lessons are found anyway, those of another course only by this.
    """
    importlib.invalidate_caches()
    graders.__path__.append(str(root.parent))
    try:
        yield
    finally:
        graders.__path__.remove(str(root.parent))
        _forget(f"{graders.__name__}.{root.name}")


def _forget(package: str) -> None:
    """Forget a package and its modules: lessons of two courses may have the same names."""
    for name in [*sys.modules]:
        if name == package or name.startswith(f"{package}."):
            del sys.modules[name]


def plugins_of(root: Path) -> list[object]:
    """Return what pytest has to register, of all modules of the lesson that are no tests.

    Raises :class:`ContentError` when a module cannot be imported, or two scenarios have one name.
    """
    modules = [_imported(path, root) for path in sorted(root.rglob("*.py")) if _is_beside(path)]
    return [*modules, _recordings(modules)]


def _is_beside(path: Path) -> bool:
    return path.stem not in _OF_PYTEST and not path.stem.startswith(_TESTS)


def _imported(path: Path, root: Path) -> ModuleType:
    parts = path.relative_to(root.parent).with_suffix("").parts
    try:
        return importlib.import_module(".".join((graders.__name__, *parts)))
    except Exception as error:  # a lesson's module may do anything when it is imported
        message = f"cannot be imported: {type(error).__name__}: {error}"
        raise ContentError(path, _line(error, path), message) from error


def _line(error: Exception, path: Path) -> int | None:
    """Return the line of the module at which its import failed."""
    if isinstance(error, SyntaxError):
        return error.lineno
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__)
             if frame.f_code.co_filename == str(path)]  # fmt: skip
    return lines[-1] if lines else None


def _recordings(modules: Sequence[ModuleType]) -> ModuleType:
    """Return a module whose fixtures are the recordings of all scenarios that have a name."""
    recordings = ModuleType("recordings", "The recorded scenarios of a lesson.")
    for module in modules:
        for scenario in _scenarios_in(module):
            name = recorded_name(scenario)
            if hasattr(recordings, name):
                file, line = Path(str(module.__file__)), scenario.__code__.co_firstlineno
                message = f"A second scenario is recorded as {name!r}."
                raise ContentError(file, line, message, cure="Give one of them another name.")
            setattr(recordings, name, _recording(name, scenario))
    return recordings


def _scenarios_in(module: ModuleType) -> list[Any]:
    own = [each for each in vars(module).values() if inspect.iscoroutinefunction(each)]
    return [each for each in own if each.__module__ == module.__name__ and recorded_name(each)]


def _recording(name: str, scenario: Scenario[Any]) -> object:
    """Return the fixture that gives what ``scenario`` returned, played once in a run."""

    @pytest_asyncio.fixture(name=name)
    async def recording(recorded: Callable[[Scenario[Any]], Awaitable[Any]]) -> Any:
        return await recorded(scenario)

    return recording
