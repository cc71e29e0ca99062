"""``lesson check``: grade stub, solutions and mutants of a lesson, and compare with what must be.

Must not print, nor know where the entries are graded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeAlias

from graders.engine.authoring.matrix import Row, RowKind, without_mutant
from graders.engine.content.announced import check_announced
from graders.engine.content.catalogue import Lesson
from graders.engine.content.fields import did_you_mean
from graders.engine.content.models import Database
from graders.engine.core.errors import ContentError, UsageError
from graders.engine.core.text import quote
from graders.engine.course_servers.mutants import (
    Mutant,
    databases_of,
    mutants_of,
    solutions_of,
)

Listener: TypeAlias = Callable[[Row, int], None]
"""Told of each row as it is finished, with the number of rows that there will be."""


@dataclass(frozen=True)
class Candidate:
    """One submission that is to be graded; ``place`` gives its folder for as long as it lasts.

    ``graded_on`` is empty where it is graded on all criteria; ``loses`` may name more.
    """

    kind: RowKind
    name: str
    place: Callable[[], AbstractContextManager[Path]]
    loses: frozenset[str] = frozenset()
    why: str = ""
    graded_on: tuple[str, ...] = ()
    database: Database = Database.SQLITE


@dataclass(frozen=True)
class Choice:
    """Which of a lesson's entries are graded, and on how much.

    ``rows`` are their names, or patterns such as `spec-*`; none means all. ``whole`` grades each on
    all criteria, whatever part it names.
    """

    rows: tuple[str, ...] = ()
    whole: bool = False


ALL = Choice()


@dataclass(frozen=True)
class LessonCheck:
    """The matrix of one lesson, and sentences about all that is not as it must be."""

    lesson: str
    criteria: tuple[str, ...]
    rows: tuple[Row, ...]
    flaws: tuple[str, ...]


def check_lesson(
    lesson: Lesson, graded: Iterable[Row], on_row: Listener, choice: Choice = ALL
) -> LessonCheck:
    """Return what was found; ``graded`` gives the row of each of :func:`entries_of`, in order."""
    count = len(list(entries_of(lesson, choice)))
    rows = []
    for row in graded:
        rows.append(row)
        on_row(row, count)
    flaws = [
        *check_announced(lesson.rubric, readme_of(lesson)),
        # Where some rows are left out, nothing follows from what is missing.
        *(() if choice.rows else without_mutant(lesson.rubric.ids, rows)),
        *(flaw for row in rows for flaw in row.flaws),
    ]
    return LessonCheck(lesson.id, lesson.rubric.ids, tuple(rows), tuple(flaws))


def entries_of(lesson: Lesson, choice: Choice = ALL) -> Iterator[Candidate]:
    """Yield everything that is graded: the stub, the solutions, the mutants.

    Raises :class:`~graders.engine.core.errors.UsageError` where nothing has a name of the choice.
    """
    entries = list(_all_entries(lesson))
    for wanted in choice.rows:
        if not any(fnmatchcase(entry.name, wanted) for entry in entries):
            raise UsageError(
                f"{lesson.id} has no stub, solution or mutant `{quote(wanted)}`.",
                cure=did_you_mean(wanted, [entry.name for entry in entries]),
            )
    for entry in entries:
        if not choice.rows or any(fnmatchcase(entry.name, wanted) for wanted in choice.rows):
            yield replace(entry, graded_on=()) if choice.whole else entry


def _all_entries(lesson: Lesson) -> Iterator[Candidate]:
    yield Candidate(RowKind.STUB, "stub", lambda: nullcontext(lesson.assignment_dir))
    databases = databases_of(lesson)
    for folder in solutions_of(lesson):
        for database in databases[folder.name]:
            name = folder.name if database is Database.SQLITE else f"{folder.name} ({database})"
            yield Candidate(RowKind.SOLUTION, name, _fixed(folder), database=database)
    for mutant in mutants_of(lesson):
        yield entry_of(mutant)


def readme_of(lesson: Lesson) -> str:
    """Return the text of the assignment, which must announce what is graded."""
    file = lesson.assignment_dir / "README.md"
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ContentError(file, None, "is missing.", cure="Write the assignment.") from None


def _fixed(folder: Path) -> Callable[[], AbstractContextManager[Path]]:
    return lambda: nullcontext(folder)


def entry_of(mutant: Mutant) -> Candidate:
    """Return what is graded of a mutant."""
    return Candidate(
        RowKind.MUTANT,
        mutant.name,
        mutant.built,
        mutant.loses,
        mutant.why,
        mutant.graded_on,
        mutant.database,
    )
