"""The books of one run: which case said what, which criterion is decided, who is told.

Knows nothing of pytest: the plugin reports to it, and it can be driven by hand in a test.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from graders.engine.content.models import Criterion
from graders.engine.core.results import CaseResult, CriterionResult, Status
from graders.engine.grading import score
from graders.engine.grading.events import (
    CaseFinished,
    CriterionFinished,
    CriterionStarted,
    Listener,
)
from graders.engine.grading.plan import unmet
from graders.engine.grading.verdict import SILENT, Verdict

_NO_FAILURE = frozenset({Status.PASSED, Status.NOT_RUN})


@dataclass
class Ledger:
    """Collects cases into criteria, in the order of ``criteria`` (needs before needing).

    ``left_out`` says for criteria that are not tried at all why not.
    """

    criteria: Sequence[Criterion]
    on_event: Listener
    left_out: Mapping[str, str] = field(default_factory=dict)
    cases: dict[str, dict[str, CaseResult | None]] = field(default_factory=dict)
    decided: dict[str, CriterionResult] = field(default_factory=dict)
    _started: set[str] = field(default_factory=set)
    _blocked_by: dict[str, dict[str, None]] = field(default_factory=dict)
    _not_measurable: dict[str, str] = field(default_factory=dict)
    _set_aside: dict[str, str] = field(default_factory=dict)
    _right_so_far: set[str] = field(default_factory=set)
    _did_not_start: str | None = None

    def expect(self, criterion: str, names: Collection[str]) -> None:
        """Note that these cases have to report before ``criterion`` can be passed."""
        self.cases[criterion] = dict.fromkeys(names)

    def may_try(self, criterion: Criterion) -> bool:
        """Decide all criteria before this one, and say whether this one can still be tried."""
        self._decide_before(criterion)
        if criterion.id in self.decided:
            return False
        if criterion.id in self.left_out or self._unmet(criterion):
            self._decide(criterion)
            return False
        if criterion.id not in self._started:
            self._started.add(criterion.id)
            self.on_event(CriterionStarted(criterion.id, criterion.title, criterion.levels))
        return True

    def record(self, criterion: Criterion, name: str, verdict: Verdict, duration_ms: float) -> None:
        """Write down how a case ended; the last one decides its criterion."""
        case = CaseResult(
            name=name,
            status=verdict.status,
            feedback=verdict.feedback,
            duration_ms=duration_ms,
            share=verdict.share,
        )
        if blocking := self._failed_among(verdict.needs) or self._told_already(criterion, verdict):
            self._blocked_by.setdefault(criterion.id, {}).update(dict.fromkeys(blocking))
            case = CaseResult(name=name, status=Status.BLOCKED, duration_ms=duration_ms)
        if verdict.status is Status.BLOCKED:
            self._set_aside[criterion.id] = verdict.why
        if verdict.status is Status.NOT_RUN:
            self._not_measurable[criterion.id] = verdict.why
            if verdict.right_so_far:
                self._right_so_far.add(criterion.id)
        self.cases[criterion.id][name] = case
        self.on_event(CaseFinished(criterion.id, case, verdict.log))
        if None not in self.cases[criterion.id].values():
            self._decide(criterion)

    def close(self) -> None:
        """Decide everything that is left: what has not reported by now is an error of ours."""
        for criterion in self.criteria:
            self._decide(criterion)

    def _decide_before(self, criterion: Criterion) -> None:
        for earlier in takewhile(lambda each: each.id != criterion.id, self.criteria):
            self._decide(earlier)

    def _decide(self, criterion: Criterion) -> None:
        if criterion.id in self.decided:
            return
        result = self._outcome(criterion)
        self.decided[criterion.id] = result
        self.on_event(CriterionFinished(result))

    def _outcome(self, criterion: Criterion) -> CriterionResult:
        if criterion.id in self.left_out:
            return score.not_run(criterion, self.left_out[criterion.id])
        needs = self._unmet(criterion)
        if needs and self._not_measurable.keys() >= set(needs):
            # What it needs was not tried for want of something, so neither is it.
            why = self._not_measurable[criterion.id] = self._not_measurable[needs[0]]
            return score.not_run(criterion, why)
        if needs:
            return score.blocked(criterion, needs)
        return self._tried(criterion)

    def _tried(self, criterion: Criterion) -> CriterionResult:
        """Return what the cases show; one that is wrong is so, whatever cannot be measured."""
        cases = [case or _silent(name) for name, case in self.cases.get(criterion.id, {}).items()]
        if criterion.id in self._not_measurable:
            result = score.as_far_as_seen(criterion, cases, self._not_measurable[criterion.id])
            if result.status is not Status.NOT_RUN:
                del self._not_measurable[criterion.id]
            return result
        if cases and all(case.status is Status.BLOCKED for case in cases):
            if blocking := self._blocked_by.get(criterion.id):
                return score.blocked(criterion, blocking, cases)
            return score.not_run(criterion, self._set_aside[criterion.id])
        return score.tried(criterion, cases)

    def _unmet(self, criterion: Criterion) -> tuple[str, ...]:
        """Return what a criterion needs that has not been passed; what is right so far will do."""
        statuses = self._statuses()
        right = {name: Status.PASSED for name in self._right_so_far
                 if statuses.get(name) is Status.NOT_RUN}  # fmt: skip
        return unmet(criterion, statuses | right)

    def _failed_among(self, names: Collection[str]) -> list[str]:
        """Return those of the criteria that were tried and not passed."""
        statuses = self._statuses()
        return [name for name in names if statuses.get(name, Status.NOT_RUN) not in _NO_FAILURE]

    def _told_already(self, criterion: Criterion, verdict: Verdict) -> list[str]:
        """Return the criterion that has failed since the server did not start again.

        This is told once, by the first criterion that it fails: nothing can be seen of the others.
        """
        if not verdict.not_started or self._did_not_start == criterion.id:
            return []
        if self._did_not_start is not None:
            return [self._did_not_start]
        self._did_not_start = criterion.id
        return []

    def _statuses(self) -> dict[str, Status]:
        return {criterion: result.status for criterion, result in self.decided.items()}


def _silent(name: str) -> CaseResult:
    return CaseResult(name=name, status=SILENT.status)
