"""A line of a rubric that borrows: what it is decided by, what blocks it, what is told of it.

The miniature course's `greeting` lends. Its submissions and its checks are those of its own tests.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.content.loans import loans_of
from graders.engine.core.errors import ContentError
from graders.engine.core.results import CriterionResult, Problem, Result, Status
from graders.engine.grading.events import (
    CaseFinished,
    CriterionFinished,
    CriterionStarted,
    GradingEvent,
    RunStarted,
    nobody_listens,
)
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.run import grade
from tests.miniature import COURSE, FactoryStandIn

OWN_CHECKS = """
import pytest
from graders.engine.core.errors import Finding


@pytest.mark.criterion(id="welcomes")
async def test_welcomes(student):
    if student.ask("welcome") is None:
        raise Finding("Nobody was welcomed.")
"""
OWN = """\
format_version: 1
criteria:
  - id: welcomes
    title: It welcomes
    points: 40
    requirement: It welcomes people.
    hints: {default: Welcome them.}
"""
LINE = """\
  - id: %(id)s
    title: Borrowed %(id)s
    points: %(points)s
    needs: [%(needs)s]
    partial: true
    requirement: It does %(id)s.
    hints: {default: See there.}
    borrows: [%(borrows)s]
"""
ALL_RIGHT = (
    'ANSWERS = {"hello": "hello", "good morning": "good morning", "good night": "good night", '
    '"my name": "Ada", "welcome": "yes"}'
)


def line(name: str, *borrows: str, points: int = 60, needs: str = "") -> str:
    """Return a line of a rubric that borrows these criteria of `greeting`."""
    lent = ", ".join(each if "/" in each else f"greeting/{each}" for each in borrows)
    return LINE % {"id": name, "points": points, "needs": needs, "borrows": lent}


def course_with(folder: Path, *lines: str, own: str = OWN) -> Path:
    """Return a course with a lesson `borrowing` whose rubric has these lines too."""
    course = folder / "course"
    shutil.copytree(COURSE, course)
    lesson = course / "graders" / "borrowing"
    lesson.mkdir()
    (lesson / "lesson.yaml").write_text("format_version: 1\ntitle: Borrowing\n", encoding="utf-8")
    (lesson / "rubric.yaml").write_text(own + "".join(lines), encoding="utf-8")
    (lesson / "test_own.py").write_text(OWN_CHECKS, encoding="utf-8")
    return course


def graded(
    course: Path,
    answers: str = ALL_RIGHT,
    *,
    only: tuple[str, ...] = (),
    events: list[GradingEvent] | None = None,
    problem: Problem | None = None,
) -> Result:
    """Grade a server with these answers by the lesson that borrows."""
    submission = course / "submission"
    submission.mkdir()
    (submission / "server.py").write_text(answers, encoding="utf-8")
    return grade(
        GradingRequest(Catalogue(course).lesson("borrowing"), submission, seed=7, only=only),
        submission,
        FactoryStandIn(submission),
        on_event=nobody_listens if events is None else events.append,
        problem=problem,
    )


def rows(result: Result) -> Mapping[str, CriterionResult]:
    """Return the criteria of a result by id."""
    return {row.id: row for row in result.criteria}


def test_borrowed_criteria_are_cases_of_the_line(tmp_path: Path) -> None:
    result = graded(course_with(tmp_path, line("greets", "answers", "polite", "remembers")))
    row = rows(result)["greets"]
    assert result.full_marks
    assert [case.name for case in row.cases] == [
        "The server answers (greeting)",
        "Every greeting is answered in kind (greeting)",
        "A name is remembered (greeting)",
    ]


def test_failure_is_told_in_the_words_of_the_lender(tmp_path: Path) -> None:
    answers = ALL_RIGHT.replace('"Ada"', '"Eve"')
    row = rows(graded(course_with(tmp_path, line("greets", "answers", "remembers")), answers))[
        "greets"
    ]
    (failed,) = [case for case in row.cases if case.status is Status.FAILED]
    assert failed.feedback is not None
    assert failed.feedback.required == "The server remembers the name of the user."
    assert failed.feedback.advice == "Keep the name."
    assert (row.status, row.score, row.max_score) == (Status.FAILED, 30, 60)


def test_part_of_a_borrowed_criterion_counts_in_part(tmp_path: Path) -> None:
    answers = ALL_RIGHT.replace('"good night": "good night"', '"good night": "no"')
    row = rows(graded(course_with(tmp_path, line("greets", "polite")), answers))["greets"]
    assert (row.status, row.score) == (Status.FAILED, 40)


def test_criterion_that_the_lender_blocks_is_blocked_by_its_line(tmp_path: Path) -> None:
    course = course_with(
        tmp_path, line("basics", "answers", points=20), line("greets", "polite", points=40)
    )
    result = rows(graded(course, 'ANSWERS = {"welcome": "yes"}'))
    assert result["basics"].status is Status.FAILED
    assert (result["greets"].status, result["greets"].blocked_by) == (Status.BLOCKED, ("basics",))


def test_blocked_case_does_not_count_beside_the_one_that_blocks_it(tmp_path: Path) -> None:
    course = course_with(tmp_path, line("greets", "answers", "polite"))
    row = rows(graded(course, 'ANSWERS = {"welcome": "yes"}'))["greets"]
    assert [case.status for case in row.cases] == [Status.FAILED, Status.BLOCKED]
    assert (row.status, row.score) == (Status.FAILED, 0)


def test_what_is_needed_and_not_borrowed_is_told(tmp_path: Path) -> None:
    course = course_with(tmp_path, line("guests", "unannounced-guest"))
    row = rows(graded(course, ALL_RIGHT.replace('"Ada"', '"Eve"')))["guests"]
    (case,) = row.cases
    assert case.status is Status.FAILED
    assert case.name == "A stranger is turned away (greeting)"
    assert case.feedback is not None
    assert case.feedback.seen == "The name was forgotten."


def test_root_of_a_chain_is_found(tmp_path: Path) -> None:
    course = course_with(tmp_path, line("guests", "unannounced-guest"))
    row = rows(graded(course, 'ANSWERS = {"welcome": "yes"}'))["guests"]
    assert row.cases[0].feedback is not None
    assert row.cases[0].feedback.required == "The server answers every message."


def test_line_may_need_criteria_of_its_own_lesson(tmp_path: Path) -> None:
    course = course_with(tmp_path, line("greets", "polite", needs="welcomes"))
    answers = ALL_RIGHT.replace(', "welcome": "yes"', "")
    row = rows(graded(course, answers))["greets"]
    assert (row.status, row.blocked_by) == (Status.BLOCKED, ("welcomes",))


def test_only_what_is_asked_for_is_played(tmp_path: Path) -> None:
    course = course_with(
        tmp_path, line("basics", "answers", points=20), line("greets", "polite", points=40)
    )
    result = rows(graded(course, only=("basics",)))
    assert result["basics"].status is Status.PASSED
    assert result["greets"].status is Status.NOT_RUN
    assert result["greets"].message == "Not tried, because it was not asked for."


def test_no_lender_is_asked_when_nothing_is_borrowed_of_it(tmp_path: Path) -> None:
    course = course_with(tmp_path, line("greets", "polite"))
    result = rows(graded(course, only=("welcomes",)))
    assert (result["welcomes"].status, result["greets"].status) == (Status.PASSED, Status.NOT_RUN)


def test_nothing_is_borrowed_where_no_server_starts(tmp_path: Path) -> None:
    problem = Problem(kind="did-not-start", title="It did not start.", cure="Start it.")
    course = course_with(tmp_path, line("greets", "polite"))
    row = rows(graded(course, problem=problem))["greets"]
    assert (row.status, row.message) == (
        Status.NOT_RUN,
        "Not tried, because the server could not be started.",
    )


def test_progress_speaks_of_lines_only(tmp_path: Path) -> None:
    events: list[GradingEvent] = []
    graded(course_with(tmp_path, line("greets", "polite", "answers")), events=events)
    started = next(event for event in events if isinstance(event, RunStarted))
    assert [name for name, _ in started.criteria] == ["welcomes", "greets"]
    assert [e.id for e in events if isinstance(e, CriterionStarted)] == ["welcomes", "greets"]
    assert {e.criterion for e in events if isinstance(e, CaseFinished)} == {"welcomes", "greets"}
    assert [e.result.id for e in events if isinstance(e, CriterionFinished)] == [
        "welcomes",
        "greets",
    ]


def test_check_of_the_lender_that_breaks_is_no_fault_of_the_student(tmp_path: Path) -> None:
    course = course_with(tmp_path, line("greets", "answers"))
    lender = course / "graders" / "greeting" / "test_basics.py"
    text = lender.read_text(encoding="utf-8")
    broken = text.replace('    ask(student, "hello")', "    raise RuntimeError")
    lender.write_text(broken, encoding="utf-8")
    events: list[GradingEvent] = []
    assert rows(graded(course, events=events))["greets"].status is Status.ERROR
    assert any("RuntimeError" in e.log for e in events if isinstance(e, CaseFinished))


def unseen(course: Path, asked: str) -> None:
    """Let the lender's check that begins so see nothing on this machine."""
    file = course / "graders" / "greeting" / "test_basics.py"
    text = file.read_text(encoding="utf-8")
    assert asked in text
    text = text.replace(asked, f'    raise NotMeasurable("Nobody can see it here.")\n{asked}')
    imports = "from graders.engine.core.errors import "
    file.write_text(text.replace(f"{imports}Finding", f"{imports}Finding, NotMeasurable"), "utf-8")


