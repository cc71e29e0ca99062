"""A new lesson is written wholly or not at all, and passes the tests that each lesson must pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.engine.authoring import new_lesson
from graders.engine.authoring.differences import files_in
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.announced import check_announced
from graders.engine.content.catalogue import Catalogue
from graders.engine.content.reasons import load_reasons
from graders.engine.core.errors import UsageError
from graders.engine.core.places import REPOSITORY
from graders.engine.course_servers.mutants import mutants_of, solutions_of
from tests.cli.course import run
from tests.miniature import COURSE

TITLE = "Files and images"


def everything(root: Path) -> set[Path]:
    return set(root.rglob("*"))


def test_lesson_is_complete(tmp_path: Path) -> None:
    found = run("lesson", "new", "lesson09", TITLE, root=tmp_path)
    assert found.code == ExitCode.FULL_MARKS
    assert "Check it:  python grade.py lesson check lesson09" in found.out
    lesson = Catalogue(tmp_path).lesson("lesson09")
    assert lesson.title == TITLE
    readme = (lesson.assignment_dir / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"# {TITLE}\n")
    assert check_announced(lesson.rubric, readme) == []
    assert set(load_reasons(lesson.grader_dir)) == set(lesson.rubric.ids)
    assert len(solutions_of(lesson)) == 2
    assert frozenset().union(*(each.loses for each in mutants_of(lesson))) == {*lesson.rubric.ids}
    assert list(lesson.assignment_dir.glob("conversations/*.yaml"))


def test_nothing_of_the_template_s_own_words_is_left(tmp_path: Path) -> None:
    new_lesson.make_lesson(tmp_path, "images", TITLE)
    for name, content in files_in(tmp_path).items():
        assert "lessonNN" not in name + content.decode()
        assert "LESSON_TITLE" not in content.decode()


@pytest.mark.parametrize(
    "title",
    ["Files: and images", "yes", "12", "'a' \"b\" # c", "Größe, 東京", "lessonNN", "x" * 100],
)
def test_any_title_is_written_so_that_it_is_read_again(tmp_path: Path, title: str) -> None:
    new_lesson.make_lesson(tmp_path, "lesson09", new_lesson.checked_title(f" {title}"))
    assert Catalogue(tmp_path).lesson("lesson09").title == title


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Lesson09", "cannot be the name"),
        ("my-lesson", "cannot be the name"),
        ("../lesson09", "cannot be the name"),
        ("class", "cannot be the name"),
        ("", "cannot be the name"),
        ("list", "is a command"),
        ("greeting", "There is a lesson `greeting` already: Greeting."),
    ],
)
def test_name_that_cannot_be_is_a_usage_error(name: str, told: str) -> None:
    before = everything(COURSE)
    found = run("lesson", "new", name, TITLE)
    assert found.code == ExitCode.USAGE
    assert told in found.err
    assert everything(COURSE) == before


@pytest.mark.parametrize("title", ["", "  ", "two\nlines", "x" * 101, "\x1b[1m"])
def test_title_that_cannot_be_is_a_usage_error(tmp_path: Path, title: str) -> None:
    found = run("lesson", "new", "lesson09", title, root=tmp_path)
    assert found.code == ExitCode.USAGE
    assert "The title must be one line" in found.err
    assert everything(tmp_path) == set()


def test_place_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    taken = tmp_path / "reference_solutions" / "lesson09"
    taken.mkdir(parents=True)
    before = everything(tmp_path)
    with pytest.raises(UsageError, match="is there already, so nothing is written"):
        new_lesson.make_lesson(tmp_path, "lesson09", TITLE)
    assert everything(tmp_path) == before


def in_the_way_at_the_end(root: Path) -> None:
    (root / "tests").write_text("no folder", encoding="utf-8")


def in_the_way_after_a_file(root: Path) -> None:
    (root / "reference_solutions").write_text("no folder", encoding="utf-8")


@pytest.mark.parametrize("spoil", [in_the_way_at_the_end, in_the_way_after_a_file])
def test_what_was_moved_is_removed_again_where_one_place_fails(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(tmp_path)
    with pytest.raises(UsageError, match="cannot be written to"):
        new_lesson.make_lesson(tmp_path, "lesson09", TITLE)
    assert [path for path in everything(tmp_path) if path.is_file()] == [
        path for path in tmp_path.iterdir() if path.is_file()
    ]
    assert not list(tmp_path.glob("*/lesson09"))


def test_copy_without_the_template_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_lesson, "TEMPLATE", tmp_path / "none")
    with pytest.raises(UsageError, match="has no folder `graders/new_lesson`"):
        new_lesson.make_lesson(tmp_path, "lesson09", TITLE)


OF_EACH_LESSON = (
    "tests/lesson09",
    "tests/numbers",
    "tests/grading/test_empty_recordings.py::test_no_check_passes_with_nothing_to_look_for",
    "tests/authoring/test_mutants_of_the_course.py",
)
IN_A_COPY = ("grade.py", "pyproject.toml", "graders", "tests")


def test_lesson_passes_the_tests_that_each_lesson_has_to_pass(tmp_path: Path) -> None:
    lessons = [name for each in Catalogue(REPOSITORY).ids() for name in (each, f"{each}.yaml")]
    no_lesson = shutil.ignore_patterns(*lessons, "__pycache__", "node_modules", "hostile")
    for name in IN_A_COPY:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=no_lesson)
        else:
            shutil.copy(REPOSITORY / name, tmp_path / name)
    new_lesson.make_lesson(tmp_path, "lesson09", TITLE)
    python = [sys.executable, "-m"]
    own = ["graders/lesson09", "tests/lesson09"]
    for command in (
        ["ruff", "check", "--no-cache", *own],
        ["ruff", "format", "--no-cache", "--check", *own],
        ["pytest", "-q", "-p", "no:cacheprovider", *OF_EACH_LESSON],
    ):
        done = subprocess.run(
            [*python, *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
