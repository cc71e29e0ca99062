"""A result as a table: one line with the score, and a column for each criterion.

Pure. Cells that a spreadsheet would take for a formula are written so that it does not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from graders.engine.core.results import Result, Status
from graders.engine.reports.formats.styles import on_one_line

STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(result: Result) -> str:
    """Return the heading and the line of one result."""
    return table([result])


def table(results: Sequence[Result], names: Sequence[str] = ()) -> str:
    """Return one line for each of several results of one lesson, below one heading.

    ``names`` are told in the place of what the submissions are called.
    """
    criteria = [row.id for row in results[0].criteria] if results else []
    called = names or [result.submission for result in results]
    lines = [["submission", "lesson", "score", "max_score", *criteria]]
    lines += [_line(name, result) for name, result in zip(called, results, strict=True)]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(
        [cell(each) for each in row] for row in lines
    )
    return written.getvalue()


def _line(name: str, result: Result) -> list[str]:
    points = ("" if row.status is Status.WITHHELD else str(row.score) for row in result.criteria)
    total = (str(result.score), str(result.max_score))
    return [name, result.lesson, *total, *points]


def cell(text: str) -> str:
    """Return the text as it is safe in a cell: visible, on one line, no formula."""
    shown = on_one_line(text)
    return f"'{shown}" if text.startswith(STARTS_FORMULA) else shown
