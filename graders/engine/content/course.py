"""A class of its own: ``course.yaml``, which says what of the lessons is graded, and how.

The file is optional, and lies beside ``grade.py`` or where ``--course`` says::

    format_version: 1
    name: Agents in practice
    term: Spring 2027
    lessons:
      lesson02: {}                      # as its rubric says
      lesson05: {database: postgresql}  # in place of SQLite
      lesson06:
        criteria:
          token-required: {points: 20}
          isolation: {visibility: after_due_date, feedback: {title: hidden}}
    packages: [pandas]
    late: {grace_minutes: 15, percent_per_day: 10, late_days: 3}

It never edits a lesson: what it says is laid over a rubric that was read, in
:meth:`Course.applied_to` and nowhere else. ``docs/course.md`` explains every key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from graders.engine.content.binding import bind, wrong_at
from graders.engine.content.fields import (
    ContentModel,
    FormatVersion,
    Sentence,
    Slug,
    WholeNumber,
    did_you_mean,
    flaw,
)
from graders.engine.content.models import (
    Criterion,
    Database,
    FeedbackParts,
    LessonInfo,
    Rubric,
    overdrawn,
)
from graders.engine.content.nodes import Node
from graders.engine.content.strict_yaml import load
from graders.engine.core.errors import ContentError, UsageError
from graders.engine.core.results import Visibility
from graders.engine.core.text import quote

COURSE_NAME = "course.yaml"
MOST_POINTS = 1_000
"""Of one criterion."""
PACKAGE_CURE = "Write its name, with a version if you need one: `pandas` or `pandas<3`."
MOST_MINUTES = 10_000
_VERSION = r"(?:===?|[<>~!]=|[<>])\s*[A-Za-z0-9.*+!_-]+"
_PACKAGE = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[A-Za-z0-9._,-]+\])?"
    rf"\s*(?:{_VERSION}(?:\s*,\s*{_VERSION})*)?"
)


def _lessons(lessons: Mapping[str, LessonInCourse]) -> Mapping[str, LessonInCourse]:
    if lessons:
        return lessons
    raise flaw("A course needs at least one lesson.", cure="Leave `lessons` out to have all.")


def _is_package(text: str) -> bool:
    return _PACKAGE.fullmatch(text) is not None and len(text) <= 200


def _packages(packages: tuple[str, ...]) -> tuple[str, ...]:
    for place, text in enumerate(packages):
        if not _is_package(text):
            raise flaw(f"`{quote(text)}` is not a package.", at=(place,), cure=PACKAGE_CURE)
    return packages


def checked_packages(packages: Iterable[str]) -> None:
    """Raise a UsageError if one of these is not written as a package may be."""
    for text in packages:
        if not _is_package(text):
            raise UsageError(f"`{quote(text)}` is not a package.", cure=PACKAGE_CURE)


class CriterionInCourse(ContentModel):
    """What a course changes of one criterion."""

    points: Annotated[WholeNumber, Field(ge=0, le=MOST_POINTS)] | None = None
    visibility: Visibility | None = None
    feedback: FeedbackParts | None = None

    def applied_to(self, criterion: Criterion) -> Criterion:
        """Return the criterion as it is in this course.

        A ``visibility`` of the course stands for the whole criterion, so that the parts of the
        rubric no longer count.
        """
        changes: dict[str, object] = {}
        if self.points is not None:
            changes["points"] = self.points
        if self.visibility is not None:
            changes |= {"visibility": self.visibility, "feedback": FeedbackParts()}
        if self.feedback is not None:
            changes["feedback"] = self.feedback
        return criterion.model_copy(update=changes)


def time_in_zone(text: str) -> datetime | None:
    """Return a time as ISO 8601 writes it; ``None`` where it is none, or lacks its time zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _moment(text: str) -> datetime:
    moment = time_in_zone(text)
    if moment is None:
        raise flaw(
            f"`{quote(text)}` is not a time.",
            cure="Write date, time and time zone: `2027-03-14T23:59:00+01:00`.",
        )
    return moment


Moment = Annotated[datetime, BeforeValidator(_moment)]


class LessonInCourse(ContentModel):
    """What a course changes of one lesson, what it weighs among the lessons, and when it is due.

    ``database`` is what the lesson's servers store in.
    """

    criteria: Mapping[Slug, CriterionInCourse] = Field(default_factory=dict)
    weight: Annotated[WholeNumber, Field(ge=0, le=MOST_POINTS)] = 1
    due: Moment | None = None
    database: Database | None = None


