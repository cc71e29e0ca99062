"""The page that a student reads."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from graders.engine.core.results import Measurement, Problem, Status, Visibility
from graders.engine.reports import terminal
from graders.engine.reports.glyphs import ASCII, UNICODE, glyphs_for
from tests.reports.samples import FEEDBACK, as_text, case, mixed, result, row

PAGE = Path(__file__).with_name("page.txt")


def test_page_with_every_status_is_the_one_on_file() -> None:
    page = as_text(terminal.render(mixed(), title="First agent"))
    assert page + "\n" == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    page = as_text(terminal.render(mixed()), width)
    assert max(len(line) for line in page.splitlines()) <= width


def test_full_marks_are_said_and_nothing_is_to_be_tried() -> None:
    page = as_text(terminal.render(result(row("a", "It works", points=100))))
    assert "Full marks." in page
    assert "100 / 100" in page
    assert "Try" not in page
    assert "--only" not in page


def test_few_cases_that_failed_are_all_shown() -> None:
    cases = tuple(
        case(name, Status.FAILED, FEEDBACK.model_copy(update={"seen": f"Saw {name}."}))
        for name in ("one", "two")
    )
    page = as_text(terminal.render(result(row("a", "It works", Status.FAILED, cases=cases))))
    assert "one: Saw one." in page
    assert "two: Saw two." in page
    assert " more case" not in page


def test_measurement_is_shown_with_its_goal() -> None:
    measurement = Measurement(name="Latency, p95", value=2.5, unit="ms", goal="under 100 ms")
    measured = result(row("a", "It works")).model_copy(update={"measurements": (measurement,)})
    assert "Latency, p95: 2.5 ms (goal: under 100 ms)" in as_text(terminal.render(measured))


def test_problem_shows_detail_and_cure_and_counts_what_was_not_tried() -> None:
    problem = Problem(
        kind="import-error",
        title="`server.py` could not be imported.",
        detail='File "server.py", line 3\n    import fastapy',
        cure="Write `import fastapi`.",
    )
    rows = (row("a", "One fact", Status.NOT_RUN), row("b", "Another fact", Status.NOT_RUN))
    page = as_text(terminal.render(result(*rows, problem=problem)))
    assert "could not be graded" in page
    assert '   File "server.py", line 3\n       import fastapy' in page
    assert "Try  Write `import fastapi`." in page
    assert "2 criteria were not tried" in page
    assert "One fact" not in page


def test_problem_of_a_server_says_that_the_rest_was_graded() -> None:
    problem = Problem(kind="no-server-file", title="There is no `server.py`.")
    rows = (row("a", "One fact"), row("b", "Another fact", Status.NOT_RUN))
    page = as_text(terminal.render(result(*rows, problem=problem)))
    assert "only what needs no server was graded" in page
    assert "could not be graded" not in page
    assert "One fact" in page


@pytest.mark.parametrize(
    "visibility", [each for each in Visibility if each is not Visibility.VISIBLE]
)
def test_criterion_that_is_not_visible_shows_its_title_only(visibility: Visibility) -> None:
    failed = case("x", Status.FAILED, FEEDBACK)
    secret = row(
        "secret-id", "A secret fact", Status.FAILED, cases=(failed,), visibility=visibility
    )
    page = as_text(terminal.render(result(secret)))
    assert "A secret fact" in page
    assert "secret-id" not in page
    assert FEEDBACK.seen not in page
    assert "--only" not in page


def test_run_that_counts_does_not_call_itself_practice() -> None:
    page = as_text(terminal.render(result(row("a", "It works"), advisory=False)))
    assert "does not count" not in page
    assert "could be forged" in page


def test_text_of_the_student_cannot_steer_the_terminal() -> None:
    nasty = "\x1b[2J\u202e[bold]gone[/bold]"
    feedback = FEEDBACK.model_copy(update={"seen": nasty})
    rows = (row("a", "A fact", Status.FAILED, cases=(case("x", Status.FAILED, feedback),)),)
    page = as_text(terminal.render(result(*rows, notes=(nasty,))))
    assert "\x1b" not in page
    assert page.count(r"\x1b[2J\u202e[bold]gone[/bold]") == 2


def test_failed_criterion_without_feedback_has_just_its_heading() -> None:
    page = as_text(terminal.render(result(row("a", "A fact", Status.FAILED))))
    assert "1. A fact" in page
    assert "Required" not in page


@pytest.mark.parametrize(("encoding", "look"), [("utf-8", UNICODE), ("cp1252", ASCII)])
def test_look_is_what_the_terminal_can_show(encoding: str, look: object) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert glyphs_for(Console(file=file)) is look


def test_page_for_a_plain_terminal_has_plain_marks() -> None:
    rows = tuple(row(status.value, "A fact", status) for status in Status)
    page = as_text(terminal.render(result(*rows), ASCII))
    assert page.isascii()
