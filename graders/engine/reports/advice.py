"""How a failed criterion looks on a terminal: what was required, what was seen, what to try.

Pure. Says nothing of its own: the sentences are those of :mod:`.telling`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graders.engine.core.results import TranscriptLine
from graders.engine.core.text import visible
from graders.engine.reports import transcript
from graders.engine.reports.glyphs import Glyphs
from graders.engine.reports.telling import Paragraph, ToldCriterion

INDENT = (0, 0, 0, 3)
_CODE = re.compile(r"`[^`\n]+`")


def in_brief(each: ToldCriterion, number: int, glyphs: Glyphs) -> RenderableType:
    """Return a failed criterion in three lines: what it is, what was seen, what to try."""
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1, no_wrap=True, overflow=glyphs.overflow)
    for label in ("Seen", "Try"):
        first = next((one for one in each.paragraphs if one.label == label), None)
        if first is not None:
            grid.add_row(label, _in_one_line(_told(first)))
    return Group(_heading(each, number, glyphs, brief=True), Padding(grid, INDENT))


def has_details(each: ToldCriterion) -> bool:
    """Return whether more can be told than that it failed."""
    return any(one.label for one in each.paragraphs)


def _in_one_line(text: Text) -> Text:
    return Text(" ").join(text.split())


def render(
    each: ToldCriterion, number: int, glyphs: Glyphs, *, holds_up: int = 0
) -> RenderableType:
    """Return all that is to be said about a failed criterion, the ``number``-th of them.

    ``holds_up`` is how many others could not be tried because of it.
    """
    parts: list[RenderableType] = [
        _heading(each, number, glyphs),
        *(Padding(part, INDENT) for part in _body(each, glyphs)),
    ]
    if holds_up:
        others = "1 other was" if holds_up == 1 else f"{holds_up} others were"
        parts.append(Padding(Text(f"\n{others} not tried because of this.", style="dim"), INDENT))
    return Group(*parts)


def _heading(each: ToldCriterion, number: int, glyphs: Glyphs, *, brief: bool = False) -> Table:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, no_wrap=brief, overflow=glyphs.overflow if brief else "fold")
    grid.add_column(justify="right", no_wrap=True)
    # The id is for `--show` and `--only`, which need something to show.
    shown_id = each.row.id if has_details(each) else ""
    title = Text(visible(each.row.title), style="bold red")
    grid.add_row(Text(f"{number}.", style="bold red"), title, Text(shown_id, style="dim"))
    return grid


def _body(each: ToldCriterion, glyphs: Glyphs) -> Iterator[RenderableType]:
    unlabelled = next((one for one in each.paragraphs[:1] if not one.label), None)
    if unlabelled is not None:
        yield Text(unlabelled.text, style="dim")
    if has_details(each):
        yield _labelled(each.paragraphs)
    if each.conversation:
        first = next(row for row in each.conversation if isinstance(row, TranscriptLine))
        yield Text("\nThe conversation as it went", style="dim")
        yield transcript.table_of(each.conversation, first.at_ms, glyphs)
    if each.printed:
        yield Text("\nWhat the server printed", style="dim")
        yield Text(visible(each.printed).rstrip())


def _labelled(paragraphs: Sequence[Paragraph]) -> Table:
    """Return the paragraphs with each label once; what has none goes on below the last."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    last = ""
    for each in paragraphs:
        if each.label or last:
            grid.add_row(each.label if each.label != last else "", _told(each))
            last = each.label or last
    return grid


def _told(paragraph: Paragraph) -> Text:
    """Return a paragraph, with the name of its case set off."""
    if not paragraph.case:
        return prose(paragraph.sentence)
    case = Text(f"{visible(paragraph.case)}: ", style="bold")
    return case.append_text(prose(paragraph.sentence))


def prose(text: str) -> Text:
    """Return a sentence for the student, safe to show, with `code` set off."""
    shown = Text(visible(text))
    shown.highlight_regex(_CODE, "bold")
    return shown
