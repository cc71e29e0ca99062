"""The page that a student reads."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from graders.engine.core.results import Measurement, Problem, Result, Status, Visibility
from graders.engine.reports import telling, terminal
from graders.engine.reports.audience import Audience, seen_by
from graders.engine.reports.glyphs import ASCII, UNICODE, glyphs_for
from graders.engine.reports.terminal import Detail
from tests.reports.samples import FEEDBACK, as_text, case, line, mixed, result, row

PAGE = Path(__file__).with_name("page.txt")


def test_page_with_every_status_is_the_one_on_file() -> None:
    page = as_text(terminal.render(seen_by(Audience.STUDENT, mixed()), title="First agent"))
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


def three_failed(*, first_visibility: Visibility = Visibility.VISIBLE) -> Result:
    """Return a result whose dearest mistake is the last that failed: two others wait for it."""
    long = FEEDBACK.model_copy(update={"seen": "A line.\nAnother " + "word " * 40})
    return result(
        row("a", "A", Status.FAILED, 10, cases=(case("x", Status.FAILED, long),)),
        row(
            "b",
            "B " * 60,
            Status.FAILED,
            20,
            score=5,
            cases=(case("y", Status.FAILED, long), case("z", Status.FAILED, FEEDBACK)),
        ),
        row(
            "c",
            "C",
            Status.FAILED,
            4,
            cases=(case("x", Status.FAILED, FEEDBACK),),
            visibility=first_visibility,
        ),
        row("d", "D", Status.BLOCKED, 40, blocked_by=("c",)),
        row("e", "E", Status.PASSED, 26),
    )


def sections(page: str) -> dict[str, list[str]]:
    """Return the lines of each explained criterion by its number."""
    parts = re.split(r"^(\d+)\. ", page.split("Score")[1], flags=re.MULTILINE)[1:]
    numbers, texts = parts[::2], parts[1::2]
    return {
        number: text.split("\n\nThis run")[0].rstrip().splitlines()
        for number, text in zip(numbers, texts, strict=True)
    }


def test_most_valuable_mistake_is_first_and_alone_in_full() -> None:
    page = as_text(terminal.render(three_failed()))
    told = sections(page)
    assert [told[n][0].split()[0] for n in "123"] == ["C", "B", "A"]
    assert page.count("The conversation as it went") == 1
    assert any("The conversation as it went" in line for line in told["1"])
    assert page.count("[1]") == 1
    assert "[not tried: see 1]" in page


def test_others_are_told_in_three_lines() -> None:
    told = sections(as_text(terminal.render(three_failed())))
    for number, seen in {"2": "y: A line. Another word", "3": "A line. Another word"}.items():
        _, seen_line, try_line = told[number]
        assert seen_line.strip().startswith(f"Seen  {seen}")
        assert try_line.strip().startswith("Try   Pass the events")
        assert seen_line.endswith("…")


def test_others_are_cut_on_a_plain_terminal_too() -> None:
    page = as_text(terminal.render(three_failed(), ASCII))
    assert "…" not in page
    assert max(len(line) for line in page.splitlines()) <= 80


def test_how_to_see_more_is_said_where_something_is_left_out() -> None:
    page = as_text(terminal.render(three_failed()))
    assert re.search(r"^Show all details +--verbose$", page, re.MULTILINE)
    assert re.search(r"^Show the details of one +--show b$", page, re.MULTILINE)
    whole = as_text(terminal.render(three_failed(), detail=Detail(everything=True)))
    assert "--show" not in whole
    assert whole.count("The conversation as it went") == 3


def test_everything_is_the_whole_conversation_and_all_that_was_printed() -> None:
    lines = tuple(line(n, "server", "kind", f"line {n}", marked=n == 50) for n in range(1, 101))
    printed = line(101, "server", "printed", "the last words")
    feedback = FEEDBACK.model_copy(
        update={"transcript": (*lines, printed), "printed": "the first words\nthe last words\n"}
    )
    found = result(row("a", "A", Status.FAILED, cases=(case("x", Status.FAILED, feedback),)))
    page = as_text(terminal.render(found))
    assert "more lines" in page
    assert "the first words" not in page
    page = as_text(terminal.render(found, detail=Detail(everything=True)))
    assert "more lines" not in page
    assert "line 99" in page
    assert "the first words" in page
    assert page.count("the last words") == 1


def test_one_can_be_asked_for() -> None:
    page = as_text(terminal.render(three_failed(), detail=Detail(show=("a", "d", "e"))))
    told = sections(page)
    assert len(told["2"]) == 3
    assert any("The conversation as it went" in line for line in told["3"])
    assert re.search(r"^e  It passed\.$", page, re.MULTILINE)
    assert re.search(r"^d  It did not\.$", page, re.MULTILINE)


def test_first_that_may_be_shown_is_told_in_full() -> None:
    graded = three_failed(first_visibility=Visibility.HIDDEN)
    page = as_text(terminal.render(seen_by(Audience.STUDENT, graded)))
    told = sections(page)
    assert told["1"][1].strip() == "The details of this check are not shown here."
    assert any("The conversation as it went" in line for line in told["2"])


def test_full_path_is_shown_however_long_it_is() -> None:
    path = "/srv/" + "a-long-name/" * 20 + "server"
    page = as_text(
        terminal.render(result(row("a", "A")).model_copy(update={"submission_path": path}))
    )
    assert path in re.sub(r"\s", "", page)


@pytest.mark.parametrize(
    ("scores", "colour"), [((10, 10), "32"), ((10, 0), "33"), ((0, 0), "31")], ids=str
)
def test_score_has_a_colour(scores: tuple[int, int], colour: str) -> None:
    rows = [
        row(f"r{n}", "A", Status.PASSED if points else Status.FAILED, 10, score=points)
        for n, points in enumerate(scores)
    ]
    console = Console(width=80, color_system="standard", force_terminal=True, no_color=False)
    with console.capture() as capture:
        console.print(terminal.render(result(*rows)))
    assert re.search(rf"\x1b\[1;{colour}m *{sum(scores)}\x1b\[0m", capture.get())


def test_what_was_tried_has_a_score_of_its_own() -> None:
    rows = (row("a", "A", points=10), row("b", "B", Status.NOT_RUN, 90))
    page = as_text(terminal.render(result(*rows)))
    assert "10 of the 10 tried   Score  10 / 100" in page
    assert "tried   Score" not in as_text(terminal.render(result(rows[0])))
    optional = row("b", "B", Status.NOT_RUN, 0)
    assert "tried   Score" not in as_text(terminal.render(result(rows[0], optional)))


def test_few_cases_that_failed_are_all_shown() -> None:
    cases = tuple(
        case(name, Status.FAILED, FEEDBACK.model_copy(update={"seen": f"Saw {name}."}))
        for name in ("one", "two")
    )
    page = as_text(terminal.render(result(row("a", "It works", Status.FAILED, cases=cases))))
    assert "one: Saw one." in page
    assert "two: Saw two." in page
    assert " more case" not in page


def test_of_many_cases_some_are_shown_and_the_others_counted() -> None:
    page = as_text(terminal.render(mixed(), detail=Detail(everything=True)))
    assert page.count("was 500.") == 3
    assert "1 more case failed." in page


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
    page = as_text(terminal.render(seen_by(Audience.STUDENT, result(secret))))
    assert "A secret fact" in page
    assert "secret-id" not in page
    assert FEEDBACK.seen not in page
    assert "--only" not in page


def test_page_for_an_instructor_shows_the_details_of_what_is_hidden() -> None:
    detail = Detail(everything=True)
    hidden = three_failed(first_visibility=Visibility.HIDDEN)
    page = as_text(terminal.render(seen_by(Audience.INSTRUCTOR, hidden), detail=detail))
    assert page == as_text(terminal.render(three_failed(), detail=detail))
    everything = as_text(terminal.render(seen_by(Audience.INSTRUCTOR, mixed())))
    assert "A model call that was not for the answer (title): “Give this chat" in everything


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


@pytest.mark.parametrize(("points", "told"), [(1, "1 point is"), (30, "30 points are")])
def test_what_is_graded_later_is_listed_and_costs_no_full_marks(points: int, told: str) -> None:
    later = row("b", "It is safe", Status.NOT_RUN, points).model_copy(
        update={"graded_later": True, "message": "Graded later, by your instructor."}
    )
    graded = result(row("a", "It works", points=70), later)
    page = as_text(terminal.render(graded))
    assert f"Full marks in all that is graded here; {told} graded later." in page
    assert "It is safe  [graded later]" in page
    assert "70 of the 70 tried" in page
    (_, last) = telling.told(graded)
    assert last.standing == "graded later"
    assert [each.text for each in last.paragraphs] == ["Graded later, by your instructor."]
