"""The map from what the course asks to its checks: current, and honest about what is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from graders.engine.authoring.coverage import DATA, MISSING, PAGE, load_map, render_map
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.catalogue import Catalogue
from graders.engine.core.errors import ContentError
from graders.engine.core.places import REPOSITORY
from tests.cli.course import run
from tests.miniature import COURSE

HEAD = "format_version: 1\nparts:\n  - title: All\n    requirements:\n"
POLITE = "      - asks: Be polite.\n        criteria: [greeting/polite]\n"
TWO = "      - asks: Answer.\n        criteria: [greeting/answers, greeting/polite]\n"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return a copy of the miniature course, which gets requirements."""
    shutil.copytree(COURSE, tmp_path / "course")
    (tmp_path / "course" / "docs").mkdir()
    return tmp_path / "course"


def page_of(course: Path, requirements: str) -> str:
    (course / DATA).write_text(HEAD + requirements, encoding="utf-8")
    return render_map(load_map(Catalogue(course)))


def test_page_of_the_course_is_current() -> None:
    page = (REPOSITORY / PAGE).read_text(encoding="utf-8")
    assert render_map(load_map(Catalogue(REPOSITORY))) == page, "grade.py lesson coverage"


def test_course_asks_nothing_that_is_not_checked() -> None:
    assert load_map(Catalogue(REPOSITORY)).holes == []


def test_row_names_criteria_mutants_and_solutions(course: Path) -> None:
    page = page_of(course, TWO)
    assert (
        "| Answer. | greeting: `answers`, `polite` | greeting: `mute`, `rude` | "
        "greeting: `solution`, `solution_terse` |" in page
    )
    assert "1 requirements, 0 of them" in page
    assert "counting: `counts`" in page.partition("## Checked beyond that")[2]
    assert "`answers`" not in page.partition("## Checked beyond that")[2]


def test_some_of_the_mutants_can_be_named(course: Path) -> None:
    row = page_of(course, TWO + "        mutants: [greeting/rude]\n")
    assert "| greeting: `rude` |" in row


@pytest.mark.parametrize(
    ("requirement", "cells"),
    [
        ("      - asks: Sing.\n", f"{MISSING} | {MISSING} | {MISSING}"),
        (
            "      - asks: Sing.\n        criteria: [counting/counts]\n",
            f"counting: `counts` | {MISSING} | counting: `solution`",
        ),
        (POLITE.replace("Be polite", "Sing") + "        database: postgresql\n",
         f"greeting: `polite` | {MISSING} | {MISSING}"),
    ],
)  # fmt: skip
def test_hole_is_shown_as_missing(course: Path, requirement: str, cells: str) -> None:
    (course / "reference_solutions/counting/solution").mkdir(parents=True)
    assert f"| Sing. | {cells} |" in page_of(course, POLITE + requirement)
    made = run("lesson", "coverage", root=course)
    assert made.code == ExitCode.CONTENT
    assert "missing: Sing. (no " in made.out
    assert "2 requirements, 1 missing: docs/coverage.md" in made.out


def test_what_no_submission_is_judged_by_names_tests(course: Path) -> None:
    told = "      - asks: Sing.\n        tests: [graders/greeting/test_basics.py]\n"
    assert "| Sing. | `graders/greeting/test_basics.py` | | |" in page_of(course, told)
    with pytest.raises(ContentError, match=r"no test `graders/greeting/test_none\.py`"):
        page_of(course, told.replace("test_basics", "test_none"))


def test_command_writes_the_page(course: Path) -> None:
    page = page_of(course, POLITE)
    assert run("lesson", "coverage", root=course).code == ExitCode.FULL_MARKS
    assert (course / PAGE).read_text(encoding="utf-8") == page


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        (POLITE.replace("greeting/polite", "greeting/polit"), "Did you mean `polite`"),
        (POLITE.replace("greeting/", "greetings/"), "There is no criterion `greetings/polite`"),
        (POLITE.replace("greeting/", ""), "is not a criterion of another lesson"),
        (POLITE + "        mutants: [greeting/mute]\n", "No mutant `greeting/mute` loses"),
        (POLITE + "        criterion: a\n", "criterion"),
    ],
)
def test_wrong_name_is_a_content_error(course: Path, requirement: str, told: str) -> None:
    with pytest.raises(ContentError, match=r"coverage\.yaml") as found:
        page_of(course, requirement)
    assert told in f"{found.value.message} {found.value.cure}"


def test_course_without_requirements_is_told(course: Path) -> None:
    made = run("lesson", "coverage", root=course)
    assert made.code == ExitCode.CONTENT
    assert "coverage.yaml" in made.err
