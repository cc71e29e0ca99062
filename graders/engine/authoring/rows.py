"""Grades the entries of a lesson: one by one here, or side by side in processes.

Each process has servers of its own. The rows come in the order of the entries, whoever is first.
Must not know what a row has to show.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import TypeAlias

from graders.engine.authoring.check import ALL, Candidate, Choice, entries_of
from graders.engine.authoring.cost import cpu_seconds
from graders.engine.authoring.matrix import Row
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.core.errors import GraderBrokeError
from graders.engine.core.places import REPOSITORY
from graders.engine.grading.events import CaseFinished, GradingEvent
from graders.engine.grading.folder import OpenFactory, grade_folder
from graders.engine.grading.plan import chosen
from graders.engine.grading.request import GradingRequest

Servers: TypeAlias = Callable[[], AbstractContextManager[OpenFactory]]
"""Opens what starts servers; a function of a module, so that another process finds it too."""


@dataclass(frozen=True)
class Order:
    """The lesson, which of its entries are to be graded, and the seed of its words."""

    root: Path
    lesson: str
    seed: int
    choice: Choice = ALL


GradeAll: TypeAlias = Callable[[Order], Iterator[Row]]


@contextmanager
def open_graders(servers: Servers, jobs: int) -> Iterator[GradeAll]:
    """Yield what grades the entries of any number of lessons, ``jobs`` of them at once."""
    if jobs == 1:
        with servers() as open_factory:
            yield lambda order: (
                row_of(entry, lesson, order.seed, open_factory)
                for lesson in [_lesson_of(order)]
                for entry in entries_of(lesson, order.choice)
            )
        return
    # Not forked: a process that runs threads and open connections must not be copied.
    context = multiprocessing.get_context("spawn")
    with _engine_on_path(), ProcessPoolExecutor(jobs, context, _open_servers, (servers,)) as pool:
        yield lambda order: _side_by_side(pool, order)


@contextmanager
def _engine_on_path() -> Iterator[None]:
    """Let new processes, which take this one's ``sys.path`` over, find the engine.

    ``grade.py`` imports it by its place, so that the project's other folders hide nothing.
    """
    sys.path.append(str(REPOSITORY))
    try:
        yield
    finally:
        sys.path.remove(str(REPOSITORY))


def _side_by_side(pool: ProcessPoolExecutor, order: Order) -> Iterator[Row]:
    count = len(list(entries_of(_lesson_of(order), order.choice)))
    try:
        yield from pool.map(_row_at, repeat(order), range(count))
    except BrokenProcessPool as error:
        message = "a process that grades has ended by itself"
        raise GraderBrokeError(message) from error


class _Process:
    """What a process that grades keeps open until it ends, which ends all that it started."""

    open_factory: OpenFactory
    stack = ExitStack()


def _open_servers(servers: Servers) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _Process.open_factory = _Process.stack.enter_context(servers())


def _end_with_parent() -> None:
    """End at once when the process that gives the orders has been killed: no more will come."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "only a process of the pool runs this"
    parent.join()
    os._exit(1)


def _row_at(order: Order, index: int) -> Row:
    lesson, entries = _entries_of(order)
    return row_of(entries[index], lesson, order.seed, _Process.open_factory)


@cache
def _entries_of(order: Order) -> tuple[Lesson, list[Candidate]]:
    """Return the lesson and its entries, read once in each process: a hundred files."""
    lesson = _lesson_of(order)
    return lesson, list(entries_of(lesson, order.choice))


def _lesson_of(order: Order) -> Lesson:
    return Catalogue(order.root).lesson(order.lesson)


def row_of(entry: Candidate, lesson: Lesson, seed: int, open_factory: OpenFactory) -> Row:
    """Grade one entry and return its row."""
    logs: list[str] = []

    def listen(event: GradingEvent) -> None:
        if isinstance(event, CaseFinished) and event.log:
            logs.append(event.log)

    before = cpu_seconds()
    with entry.place() as folder:
        on = lesson.on(entry.database)
        request = GradingRequest(on, folder, seed, only=entry.graded_on)
        result = grade_folder(request, open_factory, on_event=listen)
    return Row(
        entry.kind,
        entry.name,
        result,
        entry.loses,
        entry.why,
        "\n".join(logs),
        entry.graded_on,
        cpu_seconds() - before,
        frozenset(lesson.rubric.ids) - chosen(lesson.rubric.criteria, entry.graded_on),
        lesson.info.web,
    )
