"""Several lessons in one table: of each the raw and the adjusted score, and a weighted total.

Pure. A lesson that was not handed in counts nothing; one that has no score by an error of ours is
left out of the total and told.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from graders.engine.bulk.late import AdjustedScore, adjusted, days_late
from graders.engine.bulk.records import ResultRecord
from graders.engine.bulk.roster import Enrolment
from graders.engine.content.course import Course, LatePolicy
from graders.engine.reports.formats.csv_table import cell


@dataclass(frozen=True)
class LessonResults:
    """The results of one lesson, by the ids of the students."""

    lesson: str
    most: int
    by_student: Mapping[str, ResultRecord]


@dataclass(frozen=True)
class JoinedRow:
    """One student: what each lesson came to, None where nothing counts, and a total in percent."""

    student: str
    name: str
    scores: tuple[AdjustedScore | None, ...]
    total: float
    notes: tuple[str, ...] = ()


def join(
    lessons: Sequence[LessonResults], course: Course | None, students: Sequence[Enrolment]
) -> list[JoinedRow]:
    """Return a row for each student: those of the roster in its order, then all others."""
    names = {each.id: each.name for each in students}
    others = {student for lesson in lessons for student in lesson.by_student} - set(names)
    everybody = [*names, *sorted(others, key=str.casefold)]
    return [_row(student, names.get(student, ""), lessons, course) for student in everybody]


def table(rows: Sequence[JoinedRow], lessons: Sequence[LessonResults]) -> str:
    """Return the table as CSV, safe to be opened in a spreadsheet."""
    columns = [f"{each.lesson}{end}" for each in lessons for end in ("", "_adjusted", "_max")]
    lines = [["student", "name", *columns, "total_percent", "notes"]]
    for row in rows:
        cells = [row.student, row.name]
        for score, lesson in zip(row.scores, lessons, strict=True):
            told = (str(score.raw), f"{score.adjusted:g}") if score else ("", "")
            cells += [*told, str(lesson.most)]
        lines.append([*cells, f"{row.total:.2f}", "; ".join(row.notes)])
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(
        [cell(each) for each in line] for line in lines
    )
    return written.getvalue()


def _row(
    student: str, name: str, lessons: Sequence[LessonResults], course: Course | None
) -> JoinedRow:
    policy = course.told.late if course else LatePolicy()
    left, notes = policy.late_days, list[str]()
    scores: dict[str, AdjustedScore | None] = {}
    counted, possible = 0.0, 0
    for lesson in sorted(lessons, key=lambda each: _due_first(each, course, student)):
        record = lesson.by_student.get(student)
        weight = course.weight_of(lesson.lesson) if course else 1
        if record is not None and record.error:
            notes.append(f"{lesson.lesson}: error of the grader, not in the total")
            scores[lesson.lesson] = None
            continue
        possible += weight
        if record is None:
            notes.append(f"{lesson.lesson}: not handed in")
            scores[lesson.lesson] = None
            continue
        due = course.due(lesson.lesson, student) if course else None
        told = _adjusted(record, due, policy, left)
        left -= told.spent
        scores[lesson.lesson] = told
        counted += weight * told.adjusted / record.max_score if record.max_score else 0.0
        notes += [f"{lesson.lesson}: {told.note}"] if told.note else []
    total = round(100 * counted / possible, 2) if possible else 0.0
    in_order = tuple(scores[each.lesson] for each in lessons)
    return JoinedRow(student, name, in_order, total, tuple(notes))


def _adjusted(
    record: ResultRecord, due: datetime | None, policy: LatePolicy, left: int
) -> AdjustedScore:
    handed_in = datetime.fromisoformat(record.handed_in) if record.handed_in else None
    told = adjusted(record.score, days_late(handed_in, due, policy), policy, left)
    if record.late and handed_in is None:
        note = "marked as late by the platform; by how much is not known, nothing was taken off"
        return AdjustedScore(told.raw, told.adjusted, note=note)
    return told


def _due_first(lesson: LessonResults, course: Course | None, student: str) -> tuple[float, str]:
    """Return what sorts lessons by their due dates: late days are used for the first ones."""
    due = course.due(lesson.lesson, student) if course else None
    return (due.timestamp() if due else float("inf"), lesson.lesson)
