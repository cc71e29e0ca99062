"""Lines of a rubric that are borrowed: one case for each criterion of another lesson.

Pure. A borrowed criterion is graded as in its own lesson, with what it needs there; this turns what
became of it into a case of the line that borrows it. Must not know how checks are run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from graders.engine.content.loans import Loan
from graders.engine.content.models import Criterion
from graders.engine.core.results import CaseResult, CriterionResult, Status
from graders.engine.grading import score
from graders.engine.grading.plan import unmet

Lent = Mapping[str, CriterionResult]
"""What became of the criteria of one lender that were tried."""


def decided_lines(
    lines: Iterable[Criterion],
    lent: Sequence[tuple[Loan, Lent]],
    so_far: Mapping[str, CriterionResult],
) -> dict[str, CriterionResult]:
    """Return the result of each line; ``so_far`` are those of the criteria before them."""
    decided = dict(so_far)
    for line in lines:
        statuses = {name: result.status for name, result in decided.items()}
        needs = unmet(line, statuses)
        decided[line.id] = score.blocked(line, needs) if needs else _decided(line, lent)
    return {line.id: decided[line.id] for line in lines}


def _decided(line: Criterion, lent: Sequence[tuple[Loan, Lent]]) -> CriterionResult:
    cases: list[CaseResult] = []
    blocking: dict[str, None] = {}
    untold: dict[str, None] = {}
    for loan, results in lent:
        for name in (each for each, borrower in loan.borrowers.items() if borrower == line.id):
            case, by = _case_of(name, loan, results)
            cases.append(case)
            blocking.update(dict.fromkeys(by))
            if case.status is Status.NOT_RUN:
                untold[results[name].message or ""] = None
    if all(case.status is Status.BLOCKED for case in cases):
        return score.blocked(line, blocking, cases)
    return score.as_far_as_seen(line, cases, next(iter(untold), ""))


def _case_of(name: str, loan: Loan, results: Lent) -> tuple[CaseResult, list[str]]:
    """Return the case, and the lines that block it.

    What nobody borrows blocks nothing here, so that its failure is told and counted.
    """
    result = results[name]
    roots = _roots_of(result, results)
    by = [loan.borrowers[each.id] for each in roots if each.id in loan.borrowers]
    if result.status is Status.BLOCKED and len(by) < len(roots):
        result = next(each for each in roots if each.id not in loan.borrowers)
        return _case(results[name].title, loan, result), []
    return _case(result.title, loan, result), by


def _roots_of(result: CriterionResult, results: Lent) -> list[CriterionResult]:
    """Return the criteria that were tried and not passed, by which this one is blocked."""
    if result.status is not Status.BLOCKED:
        return []
    found: dict[str, CriterionResult] = {}
    for name in result.blocked_by:
        parent = results[name]
        for each in _roots_of(parent, results) or [parent]:
            found[each.id] = each
    return list(found.values())


def _case(title: str, loan: Loan, result: CriterionResult) -> CaseResult:
    failed = (case for case in result.cases if case.status is Status.FAILED)
    return CaseResult(
        name=f"{title} ({loan.lender})",
        status=result.status,
        feedback=next((case.feedback for case in failed), None),
        duration_ms=sum(case.duration_ms for case in result.cases),
        share=(result.score, max(result.max_score, 1)),
    )
