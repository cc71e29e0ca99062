"""One run: each entry to an order, unless its result is known; each result to its files.

Must not print, nor know how submissions were found or what executor grades them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeAlias

from graders.engine.bulk.deliveries import Entry
from graders.engine.bulk.journal import EndRecord, Journal, RunRecord, unwritable
from graders.engine.bulk.orders import CourseVersions, GradedOrder, GradeOrder, OpenServers
from graders.engine.bulk.packing import packed
from graders.engine.bulk.projects import ProjectMarks, opened_project
from graders.engine.bulk.records import ResultRecord, criteria_of, error_of
from graders.engine.bulk.schedule import FailedOrder, Scheduler, reason_of
from graders.engine.bulk.worker import grade_orders
from graders.engine.content.catalogue import Lesson
from graders.engine.core.errors import UsageError
from graders.engine.core.results import IsolationLevel, Problem, Result
from graders.engine.reports.files import write_whole
from graders.engine.submissions.submission_copy import SubmissionProblem

RESULTS = "results"
PAGES = "reports"


class Again(StrEnum):
    """Which submissions are graded though there is a result.

    `stale`: where the submission, the grader or the course is another. `changed`: where the
    submission is another. `errors`: where the last try was an error of ours. `all`: every one.
    """

    STALE = "stale"
    CHANGED = "changed"
    ERRORS = "errors"
    ALL = "all"


@dataclass(frozen=True)
class RunPlan:
    """What a run is to do, and with what. ``seed`` is the one asked for, ``new_seed`` any."""

    lesson: Lesson
    out: Path
    require: IsolationLevel
    versions: CourseVersions
    new_seed: int
    seed: int | None = None
    again: Again = Again.STALE
    root: Path | None = None


@dataclass(frozen=True)
class GradingWorkers:
    """Who grades: an executor, what its processes start servers with, how many it has.

    ``reason`` says in words why one of them has not graded.
    """

    executor: Executor
    servers: OpenServers
    count: int
    batch: int = 1
    reason: Callable[[Exception], str] = reason_of

    def scheduler(self, servers: OpenServers, batch: int = 1) -> Scheduler:
        """Return what gives them orders, to be graded with these servers."""
        return Scheduler(
            self.executor,
            partial(grade_orders, servers),
            window=2 * self.count,
            batch=batch,
            reason=self.reason,
        )


@dataclass(frozen=True)
class Finished:
    """One entry is done: its record, the one before, and whether it was graded now."""

    entry: Entry
    record: ResultRecord
    before: ResultRecord | None
    graded: bool


Listener: TypeAlias = Callable[[Finished, str], None]
"""Told of each entry as it is done, with the texts of our own errors."""
PackedListener: TypeAlias = Callable[[Entry, bytes], None]
"""Shown each project as it was packed: nothing where there is none."""


def unheard(entry: Entry, data: bytes) -> None:
    """Listen to nothing."""


@dataclass
class BulkRun:
    """A run on its way; afterwards ``finished`` has each entry's number with what came of it."""

    plan: RunPlan
    entries: Sequence[Entry]
    journal: Journal
    on_finished: Listener
    on_packed: PackedListener = unheard
    finished: dict[int, Finished] = field(default_factory=dict)
    _marks: ProjectMarks = field(init=False)
    _seed: int = field(init=False)

    def __post_init__(self) -> None:
        self._marks = ProjectMarks.of(self.plan.lesson)
        self._begin()

    def grade(self, workers: GradingWorkers) -> None:
        """Grade all that is not known yet; a UsageError where it cannot go on."""
        scheduler = workers.scheduler(workers.servers, workers.batch)
        asked: dict[int, GradeOrder] = {}
        for outcome in scheduler.graded(self._orders(asked)):
            order = asked.pop(outcome.number)
            self._keep(order, outcome)
        self.journal.add(EndRecord())

    def _begin(self) -> None:
        """Begin a run, or go on with one that did not end."""
        lesson, journal = self.plan.lesson.id, self.journal
        if journal.lesson and journal.lesson != lesson:
            raise UsageError(
                f"{self.plan.out} holds results of {journal.lesson}.",
                cure=f"Give another folder for {lesson} with --out.",
            )
        for folder in (RESULTS, PAGES):
            try:
                (self.plan.out / folder).mkdir(exist_ok=True)
            except OSError as error:
                raise unwritable(self.plan.out / folder, error) from error
        forced = self.plan.again is Again.ALL
        goes_on = journal.unfinished
        if goes_on is not None and goes_on.forced == forced:
            self._seed = goes_on.seed if self.plan.seed is None else self.plan.seed
            return
        self._seed = self.plan.new_seed if self.plan.seed is None else self.plan.seed
        journal.of_unfinished.clear()
        journal.add(RunRecord(lesson=lesson, seed=self._seed, forced=forced))

    def _orders(self, asked: dict[int, GradeOrder]) -> Iterator[GradeOrder]:
        """Yield the order of each entry that must be graded; tell of the others."""
        for number, entry in enumerate(self.entries):
            order = self.order_of(number)
            self.on_packed(entry, order.data)
            known = self._known(entry)
            if known is not None and self._is_current(known, order):
                self._tell(number, Finished(entry, known, known, graded=False))
                continue
            # Its bytes are the scheduler's to hold, and not here as well.
            asked[number] = _without_bytes(order)
            yield order

    def _known(self, entry: Entry) -> ResultRecord | None:
        """Return the student's own result; a newcomer may have taken over the name of its file."""
        found = self.journal.results.get(entry.file)
        return found if found is not None and found.student == entry.student else None

    def order_of(self, number: int) -> GradeOrder:
        """Return the order of an entry, with its project as it is now."""
        delivery, plan = self.entries[number].delivery, self.plan
        notes = list(delivery.notes)
        data, content, problem = b"", "", None
        try:
            with delivery.place() as place, opened_project(place, self._marks) as project:
                problem = project.problem
                if project.shown:
                    notes.append(f"The project was found in `{project.shown}`.")
                if project.others:
                    notes.append(f"Not graded: {', '.join(f'`{o}`' for o in project.others[:5])}.")
                notes += [
                    f"`{each}` is no file, and was left out." for each in project.left_out[:10]
                ]
                if problem is None:
                    bundle = packed(project.folder)
                    data, content = bundle.data, bundle.content_hash
        except SubmissionProblem as error:
            problem = error.problem
        except OSError as error:
            # One that cannot be read is this submission's matter; the others go on.
            problem = _unreadable(error)
        return GradeOrder(
            number=number,
            lesson=plan.lesson.id,
            seed=self._seed,
            require=plan.require,
            versions=plan.versions,
            called=delivery.called,
            shown=delivery.shown,
            data=data,
            content_hash=content or _hash_of(problem),
            problem=problem,
            notes=tuple(notes),
            root=plan.root,
            course=plan.lesson.course,
            database=plan.lesson.database,
        )

    def _is_current(self, known: ResultRecord, order: GradeOrder) -> bool:
        plan, file = self.plan, known.file
        if not (plan.out / RESULTS / f"{file}.json").is_file():
            return False
        if plan.require.reaches(IsolationLevel.STRONG) and known.advisory:
            return False
        same = known.content_hash == order.content_hash
        match plan.again:
            case Again.ALL:
                return file in self.journal.of_unfinished and same
            case Again.ERRORS:
                return file not in self.journal.failed
            case Again.CHANGED:
                return same
            case Again.STALE:
                asked = plan.seed is None or known.seed == plan.seed
                return same and asked and known.versions == plan.versions

    def _keep(self, order: GradeOrder, outcome: GradedOrder | FailedOrder) -> None:
        """Write a result's files, then its line: what has a line has its files."""
        entry = self.entries[order.number]
        before = self._known(entry)
        if isinstance(outcome, FailedOrder):
            record, log = self._record(entry, order, None, outcome.reason), ""
        else:
            result = Result.model_validate_json(outcome.result)
            record, log = self._record(entry, order, result, error_of(result)), outcome.log
            if not record.error or before is None:
                # A failed run never replaces a score.
                write_whole(self.plan.out / RESULTS / f"{entry.file}.json", outcome.result)
                write_whole(self.plan.out / PAGES / f"{entry.file}.html", outcome.page)
        self.journal.add(record)
        self._tell(order.number, Finished(entry, record, before, graded=True), log)

    def _record(
        self, entry: Entry, order: GradeOrder, result: Result | None, error: str
    ) -> ResultRecord:
        record = ResultRecord(
            file=entry.file,
            student=entry.student,
            submission=order.called,
            content_hash=order.content_hash,
            grader=order.versions.grader,
            lesson=order.versions.lesson,
            lock=order.versions.lock,
            course=order.versions.course,
            seed=order.seed,
            max_score=self.plan.lesson.rubric.total,
            error=error,
            late=entry.late,
            handed_in=_told_time(entry),
            members=entry.members if entry.on_roster else (entry.student,),
        )
        if result is None:
            return record
        return record.model_copy(
            update={
                "score": result.score,
                "max_score": result.max_score,
                "duration_ms": result.duration_ms,
                "advisory": result.advisory,
                "isolation": str(result.isolation.level),
                "problem": result.problem.title if result.problem else "",
                "criteria": dict(criteria_of(result)),
            }
        )

    def _tell(self, number: int, finished: Finished, log: str = "") -> None:
        self.finished[number] = finished
        self.on_finished(finished, log)


