"""The page that a student reads after a run: rubric, advice, and how to run it again.

Pure: returns what rich can print. 80 columns are enough, colours are never needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graders.engine.core.results import (
    CHAPTER_QUIZ,
    CriterionResult,
    Measurement,
    Problem,
    Result,
    Status,
    Visibility,
)
from graders.engine.core.text import visible
from graders.engine.reports import advice, rubric_table
from graders.engine.reports.advisory import advisory_line, isolation_line
from graders.engine.reports.causes import failed, held_up_by
from graders.engine.reports.glyphs import UNICODE, Glyphs
from graders.engine.reports.telling import told_of

NOT_GRADED = "The submission could not be graded."
NOT_STARTED = "The server could not be started: only what needs no server was graded."
BROKE = (
    "The grader itself broke on a check. This is not your fault. Run again with --verbose, and "
    "report what it shows."
)


@dataclass(frozen=True)
class Detail:
    """Which failed criteria are told in full: the first in any case, ``show`` by id, or all."""

    show: tuple[str, ...] = ()
    everything: bool = False


FIRST_ONLY = Detail()


def render(
    result: Result, glyphs: Glyphs = UNICODE, *, title: str = "", detail: Detail = FIRST_ONLY
) -> RenderableType:
    """Return the whole page; ``title`` is the lesson's title."""
    return Group(*_parts(result, glyphs, title, detail))


def _parts(result: Result, glyphs: Glyphs, title: str, detail: Detail) -> Iterator[RenderableType]:
    yield from (Text(), _header(result, title), Text())
    if result.problem is not None:
        yield from (problem_page(result.problem, _heading_of_problem(result)), Text())
    yield rubric_table.render(result, glyphs)
    brief = _in_brief(result, detail)
    for number, row in enumerate(failed(result), start=1):
        yield Text()
        if row in brief:
            yield advice.in_brief(told_of(row, result), number, glyphs)
        else:
            holds_up = len(held_up_by(row.id, result))
            told = told_of(row, result, whole=detail.everything)
            yield advice.render(told, number, glyphs, holds_up=holds_up)
    yield from (Text(), *_asked_for(result, detail))
    yield from (*_measurements(result), *_notes(result), *_footer(result, brief))


def _in_brief(result: Result, detail: Detail) -> tuple[CriterionResult, ...]:
    """Return the failed criteria that are told in three lines."""
    rows = _explained(result)
    if detail.everything:
        return ()
    return tuple(row for row in rows[1:] if row.id not in detail.show)


def _explained(result: Result) -> list[CriterionResult]:
    """Return the failed criteria of which more can be told than that they failed."""
    return [row for row in failed(result) if advice.has_details(told_of(row, result))]


def _asked_for(result: Result, detail: Detail) -> Iterator[RenderableType]:
    """Say of a criterion that was to be shown, and did not fail, how it ended."""
    told = (row for row in result.criteria if row.levels.seen is Visibility.VISIBLE)
    for row in told:
        if row.id in detail.show and row.status is not Status.FAILED:
            how = "It passed." if row.status is Status.PASSED else row.message or ""
            yield Text.assemble((row.id, "bold"), "  ", advice.prose(how))
            yield Text()


def _header(result: Result, title: str) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(result.lesson, style="bold"), Text(title))
    if result.course:
        grid.add_row(Text("Class", style="dim"), Text(visible(result.course)))
    grid.add_row(Text("Graded", style="dim"), Text(visible(result.submission_path)))
    return grid


def _heading_of_problem(result: Result) -> str:
    """Return what was lost: all, or only what needs the server."""
    tried = any(row.status is not Status.NOT_RUN for row in result.criteria)
    return NOT_STARTED if tried else NOT_GRADED


def problem_page(problem: Problem, heading: str = NOT_GRADED) -> RenderableType:
    """Return why a submission could not be graded, and the cure."""
    title = Text(f"{heading}  ", style="bold red")
    parts: list[RenderableType] = [title, advice.prose(problem.title)]
    if problem.detail:
        lines = Text("\n".join(visible(line) for line in problem.detail.splitlines()))
        parts += [Text(), Padding(lines, advice.INDENT)]
    if problem.cure:
        parts += [Text(), Text.assemble(("Try  ", "dim"), advice.prose(problem.cure))]
    return Group(*parts)


def _notes(result: Result) -> Iterator[RenderableType]:
    calls = dict.fromkeys((call.purpose, call.summary) for call in result.side_calls)
    if result.notes or calls:
        yield Text("Noted, without effect on the score", style="bold")
        yield _bullets(result.notes)
        yield _bullets(
            f"A model call that was not for the answer ({what}): {text}" for what, text in calls
        )
        yield Text()


def _measurements(result: Result) -> Iterator[RenderableType]:
    if result.measurements:
        yield Text("Measured, without effect on the score", style="bold")
        yield _bullets(map(_measured, result.measurements))
        yield Text()


def _measured(each: Measurement) -> str:
    goal = f" (goal: {each.goal})" if each.goal else ""
    return f"{each.name}: {each.value:g} {each.unit}{goal}"


def _bullets(sentences: Iterable[str]) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=2)
    grid.add_column(overflow="fold")
    for sentence in sentences:
        grid.add_row(" -", advice.prose(sentence))
    return grid


def _footer(result: Result, brief: Sequence[CriterionResult]) -> Iterator[RenderableType]:
    if result.full_marks:
        yield Text(_full_marks(result), style="bold green")
    if result.grader_failed:
        yield Text(BROKE, style="magenta")
    yield Text(advisory_line(result), style="dim")
    yield Text(isolation_line(result), style="dim")
    yield _again(result, brief)


def _full_marks(result: Result) -> str:
    later = result.later_points
    if not later:
        return "Full marks."
    points = "1 point is" if later == 1 else f"{later} points are"
    return f"Full marks in all that is graded here; {points} graded later."


def _again(result: Result, brief: Sequence[CriterionResult]) -> Table:
    """Return how to see more, and how to run the same again, as options of the command."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    if brief:
        grid.add_row("Show all details", "--verbose")
        grid.add_row("Show the details of one", f"--show {brief[0].id}")
    if result.lesson == CHAPTER_QUIZ:
        # Answers are marked again with `chapter-quiz grade`, and that has no such options.
        return grid
    grid.add_row("Repeat with the same test data", f"--seed {result.seed}")
    for first in _explained(result)[:1]:
        grid.add_row("Repeat only the first that failed", f"--only {first.id}")
    return grid
