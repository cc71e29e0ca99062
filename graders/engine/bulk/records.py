"""What is kept of each result beside its file: one line of the journal.

Pure. Must not know where the journal is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from graders.engine.bulk.orders import CourseVersions
from graders.engine.content.course import time_in_zone
from graders.engine.core.results import CriterionResult, Record, Result, Status
from graders.engine.core.text import shorten, visible

_QUOTED = re.compile(r"`[^`]*`|“[^”]*”|\"[^\"]*\"|'[^']*'")
_NUMBER = re.compile(r"\d+")
MOST_SEEN = 600
MOST_PART = 300


class FindingRecord(Record):
    """How one criterion failed: ``seen`` as the student reads it; ``key`` is equal for the same.

    ``parts`` are those of a finding about several things, each with a key of its own.
    """

    key: str
    seen: str
    advice: str = ""
    parts: tuple[FindingRecord, ...] = ()

    @property
    def compared(self) -> tuple[FindingRecord, ...]:
        """What another student's finding is compared with: the parts, where there are some."""
        return self.parts or (self,)


class CriterionRecord(Record):
    """What one criterion came to."""

    title: str
    status: Status
    score: int
    max_score: int
    finding: FindingRecord | None = None


def _a_time(text: str) -> str:
    if text and time_in_zone(text) is None:
        raise ValueError("is not a time with its zone")
    return text


class ResultRecord(Record):
    """One result, in short: what the tables and the page of the class are made from.

    ``error`` is our own failure, which gives no score. ``seed`` and the digests say what it comes
    from; ``handed_in`` is when, in UTC, where that is known; ``members`` are the students' ids.
    """

    kind: Literal["result"] = "result"
    file: str
    student: str
    submission: str
    content_hash: str
    grader: str
    lesson: str
    lock: str
    course: str = ""
    seed: int
    score: int = 0
    max_score: int = 0
    duration_ms: float = 0.0
    advisory: bool = True
    isolation: str = ""
    problem: str = ""
    error: str = ""
    criteria: Mapping[str, CriterionRecord] = Field(default_factory=dict)
    late: bool = False
    handed_in: Annotated[str, AfterValidator(_a_time)] = ""
    members: tuple[str, ...] = ()

    @property
    def versions(self) -> CourseVersions:
        """The digests of what it was graded with."""
        return CourseVersions(self.grader, self.lesson, self.lock, self.course)

    @property
    def full_marks(self) -> bool:
        """Whether every point was earned."""
        return not self.error and not self.problem and self.score == self.max_score > 0


def criteria_of(result: Result) -> Iterator[tuple[str, CriterionRecord]]:
    """Yield each criterion of a result by its id."""
    for row in result.criteria:
        yield (
            row.id,
            CriterionRecord(
                title=row.title,
                status=row.status,
                score=row.score,
                max_score=row.max_score,
                finding=_finding(row),
            ),
        )


def error_of(result: Result) -> str:
    """Return what of ours went wrong in a result; empty if nothing did."""
    broken = [row.id for row in result.criteria if row.status is Status.ERROR]
    return f"The grader broke on: {', '.join(broken)}." if broken else ""


def _finding(row: CriterionResult) -> FindingRecord | None:
    for case in row.cases:
        if case.status is Status.FAILED and case.feedback is not None:
            told = case.feedback
            raised = told.raised.error if told.raised is not None else ""
            key = f"{told.cause}|{raised}|{same_in_all(told.seen)}"
            seen = visible(shorten(told.seen, MOST_SEEN))
            parts = tuple(
                FindingRecord(
                    key=same_in_all(each.seen),
                    seen=visible(shorten(f"`{each.name}`: {each.seen}", MOST_PART)),
                )
                for each in told.parts
            )
            return FindingRecord(key=key, seen=seen, advice=visible(told.advice), parts=parts)
    return None


def same_in_all(seen: str) -> str:
    """Return a finding without what differs between two submissions with the same mistake.

    That is the first line, with numbers and all that is quoted taken out.
    """
    first = seen.strip().split("\n", 1)[0]
    return shorten(_NUMBER.sub("#", _QUOTED.sub("…", first)), 300)
