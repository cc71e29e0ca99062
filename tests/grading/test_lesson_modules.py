"""The modules beside a lesson's tests: their fixtures and recordings need no ``conftest.py``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import graders
from graders.engine.core.errors import ContentError
from graders.engine.grading.lesson_modules import importable, plugins_of
from tests.grading.test_session import Listener, ran

SCENARIOS = """\
from graders.engine.harness import recorded_as
from graders.small.words import GREETING


@recorded_as("greeted")
async def play_greeting(scene):
    return [scene, GREETING]
"""
FIXTURES = """\
import pytest


@pytest.fixture
def recorded():
    async def play(scenario):
        return await scenario("a scene")

    return play
"""
WORDS = """\
GREETING = "hello"


def compare(one, other):
    assert one == other
"""


def lesson(folder: Path, **modules: str) -> Path:
    """Return a lesson's folder with these modules."""
    root = folder / "course" / "small"
    root.mkdir(parents=True)
    for name, text in modules.items():
        (root / f"{name}.py").write_text(text, encoding="utf-8")
    return root


def passed(root: Path) -> list[str]:
    """Run the tests of a lesson; return those that passed."""
    listener: Listener = ran(root, "test_it.py")
    return listener.passed


def test_recorded_scenarios_and_fixtures_of_any_module_are_known(tmp_path: Path) -> None:
    test = "def test_greeting(greeted):\n    assert greeted == ['a scene', 'hello']\n"
    root = lesson(tmp_path, scenarios=SCENARIOS, own=FIXTURES, words=WORDS, test_it=test)
    assert passed(root) == ["test_it.py::test_greeting"]


def test_module_that_a_test_imports_is_the_one_that_is_registered(tmp_path: Path) -> None:
    fixtures = "import pytest\nMADE = object()\n\n@pytest.fixture\ndef made():\n    return MADE\n"
    test = "from graders.small.own import MADE\n\ndef test_it(made):\n    assert made is MADE\n"
    assert passed(lesson(tmp_path, own=fixtures, test_it=test)) == ["test_it.py::test_it"]


def test_asserts_of_a_module_are_left_as_they_are(tmp_path: Path) -> None:
    test = (
        "import pytest\nfrom graders.small.words import compare\n\n"
        "def test_it():\n    with pytest.raises(AssertionError) as raised:\n"
        "        compare(1, 2)\n    if str(raised.value):\n        raise raised.value\n"
    )
    assert passed(lesson(tmp_path, words=WORDS, test_it=test)) == ["test_it.py::test_it"]


def test_nothing_of_a_lesson_is_left_behind(tmp_path: Path) -> None:
    before, places = set(sys.modules), list(graders.__path__)
    test = "from graders.small.words import GREETING\n\ndef test_it():\n    pass\n"
    assert passed(lesson(tmp_path, words=WORDS, test_it=test)) == ["test_it.py::test_it"]
    assert not [name for name in set(sys.modules) - before if "small" in name]
    assert list(graders.__path__) == places


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("X = 1\nimport nowhere\n", 2, "No module named 'nowhere'"),
        ("X = 1\n\ndef f(:\n", 3, "cannot be imported: SyntaxError"),
        ("def f():\n    return 1 / 0\n\nf()\n", 2, "cannot be imported: ZeroDivisionError"),
    ],
)
def test_module_that_cannot_be_imported_is_a_content_error(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    root = lesson(tmp_path, own=text, test_it="def test_it():\n    pass\n")
    with pytest.raises(ContentError, match=says) as raised:
        passed(root)
    assert (raised.value.path, raised.value.line) == (root / "own.py", line)


def test_two_scenarios_of_one_name_are_a_content_error(tmp_path: Path) -> None:
    root = lesson(tmp_path, scenarios=SCENARIOS, scenarios_again=SCENARIOS, words=WORDS)
    with importable(root), pytest.raises(ContentError, match="recorded as 'greeted'") as raised:
        plugins_of(root)
    assert raised.value.path == root / "scenarios_again.py"


def test_scenario_that_another_module_imports_is_recorded_once(tmp_path: Path) -> None:
    again = "from graders.small.scenarios import play_greeting\n\n__all__ = ['play_greeting']\n"
    root = lesson(tmp_path, scenarios=SCENARIOS, again=again, words=WORDS)
    with importable(root):
        *_, recordings = plugins_of(root)
    assert hasattr(recordings, "greeted")
