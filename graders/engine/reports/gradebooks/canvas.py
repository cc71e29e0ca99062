"""Canvas: the CSV that an instructor exported, with one column filled in.

Pure. Canvas finds a student by `ID`, then `SIS User ID`, then `SIS Login ID`, and makes a new
assignment of every column that it does not know: so only a column of the export is taken. The row
below the heading has the points possible. A student who is excused (`EX`) stays so.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from graders.engine.core.errors import UsageError
from graders.engine.core.results import Result
from graders.engine.reports.gradebooks.gradebook import (
    Enrolled,
    Gradebook,
    fill,
    one_lesson,
    read_sheet,
)

STUDENT = "Student"
IDS = ("ID", "SIS User ID", "SIS Login ID")
POSSIBLE = "Points Possible"
EXCUSED = "EX"
READ_ONLY = "(read only)"


def filled(
    data: bytes,
    name: str,
    column: str,
    results: Mapping[str, Result],
    *,
    practice: bool = False,
) -> bytes:
    """Return the gradebook with the scores of one lesson in ``column``.

    ``results`` are by what Canvas calls the student: one of the three ids. Raises a
    :class:`~graders.engine.core.errors.UsageError` that lists everything that is refused.
    """
    one_lesson(results.values())
    sheet = read_sheet(data, name)
    place = _assignment(sheet, column)
    students = _students(sheet)
    possible = _points_possible(sheet, place)
    most = {} if possible is None else {student.row: possible for student in students}
    excused = [each for each in students if sheet.cell(each.row, place) == EXCUSED]
    fill(sheet, place, students, results, most, practice=practice)
    for student in excused:
        sheet.rows[student.row][place] = EXCUSED
    return sheet.encoded()


def _assignment(sheet: Gradebook, column: str) -> int:
    place = sheet.column(column)
    read_only = sheet.rows and READ_ONLY in " ".join(row[place] for row in sheet.rows[:2])
    if column in {STUDENT, "Section", *IDS} or read_only:
        raise UsageError(
            f"The column “{column}” of {sheet.name} is not an assignment.",
            cure="Name the column of the assignment, with the number in parentheses.",
        )
    return place


def _students(sheet: Gradebook) -> list[Enrolled]:
    """Return the rows of students; the row of the points possible is none."""
    name = sheet.column(STUDENT)
    places = [sheet.heading.index(each) for each in IDS if each in sheet.heading]
    found = []
    for row in range(len(sheet.rows)):
        names = tuple(sheet.cell(row, place) for place in places if sheet.cell(row, place))
        if names and sheet.cell(row, name) != POSSIBLE:
            found.append(Enrolled(row, names, sheet.cell(row, name)))
    return found


def _points_possible(sheet: Gradebook, place: int) -> float | None:
    name = sheet.column(STUDENT)
    for row in range(min(3, len(sheet.rows))):
        if sheet.cell(row, name) == POSSIBLE:
            with suppress(ValueError):
                return float(sheet.cell(row, place))
    return None