def test_line_is_not_run_where_a_part_of_it_cannot_be_seen(tmp_path: Path) -> None:
    course = course_with(tmp_path, line("greets", "answers", "remembers"))
    unseen(course, '    if ask(student, "my name")')
    row = rows(graded(course))["greets"]
    assert (row.status, row.score, row.message) == (Status.NOT_RUN, 0, "Nobody can see it here.")


def test_line_fails_for_what_can_be_seen(tmp_path: Path) -> None:
    course = course_with(tmp_path, line("greets", "answers", "remembers", "polite"))
    unseen(course, '    if ask(student, "my name")')
    row = rows(
        graded(course, ALL_RIGHT.replace('"good night": "good night"', '"good night": "?"'))
    )["greets"]
    assert (row.status, row.score) == (Status.FAILED, 50)
    assert [case.status for case in row.cases] == [Status.PASSED, Status.FAILED]


def refusal(folder: Path, *lines: str, own: str = OWN) -> ContentError:
    """Return what is said of a lesson whose rubric has these lines."""
    course = course_with(folder, *lines, own=own)
    lesson = Catalogue(course).lesson("borrowing")
    with pytest.raises(ContentError) as caught:
        loans_of(lesson.grader_dir, lesson.rubric)
    return caught.value


@pytest.mark.parametrize(
    ("borrowed", "message", "cure"),
    [
        ("greetings/polite", "No other lesson `greetings` lends.", "Did you mean `greeting`?"),
        ("borrowing/welcomes", "No other lesson `borrowing` lends.", "Known: "),
        ("greeting/polit", "greeting has no criterion `polit` of its own.", "mean `polite`?"),
    ],
)
def test_what_does_not_exist_cannot_be_borrowed(
    tmp_path: Path, borrowed: str, message: str, cure: str
) -> None:
    error = refusal(tmp_path, line("greets", borrowed))
    assert error.message == message
    assert cure in error.cure
    assert error.line == 15


