"""What has changed between two results of one lesson, criterion by criterion.

Pure. A criterion that one of them did not try is no change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graders.engine.core.results import CriterionResult, Result, Status


@dataclass(frozen=True)
class VerdictChange:
    """One criterion whose verdict or points are not what they were."""

    before: CriterionResult
    after: CriterionResult

    @property
    def points(self) -> int:
        """How many points more there are now."""
        return self.after.score - self.before.score


def between(before: Result, after: Result) -> tuple[VerdictChange, ...]:
    """Return the changes, in the order of the rubric."""
    old = {row.id: row for row in before.criteria}
    pairs = ((old[row.id], row) for row in after.criteria if row.id in old)
    return tuple(
        VerdictChange(was, now)
        for was, now in pairs
        if {was.status, now.status}.isdisjoint({Status.NOT_RUN, Status.WITHHELD})
        and (was.status, was.score) != (now.status, now.score)
    )


def told(found: Iterable[VerdictChange]) -> Iterator[str]:
    """Yield one sentence for each change."""
    for each in found:
        points = f"{each.points:+d} points"
        if each.after.status is Status.PASSED:
            yield f"Now right: {each.after.title} ({points})"
        elif each.before.status is Status.PASSED:
            yield f"No longer right: {each.after.title} ({points})"
        elif each.points:
            yield f"Changed: {each.after.title} ({points})"