class LatePolicy(ContentModel):
    """What late work costs: it changes no result, only the gradebook; see ``bulk.late``.

    ``extensions`` give a student another time for a lesson.
    """

    grace_minutes: Annotated[WholeNumber, Field(ge=0, le=MOST_MINUTES)] = 0
    percent_per_day: Annotated[WholeNumber, Field(ge=0, le=100)] = 0
    late_days: Annotated[WholeNumber, Field(ge=0, le=MOST_POINTS)] = 0
    extensions: Mapping[Sentence, Mapping[Slug, Moment]] = Field(default_factory=dict)


class CourseFile(ContentModel):
    """A ``course.yaml``; without ``lessons`` a course has all of them."""

    format_version: FormatVersion = 1
    name: Sentence | None = None
    term: Sentence | None = None
    lessons: Annotated[Mapping[Slug, LessonInCourse], AfterValidator(_lessons)] | None = None
    packages: Annotated[tuple[str, ...], AfterValidator(_packages)] = ()
    late: LatePolicy = LatePolicy()


@dataclass(frozen=True)
class Course:
    """A ``course.yaml`` that was read, with the lines of its keys."""

    path: Path
    told: CourseFile
    node: Node

    @property
    def title(self) -> str:
        """What the class is called, in one line; empty if it has no name."""
        return ", ".join(each for each in (self.told.name, self.told.term) if each)

    def lessons(self, known: Sequence[str]) -> list[str]:
        """Return those of the ``known`` lessons that the course has; a ContentError for others."""
        if self.told.lessons is None:
            return list(known)
        for lesson in self.told.lessons:
            if lesson not in known:
                raise self._wrong(
                    ("lessons", lesson), "There is no such lesson.", did_you_mean(lesson, known)
                )
        return [lesson for lesson in known if lesson in self.told.lessons]

    def weight_of(self, lesson: str) -> int:
        """Return what a lesson weighs among the others."""
        return self._of(lesson).weight

    def due(self, lesson: str, student: str) -> datetime | None:
        """Return when a student's work is due, with the student's extension if there is one."""
        extended = self.told.late.extensions.get(student, {}).get(lesson)
        return extended or self._of(lesson).due

    def _of(self, lesson: str) -> LessonInCourse:
        return (self.told.lessons or {}).get(lesson) or LessonInCourse()

    def database_of(self, lesson: str, info: LessonInfo) -> Database | None:
        """Return the database that a lesson has in this course, if it says so.

        A ContentError where the lesson's checks do not know it.
        """
        chosen = self._of(lesson).database
        if chosen in (None, Database.SQLITE, *info.databases):
            return chosen
        raise self._wrong(
            ("lessons", lesson, "database"),
            f"{lesson} cannot be graded with {chosen}.",
            f"It knows: {', '.join((Database.SQLITE, *info.databases))}.",
        )

    def changes_of(self, lesson: str) -> Mapping[str, CriterionInCourse]:
        """Return what the course says about criteria of a lesson, by their ids."""
        return self._of(lesson).criteria

    def applied_to(self, lesson: str, rubric: Rubric) -> Rubric:
        """Return the rubric of a lesson as it is in this course.

        Its points no longer need to sum to 100. A ContentError for a criterion that it lacks.
        """
        changes = self.changes_of(lesson)
        at = ("lessons", lesson, "criteria")
        for name in changes:
            if name not in rubric.ids:
                raise self._wrong(
                    (*at, name),
                    f"{lesson} has no such criterion.",
                    did_you_mean(name, rubric.ids),
                )
        criteria = tuple(
            changes[each.id].applied_to(each) if each.id in changes else each
            for each in rubric.criteria
        )
        if not any(each.points for each in criteria):
            raise self._wrong(at, f"No criterion of {lesson} has a point left.", "")
        if lacking := overdrawn(criteria):
            raise self._wrong(
                at,
                f"`{lacking}` of {lesson} has fewer points than optional criteria take from it.",
                "Give it more, or them fewer.",
            )
        # A copy, since a rubric of its own must sum to 100.
        return rubric.model_copy(update={"criteria": criteria})

    def _wrong(self, location: tuple[str, ...], message: str, cure: str) -> ContentError:
        return wrong_at(self.node, location, message, self.path, cure=cure)


def load_course(path: Path) -> Course:
    """Read a ``course.yaml``; a ContentError names the file, the line and the cure."""
    node = load(path)
    return Course(path, bind(node, CourseFile, path), node)


def find_course(root: Path, asked: Path | None = None) -> Course | None:
    """Return the course that was ``asked`` for, else the one beside ``grade.py``, if any."""
    if asked is not None:
        if not asked.is_file():
            raise UsageError(
                f"There is no file `{quote(str(asked), 200)}`.",
                cure=f"Name the class's `{COURSE_NAME}`; docs/course.md shows one.",
            )
        return load_course(asked)
    beside = root / COURSE_NAME
    return load_course(beside) if beside.exists() else None