def test_nothing_is_borrowed_that_is_borrowed_itself(tmp_path: Path) -> None:
    course = course_with(tmp_path, line("greets", "polite"))
    lesson = Catalogue(course).lesson("borrowing")
    second = course / "graders" / "second"
    shutil.copytree(lesson.grader_dir, second)
    rubric = (second / "rubric.yaml").read_text(encoding="utf-8")
    rubric = rubric.replace("greeting/polite", "borrowing/greets")
    (second / "rubric.yaml").write_text(rubric, encoding="utf-8")
    with pytest.raises(ContentError, match="borrowing has no criterion `greets` of its own"):
        loans_of(second, Catalogue(course).lesson("second").rubric)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (line("greets", "Greeting/polite"), "`Greeting/polite` is not a criterion of another"),
        (line("greets", "a/b/c"), "`a/b/c` is not a criterion of another lesson."),
        (line("greets", "polite", "polite"), "`greeting/polite` is borrowed already."),
    ],
)
def test_rubric_says_which_loan_is_wrong(tmp_path: Path, lines: str, message: str) -> None:
    assert message in refusal(tmp_path, lines).message


def test_own_criterion_cannot_need_one_that_is_borrowed(tmp_path: Path) -> None:
    own = OWN.replace("    points: 40\n", "    points: 40\n    needs: [greets]\n")
    error = refusal(tmp_path, line("greets", "polite"), own=own)
    assert "`greets` is borrowed, so it is tried after this one." in error.message
    assert error.line == 6
