"""Grade one submission of one lesson: the way into this package.

Must not print. The result holds everything; the events tell it as it happens.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from graders.engine.content.announced import headings_of
from graders.engine.content.canaries import Canaries
from graders.engine.content.catalogue import Lesson
from graders.engine.content.loans import Loan, loans_of
from graders.engine.content.models import Criterion, Database
from graders.engine.content.versions import digest_of_course
from graders.engine.core.errors import ContentError, Finding, GraderBrokeError
from graders.engine.core.results import (
    NOT_STARTED,
    CriterionResult,
    IsolationLevel,
    Problem,
    Result,
)
from graders.engine.grading import fixtures, optional_parts, required, score
from graders.engine.grading.borrowing import decided_lines
from graders.engine.grading.checks import Check
from graders.engine.grading.environment import environment
from graders.engine.grading.events import (
    CaseFinished,
    CriterionFinished,
    CriterionStarted,
    GradingEvent,
    Listener,
    RunFinished,
    RunStarted,
    nobody_listens,
)
from graders.engine.grading.ledger import Ledger
from graders.engine.grading.plan import chosen
from graders.engine.grading.plugin import GradingPlugin
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.session import run_tests
from graders.engine.harness.kept import KeptTexts, usual_place
from graders.engine.harness.recording import Recordings
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import StartFailed
from graders.engine.web.programs import find_browser

_CONFTEST = "ImportError while loading conftest"


def grade(
    request: GradingRequest,
    root: Path,
    factory: ServerFactory,
    *,
    on_event: Listener = nobody_listens,
    clock: Callable[[], float] = time.perf_counter,
    problem: Problem | None = None,
) -> Result:
    """Return what the lesson's checks find about the submission in the folder ``root``.

    ``problem`` is what is known to keep the server from being started: only what needs no server
    is checked then. Must not be called from a running event loop.

    Raises :class:`~graders.engine.core.errors.ContentError` when rubric and tests of the lesson
    do not fit together, :class:`~graders.engine.core.errors.UsageError` for an unknown criterion
    in its ``only``, :class:`~graders.engine.core.errors.IsolationError` when the servers cannot be
    isolated as well as required, and :class:`KeyboardInterrupt` as it comes.
    """
    began, started_at = clock(), _now()
    lesson = request.lesson
    level = required.level_for(request.require, web=lesson.info.web)
    wanted = chosen(lesson.rubric.criteria, request.only)
    if lesson.info.server and (problem is None or lesson.info.web):
        # Web code is run without its server, too.
        _require(level, factory)
        if lesson.info.web and required.is_official(request.require):
            required.require_browser(find_browser())
    absent = optional_parts.left_out(lesson.rubric, root, request.require, factory.isolation)
    rubric = lesson.rubric.settled(absent.keys())
    run = _Run(lesson, rubric.prerequisites_first(), wanted, on_event, problem, absent)
    if lesson.info.server and problem is None:
        run.problem = probe(factory)
    recordings = Recordings(factory, Canaries(request.seed))
    made_with, official = environment(lesson), required.is_official(request.require)
    # A run that counts rests on no file that was written before.
    place = None if official else usual_place()
    # The course's own servers store in files, whatever the lesson is graded with.
    in_files = digest_of_course(lesson.on(Database.SQLITE))
    own = made_with.model_copy(update={"course_digest": in_files})
    kept = KeptTexts(place, own.model_dump_json())
    bench = fixtures.Bench(request.seed, factory, recordings, root, on_event=on_event, kept=kept)
    decided = run.play(bench, clock)
    if factory.isolation != NOT_STARTED:
        # A server can have been started in another way than the one that was tried.
        required.require(level, factory.isolation)
    rows = grouped(lesson, [decided[each.id] for each in rubric.criteria])
    earned, possible = score.total(rows)
    result = Result(
        lesson=lesson.id,
        course=lesson.course_title,
        submission=request.name,
        submission_path=request.path,
        started_at=started_at,
        made_with=made_with,
        score=earned,
        max_score=possible,
        seed=request.seed,
        isolation=factory.isolation,
        criteria=rows,
        problem=run.problem,
        notes=tuple(dict.fromkeys([*factory.notes, *bench.notes, *run.notes])),
        side_calls=tuple(factory.side_calls),
        measurements=tuple(bench.measurements),
        advisory=not official,
        duration_ms=(clock() - began) * 1000,
    )
    on_event(RunFinished(result))
    return result


def ungraded(request: GradingRequest, problem: Problem) -> Result:
    """Return the result of a submission that offers nothing to be started.

    No code of it runs, so any machine is good enough for it.
    """
    rubric = request.lesson.rubric
    optional = {each.id for each in rubric.criteria if each.optional is not None}
    criteria = rubric.settled(optional).criteria
    return Result(
        lesson=request.lesson.id,
        course=request.lesson.course_title,
        submission=request.name,
        submission_path=request.path,
        started_at=_now(),
        made_with=environment(request.lesson),
        score=0,
        max_score=rubric.total,
        seed=request.seed,
        isolation=NOT_STARTED,
        criteria=grouped(
            request.lesson, [score.not_run(each, score.NOT_RUN_NO_SERVER) for each in criteria]
        ),
        problem=problem,
        advisory=not required.is_official(request.require),
    )


def grouped(lesson: Lesson, rows: Sequence[CriterionResult]) -> tuple[CriterionResult, ...]:
    """Return the criteria with the heading that each stands under in the assignment's README."""
    readme = lesson.assignment_dir / "README.md"
    if not readme.is_file():
        return tuple(rows)
    headings = headings_of(lesson.rubric, readme.read_text(encoding="utf-8"))
    return tuple(row.model_copy(update={"group": headings.get(row.id, "")}) for row in rows)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _require(level: IsolationLevel, factory: ServerFactory) -> None:
    """Raise unless servers can be isolated as well as ``level`` says; practice needs nothing."""
    if level is not IsolationLevel.PRACTICE:
        factory.probe_isolation()
        required.require(level, factory.isolation)


