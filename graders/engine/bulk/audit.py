"""The instructor's own check: some submissions again, with other seeds, and on cold interpreters.

A score that depends on the seed, or on what was warm, is the grader's fault. Must not change a
result.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from graders.engine.bulk.orders import GradedOrder, GradeOrder, OpenServers
from graders.engine.bulk.records import ResultRecord, criteria_of, error_of
from graders.engine.bulk.run import BulkRun, GradingWorkers
from graders.engine.bulk.schedule import FailedOrder
from graders.engine.core.results import Result

WARM = "another seed"
COLD = "another seed, cold interpreter"


Listener: TypeAlias = Callable[[str, str], None]
"""Told of each grading: the student, and what came of it."""


def _unheard(student: str, told: str) -> None:
    """Listen to nothing."""


@dataclass(frozen=True)
class AuditDifference:
    """One grading that found something else: by criterion, or our own error."""

    student: str
    way: str
    seed: int
    criteria: tuple[tuple[str, int, int], ...] = ()
    error: str = ""


@dataclass(frozen=True)
class AuditReport:
    """How many submissions were graded again, how often, and what was not the same."""

    submissions: int
    gradings: int
    differences: tuple[AuditDifference, ...]

    @property
    def sentence(self) -> str:
        """The figure that defends a score."""
        if not self.submissions:
            return "Audit: there is no score of this version of the grader to compare with."
        differ = len(self.differences)
        found = f"{differ} differ" if differ else "none differs"
        plural = "" if self.submissions == 1 else "s"
        return (
            f"Audit: {self.submissions} submission{plural} drawn at random, {self.gradings} more "
            f"gradings with other seeds, half of them on cold interpreters: {found}."
        )


def audit(
    run: BulkRun,
    workers: GradingWorkers,
    cold: OpenServers,
    count: int,
    on_graded: Listener = _unheard,
) -> AuditReport:
    """Grade ``count`` random submissions of a finished run twice more, and compare."""
    draw = random.SystemRandom()
    known = dict(_comparable(run))
    chosen = sorted(draw.sample(sorted(known), min(count, len(known))))
    differences: list[AuditDifference] = []
    for way, servers in ((WARM, workers.servers), (COLD, cold)):
        seeds = {number: draw.randrange(1, 2**31) for number in chosen}
        for outcome in workers.scheduler(servers).graded(_orders(run, chosen, seeds)):
            number = outcome.number
            found = _difference(known[number], outcome, way, seeds[number])
            differences += [found] if found else []
            on_graded(known[number].student, f"differs, {way}" if found else f"the same, {way}")
    return AuditReport(len(chosen), 2 * len(chosen), tuple(differences))


def _comparable(run: BulkRun) -> Iterator[tuple[int, ResultRecord]]:
    """Yield by number the scores that this grader gave: an older one's may rightly be others."""
    for number, each in run.finished.items():
        if not each.record.error and each.record.versions == run.plan.versions:
            yield number, each.record


def _orders(run: BulkRun, chosen: Sequence[int], seeds: dict[int, int]) -> Iterator[GradeOrder]:
    for number in chosen:
        yield replace(run.order_of(number), seed=seeds[number])


def _difference(
    known: ResultRecord, outcome: GradedOrder | FailedOrder, way: str, seed: int
) -> AuditDifference | None:
    if isinstance(outcome, FailedOrder):
        return AuditDifference(known.student, way, seed, (), outcome.reason)
    result = Result.model_validate_json(outcome.result)
    now = dict(criteria_of(result))
    points = tuple(
        (name, row.score, now[name].score if name in now else 0)
        for name, row in known.criteria.items()
        if name not in now or now[name].score != row.score
    )
    error = error_of(result)
    if points or error or result.score != known.score:
        return AuditDifference(known.student, way, seed, points, error)
    return None
