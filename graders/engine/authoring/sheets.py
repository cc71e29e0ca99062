"""``lesson quiz``: make the students' sheet of each quiz from the bank of questions.

Must not print, nor choose the questions: a sheet has all that the bank has for the lesson.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from graders.engine.content.catalogue import Catalogue
from graders.engine.content.quiz import load_bank
from graders.engine.content.quiz_sheet import SHEET, render_sheet
from graders.engine.core.errors import UsageError
from graders.engine.reports.files import write_whole

BANK = Path("fixtures") / "quiz"


def write_sheets(catalogue: Catalogue, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Write the sheets of the named lessons, or of all that have one.

    Yields the id of each lesson and the number of its questions once its sheet is there.
    """
    bank = load_bank(catalogue.root / BANK).lessons
    lessons = [catalogue.lesson(name) for name in names] or [
        lesson for lesson in catalogue.lessons() if (lesson.assignment_dir / SHEET).exists()
    ]
    for lesson in lessons:
        if lesson.id not in bank:
            raise UsageError(f"The bank has no questions for `{lesson.id}`.", cure=_known(bank))
        write_whole(lesson.assignment_dir / SHEET, render_sheet(lesson.id, bank[lesson.id]))
        yield lesson.id, len(bank[lesson.id])


def _known(bank: Mapping[str, object]) -> str:
    return f"It has some for {', '.join(bank)}." if bank else f"Write some in `{BANK}`."