def probe(factory: ServerFactory) -> Problem | None:
    """Start and stop the server once, and say what is in the way if it does not start."""
    try:
        asyncio.run(_start_and_stop(factory))
    except StartFailed as failure:
        return failure.problem
    except Finding as finding:
        return Problem(
            kind="did-not-start",
            title=finding.sentence,
            cure="Start the server yourself and see whether it answers a request.",
        )
    return None


async def _start_and_stop(factory: ServerFactory) -> None:
    async with factory.serve(Trace()):
        pass


@dataclass
class _Run:
    """One run, before its result: what will be tried, and what stands in the way.

    ``absent`` says of optional criteria why they are not tried.
    """

    lesson: Lesson
    criteria: Sequence[Criterion]
    wanted: frozenset[str]
    on_event: Listener
    problem: Problem | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def play(self, bench: fixtures.Bench, clock: Callable[[], float]) -> dict[str, CriterionResult]:
        """Run the lesson's own tests, then those of the lessons it borrows from."""
        root = self.lesson.grader_dir.resolve()
        loans = loans_of(root, self.lesson.rubric)
        decided = _played(root, self._own, self.open_ledger, bench, clock)
        lines = [criterion for criterion in self.criteria if criterion.borrows]
        tried = [line for line in lines if line.id not in self.left_out]
        ids = {line.id for line in tried}
        lent = [(loan, self._lent(loan, ids, bench, clock)) for loan in loans]
        results = decided_lines(tried, lent, decided)
        for line in lines:
            if line.id not in ids:
                results[line.id] = score.not_run(line, self.left_out[line.id])
            self.on_event(CriterionFinished(results[line.id]))
        return {**decided, **results}

    @property
    def notes(self) -> list[str]:
        """What is told of the criteria that were asked for and are not there to be tried."""
        return [why for name, why in self.absent.items() if self.left_out[name] == why]

    @property
    def _own(self) -> list[Criterion]:
        """The criteria that the lesson's own checks decide."""
        return [criterion for criterion in self.criteria if not criterion.borrows]

    def _lent(
        self, loan: Loan, lines: Collection[str], bench: fixtures.Bench, clock: Callable[[], float]
    ) -> dict[str, CriterionResult]:
        """Run the checks that a lender has for the criteria that these lines borrow."""
        borrowers = {lent: line for lent, line in loan.borrowers.items() if line in lines}
        if not borrowers:
            return {}
        wanted = chosen(loan.criteria, borrowers)
        titles = {criterion.id: criterion.title for criterion in self.criteria}
        started: set[str] = set()

        def tell(event: GradingEvent) -> None:
            """Tell of a check of the lender's as one of the line that borrows it."""
            if isinstance(event, CriterionStarted | CaseFinished):
                name = event.id if isinstance(event, CriterionStarted) else event.criterion
                line = borrowers.get(name, next(iter(borrowers.values())))
                if isinstance(event, CaseFinished):
                    self.on_event(CaseFinished(line, event.case, event.log))
                elif line not in started:
                    started.add(line)
                    self.on_event(CriterionStarted(line, titles[line]))

        def open_ledger(checks: Sequence[Check]) -> Ledger:
            unasked = [each.id for each in loan.criteria if each.id not in wanted]
            return _ledger(
                loan.criteria, checks, tell, dict.fromkeys(unasked, score.NOT_RUN_NOT_ASKED)
            )

        return _played(loan.grader_dir, loan.criteria, open_ledger, bench, clock)

    def open_ledger(self, checks: Sequence[Check]) -> Ledger:
        """Return the ledger of these checks, and tell that the run has started."""
        if self._asks_without_server(checks):
            self.problem = None
        self.left_out = self._left_out(checks)
        planned = [each for each in self.criteria if each.id not in self.left_out]
        titles = tuple((each.id, each.title) for each in planned)
        self.on_event(RunStarted(self.lesson.id, titles))
        return _ledger(self._own, checks, self.on_event, self.left_out)

    def _asks_without_server(self, checks: Sequence[Check]) -> bool:
        """Return whether only such criteria are asked for as need no server: none is missed."""
        playing = {check.criterion for check in checks if check.needs_server}
        playing |= {criterion.id for criterion in self.criteria if criterion.borrows}
        return len(self.wanted) < len(self.criteria) and not playing & self.wanted

    def _left_out(self, checks: Sequence[Check]) -> Mapping[str, str]:
        reasons = {
            criterion.id: score.NOT_RUN_NOT_ASKED
            for criterion in self.criteria
            if criterion.id not in self.wanted
        }
        reasons |= {each.id: score.NOT_RUN_YET for each in self.criteria if each.graded_later}
        if self.problem is not None:
            unreachable = {check.criterion for check in checks if check.needs_server}
            # Lessons with servers are those that lend.
            unreachable |= {criterion.id for criterion in self.criteria if criterion.borrows}
            reasons |= dict.fromkeys(unreachable, score.NOT_RUN_NO_SERVER)
        return reasons | {name: why for name, why in self.absent.items() if name in self.wanted}


