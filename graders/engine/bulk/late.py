"""What late work costs, by the policy of a course.

Pure. Whatever it says, the raw score stays beside the adjusted one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from graders.engine.content.course import LatePolicy

DAY = timedelta(days=1)


@dataclass(frozen=True)
class AdjustedScore:
    """A score after the policy: ``spent`` are the late days that the student used for it."""

    raw: int
    adjusted: float
    days: int = 0
    spent: int = 0
    note: str = ""


def days_late(handed_in: datetime | None, due: datetime | None, policy: LatePolicy) -> int:
    """Return how many days late it is, each begun day as a whole; 0 where a time is not known."""
    if handed_in is None or due is None:
        return 0
    late = handed_in - due
    if late <= timedelta(minutes=policy.grace_minutes):
        return 0
    return math.ceil(late / DAY)


def adjusted(score: int, days: int, policy: LatePolicy, left: int) -> AdjustedScore:
    """Return what a score counts; ``left`` are the late days that the student has not used yet."""
    spent = min(days, left)
    charged = days - spent
    percent = min(charged * policy.percent_per_day, 100)
    # Of a hundredth: a table shows two places, and what is shown must add up.
    counts = round(score * (100 - percent) / 100, 2)
    return AdjustedScore(score, counts, days, spent, _note(days, spent, percent))


def _note(days: int, spent: int, percent: int) -> str:
    if not days:
        return ""
    parts = [f"{days} day{'s' if days != 1 else ''} late"]
    if spent:
        parts.append(f"{spent} of the late days used")
    if percent:
        parts.append(f"-{percent} %")
    return ", ".join(parts)
