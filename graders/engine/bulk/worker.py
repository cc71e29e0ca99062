"""Grades orders in the process that calls it, with servers that stay warm from one to the next.

Must not know what machine it runs on, nor where the results go.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path

from graders.engine.bulk.orders import (
    Batch,
    CourseVersions,
    GradedOrder,
    GradeOrder,
    OpenServers,
)
from graders.engine.bulk.packing import unpacked_project
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.content.versions import (
    digest_of_course,
    digest_of_grader,
    digest_of_lesson,
    digest_of_lock,
)
from graders.engine.core.errors import UsageError
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import Result
from graders.engine.grading.events import CaseFinished, GradingEvent
from graders.engine.grading.folder import OpenFactory, grade_folder, open_servers
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.run import ungraded
from graders.engine.reports import json_report
from graders.engine.reports.audience import Audience, seen_by
from graders.engine.reports.formats import html_page


class _Workshop:
    """What this process keeps open until it ends, which ends all that it started."""

    stack = ExitStack()
    opened: dict[OpenServers, OpenFactory] = {}  # noqa: RUF012 - one for the process
    lessons: dict[tuple[str, Path | None, CourseVersions], Lesson] = {}  # noqa: RUF012


def grade_orders(servers: OpenServers, orders: Batch) -> tuple[GradedOrder, ...]:
    """Grade some submissions one after the other; a UsageError where versions differ."""
    return tuple(_graded(servers, order) for order in orders)


def versions_of(lesson: Lesson) -> CourseVersions:
    """Return the digests of what this process grades with."""
    grader, checks, lock = _digests_at(lesson.grader_dir.parents[1], lesson.id)
    return CourseVersions(grader, checks, lock, digest_of_course(lesson))


@cache
def _digests_at(root: Path, name: str) -> tuple[str, str, str]:
    """Return those of files, which do not change any more while this process runs."""
    lesson = Catalogue(root).lesson(name)
    return digest_of_grader(REPOSITORY), digest_of_lesson(lesson), digest_of_lock(REPOSITORY)


def _graded(servers: OpenServers, order: GradeOrder) -> GradedOrder:
    lesson = _lesson_of(order)
    logs: list[str] = []

    def listen(event: GradingEvent) -> None:
        if isinstance(event, CaseFinished) and event.log:
            logs.append(event.log)

    if order.problem is not None:
        request = GradingRequest(lesson, Path(order.called), order.seed, require=order.require)
        result = ungraded(request, order.problem)
    else:
        with unpacked_project(order.data) as folder:
            request = GradingRequest(lesson, folder, order.seed, require=order.require)
            result = grade_folder(request, _factory(servers), on_event=listen)
    whole = _renamed(result, order)
    return GradedOrder(
        number=order.number,
        result=json_report.render(whole),
        page=html_page.render(seen_by(Audience.STUDENT, whole)),
        log="\n".join(logs),
    )


def _lesson_of(order: GradeOrder) -> Lesson:
    """Return the lesson with its rubric, read once; a UsageError where it is another one here."""
    key = order.lesson, order.root, order.versions
    if key not in _Workshop.lessons:
        catalogue = Catalogue(order.root or REPOSITORY, order.course)
        lesson = catalogue.lesson(order.lesson).on(order.database)
        _require_same(order.versions, versions_of(lesson))
        _Workshop.lessons[key] = lesson
    return _Workshop.lessons[key]


def _factory(servers: OpenServers) -> OpenFactory:
    """Return what starts servers in this process; it stays open, and so warm, until its end."""
    if not _Workshop.opened:
        # In the way out of a worker process, which runs nothing else that was asked for at its end.
        Finalize(None, _Workshop.stack.close, exitpriority=1)
    if servers not in _Workshop.opened:
        _Workshop.opened[servers] = _Workshop.stack.enter_context(servers())
    return _Workshop.opened[servers]


@contextmanager
def cold_servers() -> Iterator[OpenFactory]:
    """Open what starts each server in a new interpreter, with nothing prepared."""
    with open_servers(fresh=True) as open_factory:
        yield open_factory


def _renamed(result: Result, order: GradeOrder) -> Result:
    """Return the result with the names that the submission has where it was handed in."""
    return result.model_copy(
        update={
            "submission": order.called,
            "submission_path": order.shown,
            "content_hash": order.content_hash,
            "notes": (*order.notes, *result.notes),
        }
    )


def _require_same(wanted: CourseVersions, here: CourseVersions) -> None:
    """Raise a UsageError if another machine has another grader, lesson or lock file."""
    differ = [
        name
        for name, ours, theirs in (
            ("grader", wanted.grader, here.grader),
            ("lesson", wanted.lesson, here.lesson),
            ("lock file", wanted.lock, here.lock),
            ("course.yaml", wanted.course, here.course),
        )
        if ours != theirs
    ]
    if differ:
        raise UsageError(
            f"The worker on {platform.node()} has another version of the {' and the '.join(differ)}"
            " than the machine that gives the orders.",
            cure="Bring both to the same commit, and start the worker again.",
        )
