"""Who may read what of a result: applied once, before any format is made.

Pure. An instructor reads everything. A student reads of a criterion that is not visible its title
and its points, and nothing of what was seen.
"""

from __future__ import annotations

from enum import StrEnum

from graders.engine.core.results import CriterionResult, Result, Visibility

UNNAMED = "A criterion that is not shown here"
"""In place of a title that is hidden."""


class Audience(StrEnum):
    """For whom a report is made."""

    STUDENT = "student"
    INSTRUCTOR = "instructor"


def seen_by(audience: Audience, result: Result) -> Result:
    """Return the result with what this audience may not read taken out; the points stay."""
    if audience is Audience.INSTRUCTOR:
        return result
    criteria = tuple(map(_for_student, result.criteria))
    return result.model_copy(update={"criteria": criteria})


def _for_student(row: CriterionResult) -> CriterionResult:
    if row.visibility is Visibility.VISIBLE:
        return row
    return row.model_copy(update={"cases": (), "message": None})
