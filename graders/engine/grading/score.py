"""The rules that turn what happened to the cases of a criterion into status and points.

Pure: no pytest, no clock, no I/O. Points are integers, so totals agree in every format.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

from graders.engine.content.models import Criterion
from graders.engine.core.results import CaseResult, CriterionResult, Status

NOT_RUN_NO_SERVER = "Not tried, because the server could not be started."
NOT_RUN_NOT_ASKED = "Not tried, because it was not asked for."
NOT_RUN_YET = "Graded later, by your instructor."
OWN_FAILURE = "The grader's own check broke or did not report. This is not your fault."

_WRONG = frozenset({Status.FAILED, Status.ERROR})


def status_of(cases: Sequence[CaseResult]) -> Status:
    """Return how a criterion ended that has these cases.

    No case at all is an error of ours: a check that says nothing proves nothing. Blocked cases do
    not count beside others.
    """
    statuses = {case.status for case in cases} - {Status.BLOCKED}
    if statuses == {Status.PASSED}:
        return Status.PASSED
    return Status.FAILED if statuses <= {Status.PASSED, Status.FAILED} and cases else Status.ERROR


def points_for(criterion: Criterion, status: Status, cases: Sequence[CaseResult]) -> int:
    """Return the points earned, between 0 and ``criterion.points``.

    All or nothing, except that a failed criterion with ``partial: true`` earns its share of the
    passed cases, and of what is right in failed ones, rounded down: full points are only for full
    work.
    """
    if status is Status.PASSED:
        return criterion.points
    if status is not Status.FAILED or not criterion.partial:
        return 0
    counted = [case for case in cases if case.status is not Status.BLOCKED]
    right = sum((_right(case) for case in counted), Fraction())
    most = max(criterion.points - 1, 0)
    return min(math.floor(criterion.points * right / len(counted)), most)


def _right(case: CaseResult) -> Fraction:
    return Fraction(1) if case.status is Status.PASSED else min(Fraction(*case.share), Fraction(1))


def tried(criterion: Criterion, cases: Sequence[CaseResult]) -> CriterionResult:
    """Return the result of a criterion whose cases were run."""
    status = status_of(cases)
    return _result(
        criterion,
        status,
        score=points_for(criterion, status, cases),
        message=_message(status, cases),
        cases=tuple(cases),
    )


def as_far_as_seen(criterion: Criterion, cases: Sequence[CaseResult], why: str) -> CriterionResult:
    """Return the result of a criterion of which some cases may not be measurable here.

    What is wrong all the same is wrong; else it is not passed, for the reason ``why``.
    """
    seen = [case for case in cases if case.status is not Status.NOT_RUN]
    if len(seen) < len(cases) and not any(case.status in _WRONG for case in seen):
        return not_run(criterion, why)
    return tried(criterion, seen)


def blocked(
    criterion: Criterion, by: Iterable[str], cases: Sequence[CaseResult] = ()
) -> CriterionResult:
    """Return the result of a criterion that shows nothing because ``by`` were not passed."""
    parents = tuple(by)
    return _result(
        criterion,
        Status.BLOCKED,
        message=blocked_message(parents),
        cases=tuple(cases),
        blocked_by=parents,
    )


def not_run(criterion: Criterion, why: str) -> CriterionResult:
    """Return the result of a criterion that was left out on purpose; ``why`` is one sentence."""
    return _result(criterion, Status.NOT_RUN, message=why)


def total(results: Iterable[CriterionResult]) -> tuple[int, int]:
    """Return the points earned and the points there are."""
    rows = tuple(results)
    return sum(row.score for row in rows), sum(row.max_score for row in rows)


def _result(
    criterion: Criterion,
    status: Status,
    *,
    score: int = 0,
    message: str | None = None,
    cases: tuple[CaseResult, ...] = (),
    blocked_by: tuple[str, ...] = (),
) -> CriterionResult:
    return CriterionResult(
        id=criterion.id,
        title=criterion.title,
        status=status,
        score=score,
        max_score=criterion.points,
        visibility=criterion.visibility,
        levels=criterion.levels,
        message=message,
        cases=cases,
        blocked_by=blocked_by,
        graded_later=criterion.graded_later,
    )


def _message(status: Status, cases: Sequence[CaseResult]) -> str | None:
    if status is Status.PASSED:
        return None
    if status is Status.ERROR:
        return OWN_FAILURE
    return message_of(cases)


def blocked_message(by: Iterable[str]) -> str:
    """Return what is said about a criterion that was not tried because ``by`` were not passed."""
    return f"Not tried: it needs {', '.join(by)}."


def message_of(cases: Iterable[CaseResult]) -> str | None:
    """Return what is said about a failed criterion in one paragraph: what its first failure says.

    None where nothing is said.
    """
    told = (case.feedback for case in cases if case.status is Status.FAILED)
    first = next(told, None)
    if first is None:
        return None
    parts = (first.required, first.seen, first.advice)
    return " ".join(part.strip() for part in parts if part.strip())