def records_in_order(run: BulkRun) -> list[tuple[Entry, ResultRecord]]:
    """Return what counts of each entry, in their order: a failed try stands behind a score."""
    return [
        (each.entry, _counting(each))
        for _, each in sorted(run.finished.items(), key=lambda x: x[0])
    ]


def _counting(finished: Finished) -> ResultRecord:
    if finished.record.error and finished.before is not None:
        return finished.before
    return finished.record


def replaced(run: BulkRun) -> Mapping[str, tuple[ResultRecord, ResultRecord]]:
    """Return by student what was graded again: the result before and the one now."""
    return {
        each.entry.student: (each.before, each.record)
        for _, each in sorted(run.finished.items(), key=lambda x: x[0])
        if each.graded and each.before is not None and not each.record.error
    }


def _without_bytes(order: GradeOrder) -> GradeOrder:
    return GradeOrder(**{**vars(order), "data": b""})


def _told_time(entry: Entry) -> str:
    moment = entry.delivery.handed_in
    return moment.astimezone(UTC).isoformat() if moment else ""


def _unreadable(error: OSError) -> Problem:
    return Problem(
        kind="unreadable",
        title="The submission cannot be read",
        detail=error.strerror or str(error),
        cure="Look whether it was downloaded whole, and whether you may read it.",
    )


def _hash_of(problem: Problem | None) -> str:
    """Return what stands for the content where there is none: what was wrong with it."""
    told = f"{problem.kind}\0{problem.title}\0{problem.detail}" if problem else ""
    return f"problem:{hashlib.sha256(told.encode('utf-8', 'replace')).hexdigest()}"
