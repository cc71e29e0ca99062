"""Who may read what of a result: applied once, before any format is made.

Pure. An instructor reads everything. What another reader may not see yet is taken out here, so that
no format and no page has to know about it: a title, the points, what was seen, the hint. Points
that are taken out are in no total, so that what is left adds up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from graders.engine.core.results import (
    CaseResult,
    CriterionResult,
    Feedback,
    Result,
    Status,
    Visibility,
)
from graders.engine.grading import score

UNNAMED = "A criterion that is not shown here"
"""In place of a title that is hidden."""


class Audience(StrEnum):
    """For whom a report is made: each of these sees what the ones before it see, and more."""

    STUDENT = "student"
    AFTER_DUE_DATE = "after_due_date"
    AFTER_PUBLISHED = "after_published"
    INSTRUCTOR = "instructor"

    def sees(self, level: Visibility) -> bool:
        """Return whether what has this level may be read."""
        return list(Audience).index(self) >= list(Visibility).index(level)


def seen_by(audience: Audience, result: Result) -> Result:
    """Return the result with what this audience may not read taken out."""
    levels = [level for row in result.criteria for _, level in row.levels]
    if all(audience.sees(level) for level in levels):
        return result
    names = {
        row.id: f"criterion-{number}"
        for number, row in enumerate(result.criteria, start=1)
        if not audience.sees(row.levels.title)
    }
    criteria = tuple(_shown(row, audience, names) for row in result.criteria)
    earned, possible = score.total(criteria)
    changes: dict[str, object] = {"criteria": criteria, "score": earned, "max_score": possible}
    if not all(audience.sees(row.levels.seen) for row in result.criteria):
        # Nobody knows which criterion they come from, and they quote what it asks.
        changes |= {"side_calls": (), "measurements": ()}
    return result.model_copy(update=changes)


def shown_row(audience: Audience, row: CriterionResult) -> CriterionResult:
    """Return one criterion by itself as this audience may read it."""
    names = {} if audience.sees(row.levels.title) else {row.id: "criterion"}
    return _shown(row, audience, names)


def _shown(row: CriterionResult, audience: Audience, names: Mapping[str, str]) -> CriterionResult:
    named = row.model_copy(
        update={
            "id": names.get(row.id, row.id),
            "title": UNNAMED if row.id in names else row.title,
            "group": "" if row.id in names else row.group,
            "blocked_by": tuple(names.get(each, each) for each in row.blocked_by),
        }
    )
    if not audience.sees(row.levels.score):
        return named.model_copy(
            update={
                "status": Status.WITHHELD,
                "score": 0,
                "max_score": 0,
                "message": None,
                "cases": (),
                "blocked_by": (),
            }
        )
    if named.blocked_by != row.blocked_by:
        said = score.blocked_message(named.blocked_by)
        return named.model_copy(update={"message": said, "cases": ()})
    if audience.sees(row.levels.seen) and audience.sees(row.levels.hint):
        return named
    cases = tuple(_cases(row, audience))
    message = score.message_of(cases) if row.status is Status.FAILED else row.message
    return named.model_copy(update={"cases": cases, "message": message})


def _cases(row: CriterionResult, audience: Audience) -> Iterator[CaseResult]:
    """Yield the cases with the one part that may be read, what was seen or the hint, if any."""
    if audience.sees(row.levels.seen):
        for case in row.cases:
            feedback = case.feedback and case.feedback.model_copy(update={"advice": ""})
            yield case.model_copy(update={"feedback": feedback})
    elif audience.sees(row.levels.hint):
        # Names of cases, and how many there are, tell what was tried.
        for advice in dict.fromkeys(case.feedback.advice for case in row.cases if case.feedback):
            feedback = Feedback(required="", seen="", advice=advice)
            yield CaseResult(name="", status=Status.FAILED, feedback=feedback)
