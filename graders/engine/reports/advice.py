"""What a student reads about a failed criterion: what was required, what was seen, what to try.

Pure. Of a hidden criterion nothing is said here but its title.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graders.engine.core.results import (
    CaseResult,
    CriterionResult,
    Feedback,
    Visibility,
)
from graders.engine.core.text import visible
from graders.engine.reports import transcript
from graders.engine.reports.glyphs import Glyphs
from graders.engine.reports.telling import HIDDEN, MOST_CASES, failed_cases

INDENT = (0, 0, 0, 3)
_CODE = re.compile(r"`[^`\n]+`")


def in_brief(row: CriterionResult, number: int, glyphs: Glyphs) -> RenderableType:
    """Return a failed criterion in three lines: what it is, what was seen, what to try."""
    failed = failed_cases(row)
    if row.visibility is not Visibility.VISIBLE or not failed:
        return render(row, number, glyphs)
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1, no_wrap=True, overflow=glyphs.overflow)
    grid.add_row("Seen", _in_one_line(_seen_first(failed)))
    grid.add_row(
        "Try", _in_one_line(prose(failed[0].feedback.advice if failed[0].feedback else ""))
    )
    return Group(_heading(row, number, glyphs, brief=True), Padding(grid, INDENT))


def _in_one_line(text: Text) -> Text:
    return Text(" ").join(text.split())


def _seen_first(failed: Sequence[CaseResult]) -> Text:
    if len(failed) == 1:
        return _seen_in(failed[0])
    return Text(f"{visible(failed[0].name)}: ", style="bold").append_text(_seen_in(failed[0]))


def render(
    row: CriterionResult, number: int, glyphs: Glyphs, *, holds_up: int = 0
) -> RenderableType:
    """Return all that is to be said about a failed criterion, the ``number``-th of them.

    ``holds_up`` is how many others could not be tried because of it.
    """
    parts: list[RenderableType] = [
        _heading(row, number, glyphs),
        *(Padding(each, INDENT) for each in _body(row, glyphs)),
    ]
    if holds_up:
        others = "1 other was" if holds_up == 1 else f"{holds_up} others were"
        parts.append(Padding(Text(f"\n{others} not tried because of this.", style="dim"), INDENT))
    return Group(*parts)


def _heading(row: CriterionResult, number: int, glyphs: Glyphs, *, brief: bool = False) -> Table:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, no_wrap=brief, overflow=glyphs.overflow if brief else "fold")
    grid.add_column(justify="right", no_wrap=True)
    shown_id = row.id if row.visibility is Visibility.VISIBLE else ""
    title = Text(row.title, style="bold red")
    grid.add_row(Text(f"{number}.", style="bold red"), title, Text(shown_id, style="dim"))
    return grid


def _body(row: CriterionResult, glyphs: Glyphs) -> Iterator[RenderableType]:
    if row.visibility is not Visibility.VISIBLE:
        yield Text(HIDDEN, style="dim")
        return
    failed = failed_cases(row)
    first = failed[0].feedback if failed else None
    if first is None:
        return
    yield _labelled(failed, first, glyphs)
    if first.transcript:
        yield Text("\nThe conversation as it went", style="dim")
        yield transcript.render(first.transcript, glyphs)


def _labelled(failed: Sequence[CaseResult], first: Feedback, glyphs: Glyphs) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    grid.add_row("Required", prose(first.required))
    grid.add_row("Seen", _seen(failed, glyphs))
    for advice in dict.fromkeys(case.feedback.advice for case in failed if case.feedback):
        grid.add_row("Try", prose(advice))
    return grid


def _seen(failed: Sequence[CaseResult], glyphs: Glyphs) -> Text:
    if len(failed) == 1:
        return _seen_in(failed[0])
    told = [
        Text(f"{visible(case.name)}: ", style="bold").append_text(_seen_in(case))
        for case in failed[:MOST_CASES]
    ]
    others = len(failed) - MOST_CASES
    if others > 0:
        noun = "case" if others == 1 else "cases"
        told.append(Text(f"{glyphs.dots} and {others} more {noun}", style="dim"))
    return Text("\n").join(told)


def _seen_in(case: CaseResult) -> Text:
    return prose(case.feedback.seen) if case.feedback else Text()


def prose(text: str) -> Text:
    """Return a sentence for the student, safe to show, with `code` set off."""
    shown = Text(visible(text))
    shown.highlight_regex(_CODE, "bold")
    return shown
