"""The lessons that a course has, found in its folders.

Must not know any lesson by name. A lesson is a folder ``graders/<id>`` with a ``lesson.yaml``; its
other parts are in the folders of the same name under ``assignments`` and ``reference_solutions``.
There is no list of lessons to be kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from graders.engine.content.course import Course
from graders.engine.content.fields import did_you_mean, is_slug
from graders.engine.content.models import (
    Database,
    LessonInfo,
    Rubric,
    load_lesson_info,
    load_rubric,
)
from graders.engine.core.errors import ContentError, UsageError
from graders.engine.core.text import quote

ENGINE_FOLDER = "engine"
NOT_HANDED_IN = frozenset({"README.md", "conversations"})
"""What an assignment says and shows; all else in it is for students to change."""


@dataclass(frozen=True)
class Lesson:
    """One lesson and where its parts are; the rubric is read when it is first asked for."""

    id: str
    info: LessonInfo
    grader_dir: Path
    assignment_dir: Path
    solutions_dir: Path
    course: Course | None = None
    database: Database = Database.SQLITE

    @property
    def title(self) -> str:
        """What the lesson is called."""
        return self.info.title

    @property
    def course_title(self) -> str:
        """What the class is called; empty without a course."""
        return self.course.title if self.course else ""

    def on(self, database: Database | None) -> Lesson:
        """Return the lesson with another database, if one is named.

        A UsageError where its checks know none such.
        """
        if database is None:
            return self
        if database is not Database.SQLITE and database not in self.info.databases:
            raise UsageError(
                f"{self.id} cannot be graded with {database}.",
                cure=f"Leave `--database {database}` out.",
            )
        return replace(self, database=database)

    @property
    def given_files(self) -> tuple[str, ...]:
        """The files that a student gets and hands in again, by their path in the assignment."""
        folder = self.assignment_dir
        paths = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
        return tuple(path.as_posix() for path in paths if path.parts[0] not in NOT_HANDED_IN)

    @cached_property
    def rubric(self) -> Rubric:
        """The criteria of the lesson, as they are in its course; a ContentError if one is wrong."""
        rubric = load_rubric(self.grader_dir / "rubric.yaml")
        return rubric if self.course is None else self.course.applied_to(self.id, rubric)


class Catalogue:
    """The lessons under ``root``, the folder that holds ``graders`` and ``assignments``.

    With a ``course``, only its own, as it has them.
    """

    def __init__(self, root: Path, course: Course | None = None) -> None:
        self.root = root
        self.course = course

    def ids(self) -> list[str]:
        """Return the ids of all lessons of the course, sorted; reads no file."""
        known = self._known()
        return known if self.course is None else self.course.lessons(known)

    def _known(self) -> list[str]:
        found = sorted(path.parent for path in (self.root / "graders").glob("*/lesson.yaml"))
        return [_checked_id(folder) for folder in found if folder.name != ENGINE_FOLDER]

    def lessons(self) -> list[Lesson]:
        """Return all lessons in the order of their ids."""
        return [self._load(lesson_id) for lesson_id in self.ids()]

    def lesson(self, name: str) -> Lesson:
        """Return one lesson; a UsageError that names close matches if there is none.

        ``name`` is its id, its number (`6`, `06`), a short form (`lesson6`), or the path of its
        folder (`assignments/lesson06`).
        """
        return self.named(name)[0]

    def named(self, name: str) -> tuple[Lesson, Path | None]:
        """Return one lesson as :meth:`lesson` does, and its folder where a path was given."""
        known = self.ids()
        path = Path(name)
        if name not in known and path.name in known and len(path.parts) > 1 and path.is_dir():
            return self._load(path.name), path
        lesson_id = _meant(name, known)
        if lesson_id is None and self.course and (meant := _meant(name, self._known())):
            raise UsageError(
                f"`{meant}` is not in the course that {self.course.path} describes.",
                cure=f"Its lessons: {', '.join(known)}.",
            )
        if lesson_id is None:
            raise UsageError(f"There is no lesson `{quote(name)}`.", cure=did_you_mean(name, known))
        return self._load(lesson_id), None

    def has(self, name: str) -> bool:
        """Return whether ``name`` names a lesson, as :meth:`lesson` reads it; reads no file."""
        path, known = Path(name), self._known()
        return _meant(name, known) is not None or (path.name in known and path.is_dir())

    def lesson_of(self, file: Path) -> Lesson:
        """Return the lesson whose folder ``file`` is in, else the only or first lesson."""
        known = self.lessons()
        if not known:
            raise UsageError("The course has no lesson.")
        parts = file.resolve().parts
        return next((lesson for lesson in known if lesson.id in parts), known[0])

    def lesson_with(self, name: str, file: Path) -> Lesson:
        """Return the first lesson whose grader has a file ``name``, else that of ``file``."""
        having = (each for each in self.lessons() if (each.grader_dir / name).is_file())
        return next(having, None) or self.lesson_of(file)

    def _load(self, lesson_id: str) -> Lesson:
        grader_dir = self.root / "graders" / lesson_id
        lesson = Lesson(
            id=lesson_id,
            info=load_lesson_info(grader_dir / "lesson.yaml", lesson_id),
            grader_dir=grader_dir,
            assignment_dir=self.root / "assignments" / lesson_id,
            solutions_dir=self.root / "reference_solutions" / lesson_id,
            course=self.course,
        )
        chosen = None if self.course is None else self.course.database_of(lesson_id, lesson.info)
        return lesson if chosen is None else lesson.on(chosen)


def _meant(name: str, known: Sequence[str]) -> str | None:
    """Return the lesson that ``name`` stands for: by its id, or by its number alone."""
    if name in known:
        return name
    short = re.fullmatch(r"([a-z]*)[-_ ]?0*([0-9]{1,4})", name.lower())
    if short is None:
        return None
    word, number = short.groups()
    found = [each for each in known if re.fullmatch(rf"{word or '[a-z]+'}0*{number}", each)]
    return found[0] if len(found) == 1 else None


def _checked_id(folder: Path) -> str:
    if not is_slug(folder.name):
        raise ContentError(
            folder,
            None,
            "is not named like a lesson.",
            cure="Use small letters, digits and single hyphens, such as `lesson02`.",
        )
    return folder.name
