"""Small rubrics and cases for the tests of grading."""

from __future__ import annotations

from graders.engine.content.models import Criterion
from graders.engine.core.results import CaseResult, Feedback, Status


def criterion(name: str, *needs: str, points: int = 10, partial: bool = False) -> Criterion:
    """Return a criterion with two hints."""
    return Criterion(
        id=name,
        title=f"The fact of {name}",
        points=points,
        needs=needs,
        partial=partial,
        requirement=f"It must {name}.",
        hints={"default": "Try harder.", "buffered": "Do not buffer."},
    )


def case(status: Status, name: str = "a case") -> CaseResult:
    """Return a case; a failed one has feedback."""
    feedback = Feedback(required="It must.", seen="It did not.", advice="Try.")
    told = feedback if status is Status.FAILED else None
    return CaseResult(name=name, status=status, feedback=told)
