"""From a folder to a result: find the submission, open what starts its servers, grade.

What is wrong with the submission becomes part of the result here, whatever it is.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TypeAlias

from graders.engine.content.catalogue import Lesson
from graders.engine.content.models import Database
from graders.engine.core.errors import GraderBrokeError
from graders.engine.core.results import Problem, Result
from graders.engine.database.databases import Databases
from graders.engine.grading.events import Listener, Noticed, nobody_listens
from graders.engine.grading.lacking import lacking_packages
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.run import grade, ungraded
from graders.engine.harness import server_factory
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.isolation.layers import NOTHING_OFF, Layer
from graders.engine.sandbox.launcher import open_launcher
from graders.engine.sandbox.process import Launcher, LaunchSpec, Process
from graders.engine.submissions.content_hash import hash_of_folder
from graders.engine.submissions.submission import (
    Submission,
    SubmissionProblem,
    find_submission,
    opened,
)

OpenFactory: TypeAlias = Callable[[Lesson, Submission], AbstractContextManager[ServerFactory]]
"""Gives what starts the servers of one submission; raises SubmissionProblem if nothing can."""


@contextmanager
def open_servers(
    *, fresh: bool = False, without: frozenset[Layer] = NOTHING_OFF
) -> Iterator[OpenFactory]:
    """Open what starts servers for any number of submissions; afterwards all have ended.

    ``fresh`` starts each in a new interpreter, as where there is no fork; ``without`` are layers of
    isolation that tests leave off, to have it as on a system that lacks them.
    """
    with open_launcher(fresh=fresh) as launcher, closing(Databases()) as databases:
        yield servers_of(launcher, databases, without=without)


def servers_of(
    launcher: Launcher,
    databases: Databases | None = None,
    *,
    without: frozenset[Layer] = NOTHING_OFF,
) -> OpenFactory:
    """Return what starts servers with ``launcher``, which the caller ends.

    ``databases`` are for lessons that do not store in files; the caller closes them.
    """
    return lambda lesson, submission: server_factory.open_factory(
        submission,
        launcher,
        limits=lesson.info.limits,
        env=lesson.info.env,
        preload=lesson.info.preload,
        without=without,
        databases=databases if lesson.database is Database.POSTGRESQL else None,
    )


@contextmanager
def no_servers() -> Iterator[OpenFactory]:
    """Open nothing, for a lesson without a server: its checks read files, and start none."""
    yield servers_of(_NoLauncher())


class _NoLauncher:
    """Starts nothing; a check that asks for a server all the same is an error of ours."""

    kind = "none"

    def start(self, spec: LaunchSpec) -> Process:
        raise GraderBrokeError(f"A lesson without a server starts one: {spec.root}")

    def close(self) -> None:
        """There is nothing to end."""


def grade_folder(
    request: GradingRequest, open_factory: OpenFactory, *, on_event: Listener = nobody_listens
) -> Result:
    """Return the result of what was handed in, a folder or an archive; see :func:`.run.grade`.

    Where nothing can be started (no ``server.py``), files are graded all the same.
    Raises :class:`~graders.engine.core.errors.UsageError` when there is no such folder.
    """
    _look_for_no_garbage_in_modules()
    lesson = request.lesson
    try:
        with opened(request.submission) as handed_in:
            submission, problem = _found(handed_in.folder, lesson)
            content_hash = hash_of_folder(submission.root)
            lacking = lacking_packages(submission.root)
            for sentence in lacking:
                on_event(Noticed(sentence))
            with open_factory(lesson, submission) as factory:
                result = grade(
                    request, submission.root, factory, on_event=on_event, problem=problem
                )
    except SubmissionProblem as error:
        return ungraded(request, error.problem)
    unpacked = (f"`{each}` is no file, and was left out." for each in handed_in.left_out[:10])
    notes = (*unpacked, *lacking, *result.notes)
    return result.model_copy(update={"content_hash": content_hash, "notes": notes})


@cache
def _look_for_no_garbage_in_modules() -> None:
    """Leave alone what is imported by now: it stays, and each search of it takes 0.1 s."""
    gc.freeze()
    # By itself Python looks after each 700 new objects; a grading makes some hundred thousand.
    gc.set_threshold(10_000)


def _found(folder: Path, lesson: Lesson) -> tuple[Submission, Problem | None]:
    """Return the submission, and what keeps its server from being started, if that is known."""
    try:
        return find_submission(folder, endpoint=lesson.info.endpoint), None
    except SubmissionProblem as error:
        return Submission(folder.resolve()), error.problem if lesson.info.server else None
