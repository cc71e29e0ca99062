"""The checks of hidden criteria are cut out of a lesson, and what others use is kept."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from graders.engine.bundles.cutting import Cut, criteria_using, without_checks
from graders.engine.bundles.lesson_files import borrowed_lessons
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.core.places import REPOSITORY

CHECKS = '''\
"""The checks."""

from graders.lesson99.secret import trick, twist
from graders.lesson99.shared import LIMIT, common as usual

# What this is about.
TABLE = {"x": 1}
OPEN: int = 2


@criterion("open")
async def test_open(student, played, plain_fixture):
    """It is open."""
    usual(OPEN, LIMIT)


# Nobody may read this.
# Nor this.
@criterion("shut")
@pytest.mark.parametrize("way", TABLE)
def test_shut(way, hidden_fixture, hidden_play):
    trick(usual, TABLE[way], Odd)


class Odd:
    """Only there."""
'''
SHARED = """\
LIMIT = 3


def common(number, limit):
    return number


@pytest.fixture
def plain_fixture(): ...


@pytest.fixture
def hidden_fixture():
    return only_hidden()


def only_hidden():
    return LIMIT


@recorded_as("hidden_play")
async def play(scene): ...


if LIMIT:
    print(LIMIT)
"""
SECRET = '"""Tricks."""\nimport os\n\ntwist = trick = os.sep\n'
SOURCES = {"test_checks": CHECKS, "shared": SHARED, "secret": SECRET}
LESSONS = Catalogue(REPOSITORY).lessons()
NOT_BORROWING = [lesson.id for lesson in LESSONS if not borrowed_lessons(lesson)]


@pytest.fixture(scope="module")
def cut() -> Cut:
    return without_checks(SOURCES, {"shut"})


def test_check_goes_with_its_comments_and_all_that_only_it_uses(cut: Cut) -> None:
    left = "\n".join(cut.kept.values())
    for word in ("shut", "Odd", "TABLE", "hidden", "trick", "Nobody", "Nor this", "twist"):
        assert word not in left
    assert "def test_shut" in cut.removed


def test_what_others_use_is_left_as_it_was(cut: Cut) -> None:
    assert set(cut.kept) == {"test_checks", "shared"}
    assert (
        'async def test_open(student, played, plain_fixture):\n    """It is open."""'
        in (cut.kept["test_checks"])
    )
    assert "from graders.lesson99.shared import LIMIT, common as usual" in cut.kept["test_checks"]
    assert cut.kept["shared"].startswith("LIMIT = 3\n\n\ndef common")
    assert cut.kept["shared"].endswith("if LIMIT:\n    print(LIMIT)\n")


def test_nothing_hidden_leaves_every_module_as_it_is() -> None:
    assert without_checks(SOURCES, ()).kept == SOURCES


def test_one_of_several_names_of_an_import_goes() -> None:
    sources = {
        "test_a": "from x.secret import (\n    one,\n    two,\n)\n\n\n"
        '@criterion(id="a")\ndef test_a():\n    one()\n\n\n'
        '@criterion(id="b")\ndef test_b():\n    two()\n',
        "secret": "import os\n\n\ndef one(): ...\n\n\ndef two(): ...\n",
    }
    kept = without_checks(sources, {"b"}).kept
    assert "from x.secret import one\n" in kept["test_a"]
    assert kept["secret"] == "import os\n\n\ndef one(): ...\n"


def test_checks_are_found_by_a_fixture_that_they_use_in_several_steps() -> None:
    assert "shut" in criteria_using(SOURCES, "only_hidden")
    assert "open" not in criteria_using(SOURCES, "only_hidden")
    assert {"open", "shut"} <= criteria_using(SOURCES, "LIMIT")


def test_check_whose_id_is_not_written_out_is_refused() -> None:
    with pytest.raises(ValueError, match="shut"):
        without_checks({"test_a": "@criterion(NAME)\ndef test_a(): ...\n"}, {"shut"})


def cuts() -> Iterator[tuple[Lesson, frozenset[str], Cut]]:
    """Yield each lesson of the course with a third of its criteria hidden, three times."""
    for lesson in LESSONS:
        sources = {path.stem: path.read_text("utf-8") for path in lesson.grader_dir.glob("*.py")}
        decorators = re.findall(r"^@.*$", "\n".join(sources.values()), re.MULTILINE)
        own = [name for name in lesson.rubric.ids if f'"{name}"' in "".join(decorators)]
        for third in range(3):
            hidden = frozenset(own[third::3])
            yield lesson, hidden, without_checks(sources, hidden)


def test_every_criterion_of_the_course_can_be_cut_out_and_leaves_no_loose_end(
    tmp_path: Path,
) -> None:
    for number, (lesson, hidden, cut) in enumerate(cuts()):
        folder = tmp_path / f"{lesson.id}-{number}"
        folder.mkdir()
        checks = "\n".join(text for name, text in cut.kept.items() if name.startswith("test_"))
        decorated = {*re.findall(r'^@\w+\("([a-z0-9-]+)"[,)]', checks, re.MULTILINE)}
        assert not decorated & hidden
        if lesson.id in NOT_BORROWING:
            assert decorated & set(lesson.rubric.ids) == set(lesson.rubric.ids) - hidden
        for module, text in cut.kept.items():
            (folder / f"{module}.py").write_text(text, "utf-8")
            assert list(missing_names(lesson, text, cut)) == [], (lesson.id, hidden, module)
    undefined = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821"]
    done = subprocess.run([*undefined, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def missing_names(lesson: Lesson, text: str, cut: Cut) -> Iterator[str]:
    """Yield what a module imports of its neighbours and no longer finds there."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            f"graders.{lesson.id}."
        ):
            neighbour = cut.kept.get(str(node.module).rpartition(".")[2], "")
            yield from (each.name for each in node.names if each.name not in neighbour)
