"""A conversation as it went, short enough to be read, with the wrong line marked.

Pure. Long conversations are cut around the mark; that something was left out is always said.
(The trace itself has folded runs of one kind, such as deltas, into one line.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from graders.engine.core.results import TranscriptLine
from graders.engine.core.text import visible
from graders.engine.reports.glyphs import UNICODE, Glyphs

BEFORE_MARK = 12
AFTER_MARK = 4
LONGEST_TEXT = 240
PRINTED = "printed"
"""The kind of the last line where the server printed something: the end of it."""


@dataclass(frozen=True)
class Gap:
    """So many lines are not shown here."""

    count: int


Row = TranscriptLine | Gap


def render(lines: Sequence[TranscriptLine], glyphs: Glyphs, *, whole: bool = False) -> Table:
    """Return a conversation as a table; unless it is wanted ``whole``, what is around the mark."""
    return table_of(lines if whole else shortened(lines), lines[0].at_ms, glyphs)


def table_of(rows: Sequence[Row], began_ms: float, glyphs: Glyphs) -> Table:
    """Return rows as a table without borders: mark, time since ``began_ms``, actor, text."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=len(glyphs.here), no_wrap=True)
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*_cells(row, began_ms, glyphs))
    return table


def shortened(lines: Sequence[TranscriptLine]) -> tuple[Row, ...]:
    """Return the lines that are worth reading, with gaps in the place of the others.

    What the server printed stands at the end, whatever is left out before it. Else, these are the
    first line, and the marked one with its surroundings; where none is marked, the
    last request and what came of it.
    """
    if lines and lines[-1].kind == PRINTED:
        return (*shortened(lines[:-1]), lines[-1])
    last = len(lines) - 1
    asked = next((n for n in range(last, -1, -1) if lines[n].actor == "client"), last)
    marked = next((n for n, line in enumerate(lines) if line.marked), None)
    if marked is None:
        start, end = min(asked - 2, last - BEFORE_MARK), asked + BEFORE_MARK + 1
    else:
        start, end = marked - BEFORE_MARK, marked + 1 + AFTER_MARK
    if start <= 2:
        return (*lines[:end], *_gap(len(lines) - end))
    return (lines[0], Gap(start - 1), *lines[start:end], *_gap(len(lines) - end))


def plain(row: Row) -> str:
    """Return one line of a conversation as text: a mark, who acted, what it was."""
    if isinstance(row, Gap):
        return f"  ... {row.count} more lines"
    mark = ">" if row.marked else " "
    kind = visible(row.kind).removeprefix("thread.item.updated/")
    return (
        f"{mark} {row.actor:<6}  {kind}  {cut(visible(row.text, one_line=True), UNICODE)}".rstrip()
    )


def _gap(count: int) -> tuple[Gap, ...]:
    return (Gap(count),) if count > 0 else ()


def _cells(row: Row, began_ms: float, glyphs: Glyphs) -> tuple[Text, Text, Text, Text]:
    if isinstance(row, Gap):
        left_out = Text(f"{glyphs.dots} {row.count} more lines", style="dim")
        return Text(), Text(), Text(), left_out
    style = "bold red" if row.marked else ""
    return (
        Text(glyphs.here if row.marked else "", style=style),
        Text(f"{row.at_ms - began_ms:.0f} ms"),
        Text(row.actor, style=style or "cyan"),
        _said(row, style, glyphs),
    )


def _said(line: TranscriptLine, style: str, glyphs: Glyphs) -> Text:
    """Return kind and text; of an update's kind only what was updated."""
    kind = Text(visible(line.kind).removeprefix("thread.item.updated/"), style=style or "bold")
    return kind.append(f"  {cut(visible(line.text), glyphs)}".rstrip(), style=style or "not bold")


def cut(text: str, glyphs: Glyphs, longest: int = LONGEST_TEXT) -> str:
    """Return ``text``, or its beginning if it is longer than ``longest`` characters."""
    if len(text) <= longest:
        return text
    return f"{text[: longest - len(glyphs.dots)]}{glyphs.dots}"