def _ledger(
    criteria: Sequence[Criterion],
    checks: Sequence[Check],
    on_event: Listener,
    left_out: Mapping[str, str],
) -> Ledger:
    ledger = Ledger(criteria, on_event, left_out)
    for criterion in criteria:
        ledger.expect(
            criterion.id, [check.name for check in checks if check.criterion == criterion.id]
        )
    return ledger


def _played(
    root: Path,
    criteria: Sequence[Criterion],
    open_ledger: Callable[[Sequence[Check]], Ledger],
    bench: fixtures.Bench,
    clock: Callable[[], float],
) -> dict[str, CriterionResult]:
    """Run the tests in ``root`` and return how each criterion ended."""
    files = sorted(root.rglob("test_*.py"))
    if not files:
        # pytest would look for tests in the current folder instead.
        raise ContentError(
            root,
            None,
            "has no tests: no file `test_*.py` is there, so nothing can be graded.",
            cure="Write one, with a check for each criterion; CONTRIBUTING.md says how.",
        )
    plugin = GradingPlugin(criteria, root / "rubric.yaml", bench, open_ledger, clock)
    complaints = run_tests(files, root, [fixtures, plugin])
    return closed(plugin, complaints, root).decided


def closed(plugin: GradingPlugin, complaints: str, root: Path) -> Ledger:
    """Return the ledger of a run that is over, or raise what kept it from being one."""
    if plugin.interrupted:
        raise KeyboardInterrupt
    if plugin.content_error is not None:
        raise plugin.content_error
    if plugin.ledger is None:
        if complaints.startswith(_CONFTEST):
            reason = complaints.strip().rpartition("\n")[2].removeprefix("E").strip()
            raise ContentError(root / "conftest.py", None, f"cannot be imported: {reason}")
        raise GraderBrokeError(f"The checks did not run. {plugin.broken}{complaints}".strip())
    plugin.ledger.close()
    return plugin.ledger
