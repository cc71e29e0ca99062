"""What one step of a scenario gave: a value, or the finding that it ended in.

What went wrong is kept where it was seen, so that the failure of one step is not charged to the
criteria that look at another. Must not know what a step is.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from graders.engine.core.errors import Finding

_T = TypeVar("_T")


@dataclass(frozen=True)
class Outcome(Generic[_T]):
    """What one step of a scenario gave: a value, or the :class:`Finding` that it ended in."""

    result: _T | None = None
    finding: Finding | None = None

    @property
    def value(self) -> _T:
        """The value; raises the finding if there is none."""
        if self.finding is not None:
            raise self.finding
        return cast("_T", self.result)


async def attempt(step: Awaitable[_T]) -> Outcome[_T]:
    """Take a step; keep the finding that it may end in for the check that looks at it."""
    try:
        return Outcome(result=await step)
    except Finding as finding:
        return Outcome(finding=finding)
