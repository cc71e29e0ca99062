"""``grade.py list`` and ``grade.py explain``."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.announced import passage_of
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.content.course_packages import HashedPin, lock_text
from graders.engine.content.reasons import load_reasons
from graders.engine.core.places import REPOSITORY
from graders.engine.reports.audience import UNNAMED
from tests.cli.course import SOLUTION, STUB, run
from tests.miniature import COURSE


def test_criteria_have_points_ids_and_titles() -> None:
    found = run("list", "greeting")
    assert found.code == ExitCode.FULL_MARKS
    lines = [line.split(maxsplit=2) for line in found.out.splitlines()]
    assert ["40", "answers", "The server answers"] in lines
    assert ["20", "remembers", "A name is remembered"] in lines


def test_hidden_criterion_has_no_id_in_the_list() -> None:
    found = run("list", "greeting")
    assert "A stranger is turned away" in found.out
    assert "unannounced-guest" not in found.out


def test_list_of_no_lesson_is_a_usage_error() -> None:
    found = run("list", "greting")
    assert (found.code, found.out) == (ExitCode.USAGE, "")
    assert "Did you mean `greeting`?" in found.err


def test_explanation_has_requirement_passage_and_command() -> None:
    found = run("explain", "polite", root=COURSE)
    assert found.code == ExitCode.FULL_MARKS
    assert "A greeting is answered with the same greeting." in found.out
    assert 'assignments/greeting/README.md, line 4, under "Greeting"' in found.out
    assert "python grade.py greeting --only polite" in found.out
    assert "answers: tried only if passed" in found.out
    assert "a part of them for a part of the work" in found.out


def test_explanation_says_why_it_matters(tmp_path: Path) -> None:
    root = tmp_path / "course"
    shutil.copytree(COURSE, root)
    why = root / "graders" / "greeting" / "why.yaml"
    why.write_text("format_version: 1\nwhy:\n  polite: Rude servers lose their users.\n")
    assert "Rude servers lose their users." in run("explain", "polite", root=root).out
    why.write_text("format_version: 1\nwhy:\n  polite: [a]\n")
    broken = run("explain", "polite", root=root)
    assert broken.code == ExitCode.CONTENT
    assert "why.yaml:3" in broken.err


def test_explanation_says_whose_points_an_optional_criterion_takes() -> None:
    page = " ".join(run("explain", "front-end-loads", root=REPOSITORY).out.split())
    assert "points are taken from own-scenarios where a front end is handed in; else it" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("polit",), "Did you mean `polite`?"),
        (("polite", "counting"), "There is no criterion `polite` in counting."),
        (("unannounced-guest",), "There is no criterion `unannounced-guest`."),
    ],
)
def test_criterion_that_cannot_be_explained_is_a_usage_error(
    words: tuple[str, ...], message: str
) -> None:
    found = run("explain", *words)
    assert (found.code, found.out) == (ExitCode.USAGE, "")
    assert message in found.err


def test_criterion_of_several_lessons_needs_the_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run("explain", "server-answers", root=REPOSITORY)
    assert found.code == ExitCode.USAGE
    assert "`python grade.py explain server-answers lesson01`" in found.err
    assert "lesson02" in run("explain", "server-answers", "2", root=REPOSITORY).out
    monkeypatch.chdir(REPOSITORY / "assignments" / "lesson02")
    assert "lesson02" in run("explain", "server-answers", root=REPOSITORY).out


@pytest.mark.parametrize("lesson", Catalogue(REPOSITORY).lessons(), ids=lambda each: each.id)
def test_every_criterion_has_a_reason(lesson: Lesson) -> None:
    reasons = load_reasons(lesson.grader_dir)
    assert [name for name in lesson.rubric.ids if name not in reasons] == []


@pytest.mark.parametrize("lesson", Catalogue(REPOSITORY).lessons(), ids=lambda each: each.id)
def test_every_requirement_has_a_passage_of_the_readme(lesson: Lesson) -> None:
    readme = (lesson.assignment_dir / "README.md").read_text(encoding="utf-8")
    lines = readme.splitlines()
    for each in lesson.rubric.criteria:
        found = passage_of(each.requirement, readme)
        assert found is not None, each.id
        assert found.heading, each.id
        assert found.text.splitlines()[0] in lines[found.line - 1]


def test_requirement_that_is_not_announced_has_no_passage() -> None:
    assert passage_of("Be nice.", "# A\n\n- Be quick.\n") is None


def test_passage_has_the_heading_above_it() -> None:
    readme = "# A\n\n**B**\n\n- one\n- **2** two\n  lines\n\n## C\n\nthree\n"
    told = {text: passage_of(text, readme) for text in ("one", "two lines", "three")}
    assert [(each.line, each.heading) for each in told.values() if each] == [
        (5, "B"), (6, "B"), (11, "C")
    ]  # fmt: skip


def test_course_is_checked_and_shown(tmp_path: Path) -> None:
    root = tmp_path / "course"
    shutil.copytree(COURSE, root)
    pin = HashedPin("pandas", "2.0", "", ("sha256:" + "0" * 64,))
    (root / "course.lock").write_text(lock_text(["pandas"], [pin], root, "all"), encoding="utf-8")
    file = tmp_path / "class.yaml"
    file.write_text(
        "name: Agents\nlessons: {greeting: {criteria: {polite: {points: 50, visibility: hidden}, "
        "answers: {feedback: {title: hidden}}}}}\npackages: [pandas]\n",
        encoding="utf-8",
    )
    shown = run("course", "--course", str(file), root=root)
    assert shown.code == ExitCode.FULL_MARKS
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert lines[0] == "Agents"
    assert "greeting 120 points Greeting" in lines
    assert "polite: 50 points; seen hidden, hint hidden" in lines
    assert "answers: 40 points; title hidden" in lines
    assert lines[-1].endswith("pandas")
    listed = run("list", "greeting", "--course", str(file), root=root).out
    assert "The server answers" not in listed
    assert UNNAMED in listed


def test_without_a_course_all_lessons_are_shown_as_they_are() -> None:
    shown = run("course").out
    assert shown.startswith("There is no course.yaml")
    assert "counting" in shown


def test_mistake_in_a_course_is_told_before_anything_starts(tmp_path: Path) -> None:
    file = tmp_path / "class.yaml"
    file.write_text("lessons:\n  greeting: {criterias: {}}\n", encoding="utf-8")
    found = run("greeting", STUB, "--course", str(file))
    assert (found.code, found.out) == (ExitCode.CONTENT, "")
    assert f"{file}:2" in found.err
    assert "Did you mean `criteria`?" in found.err


def test_points_of_a_course_are_those_of_the_result(tmp_path: Path) -> None:
    file = tmp_path / "class.yaml"
    file.write_text(
        "name: Agents\nlessons: {greeting: {criteria: {polite: {points: 50}}}}", encoding="utf-8"
    )
    found = run("greeting", SOLUTION, "--course", str(file), "--json", "-")
    told = json.loads(found.out)
    assert (told["score"], told["max_score"], told["course"]) == (120, 120, "Agents")
    assert told["made_with"]["course_digest"].startswith("sha256:")


def test_environment_is_shown_in_groups() -> None:
    shown = run("env", root=REPOSITORY)
    assert shown.code == ExitCode.FULL_MARKS
    first, _, rest = shown.out.partition("Also there")
    assert "sqlmodel 0" in first
    assert "pytest" not in first
    assert "pytest" in rest
    assert "pywin32" not in shown.out or sys.platform == "win32"
