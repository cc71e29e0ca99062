"""``grade.py gradebook``: several folders of results into one table with totals.

Must not grade.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from graders.engine.bulk.joined_grades import LessonResults, join, table
from graders.engine.bulk.journal import lesson_of, read_journal
from graders.engine.bulk.records import ResultRecord
from graders.engine.bulk.roster import Roster, read_roster
from graders.engine.cli.context import CommandContext
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.exporting import write_table
from graders.engine.core.errors import UsageError
from graders.engine.core.text import quote


def run_gradebook(
    context: CommandContext, folders: Sequence[Path], roster: Path | None, out: Path | None
) -> ExitCode:
    """Write the table of all lessons."""
    if not folders:
        raise UsageError(
            "No results are named.", cure="Give the folders that `grade.py bulk --out` has written."
        )
    lessons = [_read(folder) for folder in folders]
    names = [each.lesson for each in lessons]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"Two of the folders hold results of {quote(name)}.",
                cure="Give one folder for each lesson.",
            )
    students = (read_roster(roster) if roster else Roster()).students
    text = table(join(lessons, context.course, students), lessons)
    return write_table(context, text, out, f"{len(lessons)} lessons")


def _read(folder: Path) -> LessonResults:
    records, lesson = read_journal(folder).values(), lesson_of(folder)
    if not lesson:
        raise UsageError(
            f"The run in {folder} has not graded anything yet.",
            cure="Give it the same command again, until it has, or leave the folder out.",
        )
    by_student: dict[str, ResultRecord] = {}
    for record in records:
        for student in record.members or (record.student,):
            by_student[student] = record
    most = max((each.max_score for each in by_student.values()), default=0)
    return LessonResults(lesson, most, by_student)
