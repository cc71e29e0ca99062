"""Moodle: the offline grading worksheet of an assignment, with the grades filled in.

Pure. A student is found by `Identifier` (“Participant 7”, or only 7), e-mail address or ID number.
The grade is written with the decimal point that the worksheet has elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from graders.engine.core.results import Result
from graders.engine.reports.gradebooks.gradebook import (
    Enrolled,
    Gradebook,
    fill,
    one_lesson,
    read_sheet,
)

IDENTIFIER = "Identifier"
PARTICIPANT = "Participant "
GRADE = "Grade"
MOST = "Maximum Grade"
OTHER_NAMES = ("Email address", "ID number", "Username")
SHOWN = "Full name"


def filled(
    data: bytes, name: str, results: Mapping[str, Result], *, practice: bool = False
) -> bytes:
    """Return the worksheet with the scores of one lesson in its column `Grade`.

    ``results`` are by what Moodle calls the student. Raises a
    :class:`~graders.engine.core.errors.UsageError` that lists everything that is refused.
    """
    one_lesson(results.values())
    sheet = read_sheet(data, name)
    students = _students(sheet)
    most = _most(sheet, students)
    fill(sheet, sheet.column(GRADE), students, results, most, practice=practice)
    return sheet.encoded()


def _students(sheet: Gradebook) -> list[Enrolled]:
    identifier = sheet.column(IDENTIFIER)
    others = [sheet.heading.index(each) for each in OTHER_NAMES if each in sheet.heading]
    shown = sheet.heading.index(SHOWN) if SHOWN in sheet.heading else identifier
    found = []
    for row in range(len(sheet.rows)):
        first = sheet.cell(row, identifier)
        names = (first, first.removeprefix(PARTICIPANT), *(sheet.cell(row, at) for at in others))
        found.append(Enrolled(row, tuple(each for each in names if each), sheet.cell(row, shown)))
    return found


def _most(sheet: Gradebook, students: list[Enrolled]) -> dict[int, float]:
    """Return the highest grade of each row that names one."""
    most: dict[int, float] = {}
    if MOST in sheet.heading:
        place = sheet.heading.index(MOST)
        for student in students:
            with suppress(ValueError):
                most[student.row] = float(sheet.cell(student.row, place).replace(",", "."))
    return most
