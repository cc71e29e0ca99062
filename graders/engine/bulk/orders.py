"""What a worker is given, and what it gives back: records that can be sent to another machine.

Must not know who sends them.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from graders.engine.content.course import Course
from graders.engine.content.models import Database
from graders.engine.core.results import IsolationLevel, Problem
from graders.engine.grading.folder import OpenFactory

OpenServers: TypeAlias = Callable[[], AbstractContextManager[OpenFactory]]
"""Opens what starts servers; a function of a module, so that another process finds it too."""


@dataclass(frozen=True)
class CourseVersions:
    """The digests of what a score comes from, beside the submission."""

    grader: str
    lesson: str
    lock: str
    course: str = ""


@dataclass(frozen=True)
class GradeOrder:
    """One submission that is to be graded, with all that a worker needs for it.

    ``number`` is its place among the entries. ``problem`` is what kept the submission from being
    opened. ``root`` is where the lessons are, ``None`` for the worker's own;
    ``course`` what a class changes of them, ``database`` what the servers store in.
    """

    number: int
    lesson: str
    seed: int
    require: IsolationLevel
    versions: CourseVersions
    called: str
    shown: str
    data: bytes = b""
    content_hash: str = ""
    problem: Problem | None = None
    notes: tuple[str, ...] = ()
    root: Path | None = None
    course: Course | None = None
    database: Database = Database.SQLITE


@dataclass(frozen=True)
class GradedOrder:
    """What came of an order: the result as JSON, the student's page, and our own errors' texts."""

    number: int
    result: str
    page: str
    log: str = ""


Batch: TypeAlias = tuple[GradeOrder, ...]
Work: TypeAlias = Callable[[Batch], tuple[GradedOrder, ...]]
"""Grades some orders, one after the other, wherever it is called."""
