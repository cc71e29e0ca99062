"""One run of pytest inside this process, steered by nothing but its arguments.

Neither the user's folder, nor the environment, nor a submission, nor an earlier run has any
influence: own ini file, own root, only named plugins, and the modules of the lesson's tests are
forgotten afterwards. It can run inside a run of pytest (our own tests do that).
"""

from __future__ import annotations

import io
import os
import reprlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

import pytest
import pytest_asyncio.plugin

from graders.engine.grading.lesson_modules import importable, plugins_of

INI = Path(__file__).with_name("pytest.ini")
_UNWANTED = (
    "cacheprovider",
    "doctest",
    "faulthandler",
    "junitxml",
    "logging",
    "pastebin",
    "setuponly",
    "setupplan",
    "skipping",  # a check that is skipped has not reported
    "stepwise",
    "terminal",
    "terminalprogress",
    "unittest",
    "unraisableexception",  # would collect all garbage of this process at the end of each run
)


def run_tests(files: Sequence[Path], root: Path, plugins: Sequence[object]) -> str:
    """Run the tests of ``files``, all below ``root``, with ``plugins`` and the lesson's modules.

    Returns what pytest complained about. Its exit code says little, and nothing is decided by it.
    """
    arguments = [
        f"--rootdir={root}",
        f"--confcutdir={root}",
        f"--config-file={INI}",
        "--import-mode=importlib",
        "--assert=plain",
        "--capture=no",
        *(part for name in _UNWANTED for part in ("-p", f"no:{name}")),
        *map(str, files),
    ]
    complaints = io.StringIO()
    with (
        _own_environment(),
        _no_text_of_results(),
        _own_modules(root),
        importable(root),
        warnings.catch_warnings(),
        redirect_stderr(complaints),
    ):
        plugins = [pytest_asyncio.plugin, *plugins_of(root), *plugins]
        pytest.main(arguments, plugins=plugins)
    return complaints.getvalue()


@contextmanager
def _own_environment() -> Iterator[None]:
    """Hide the variables by which pytest can be steered, and put everything back."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("PYTEST_")]:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("PYTEST_")]:
            del os.environ[name]
        os.environ.update({k: v for k, v in before.items() if k.startswith("PYTEST_")})


@contextmanager
def _no_text_of_results() -> Iterator[None]:
    """Let asyncio make no text of what a task has returned, which is megabytes for a recording.

    After each test ``asyncio.Runner`` asks who handles Ctrl-C. Python tries to find the handler's
    name in an enum, and makes a text of it to say that it is not there; in it are the task and its
    result.
    """
    texts = vars(reprlib.aRepr)
    before = {name: texts[name] for name in ("repr_instance",) if name in texts}
    texts["repr_instance"] = lambda value, _level: object.__repr__(value)
    try:
        yield
    finally:
        del texts["repr_instance"]
        texts.update(before)


@contextmanager
def _own_modules(root: Path) -> Iterator[None]:
    """Forget the lesson's modules, before and after: lessons have files of the same names."""
    _forget(root)
    try:
        yield
    finally:
        _forget(root)


def _forget(root: Path) -> None:
    inside = f"{root}{os.sep}"
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(inside):
            del sys.modules[name]
