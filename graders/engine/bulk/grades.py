"""The table of grades: one line for each student, also for those who handed nothing in.

Pure. The raw score always stands beside the adjusted one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from graders.engine.bulk.deliveries import Entry
from graders.engine.bulk.records import ResultRecord
from graders.engine.bulk.roster import Enrolment
from graders.engine.reports.formats.csv_table import cell

HEADING = (
    *("student", "name", "group", "status", "score", "max_score"),
    *("late", "submission", "result", "notes"),
)


@dataclass(frozen=True)
class GradeRow:
    """One student's line; ``record`` is missing where nothing was handed in."""

    student: str
    name: str
    group: str
    entry: Entry | None = None
    record: ResultRecord | None = None

    @property
    def status(self) -> str:
        """In a word what became of it."""
        if self.record is None:
            return "not handed in"
        if self.record.error:
            return "error of the grader"
        return "could not be started" if self.record.problem else "graded"


def rows_of(
    graded: Iterable[tuple[Entry, ResultRecord]], students: Sequence[Enrolment]
) -> list[GradeRow]:
    """Return one row for each student: those of the roster in its order, then all others."""
    by_member: dict[str, tuple[Entry, ResultRecord]] = {}
    others: list[GradeRow] = []
    for entry, record in graded:
        if entry.on_roster and students:
            by_member.update(dict.fromkeys(entry.members, (entry, record)))
        else:
            name = ", ".join(entry.members[1:]) if len(entry.members) > 1 else entry.name
            others.append(GradeRow(entry.student, name, entry.group, entry, record))
    known = [
        GradeRow(each.id, each.name, each.group, *by_member.get(each.id, (None, None)))
        for each in students
    ]
    return [*known, *others]


def table(rows: Sequence[GradeRow], criteria: Sequence[str]) -> str:
    """Return the table as CSV, safe to be opened in a spreadsheet."""
    written = io.StringIO()
    lines = [[*HEADING, *criteria], *(list(_line(row, criteria)) for row in rows)]
    csv.writer(written, lineterminator="\n").writerows(
        [cell(each) for each in line] for line in lines
    )
    return written.getvalue()


def _line(row: GradeRow, criteria: Sequence[str]) -> Iterator[str]:
    entry, record = row.entry, row.record
    # An error of ours is no zero: the cell stays empty.
    counts = record is not None and not record.error
    yield from (row.student, row.name, row.group, row.status)
    yield str(record.score) if record and counts else ""
    yield str(record.max_score) if record else ""
    yield "late" if entry is not None and entry.late else ""
    yield entry.delivery.called if entry is not None else ""
    yield f"{record.file}.json" if record and counts else ""
    yield "; ".join(_notes(row))
    for each in criteria:
        known = record.criteria.get(each) if record and counts else None
        yield str(known.score) if known else ""


def _notes(row: GradeRow) -> Iterator[str]:
    if row.entry is not None:
        if row.entry.older:
            yield f"newest of {len(row.entry.older) + 1}"
        if not row.entry.on_roster:
            yield "not on the roster"
    if row.record is not None:
        yield from filter(None, (row.record.problem, row.record.error))
