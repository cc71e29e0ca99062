"""A result as Classroom 50's `result.json`, schema `classroom50/result/v1`.

Pure: what only the runner knows, such as the names of class and assignment, is passed in. The
runner itself overwrites owner, type and times.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from graders.engine.core.results import Result, Status
from graders.engine.reports.formats.styles import PLAIN, on_one_line
from graders.engine.reports.telling import ToldCriterion, body, problem_body, told

SCHEMA = "classroom50/result/v1"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
PLACEHOLDER_TAG = "submit/local"
"""Where no runner has named the submission: a run on somebody's own machine."""


@dataclass(frozen=True)
class HandedIn50:
    """What the runner says of a submission in variables of the environment."""

    classroom: str
    assignment: str
    assignment_type: str
    owner: str
    submission: str
    commit: str
    release: str
    review: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], lesson: str) -> HandedIn50:
        """Return what the runner has set; outside of it the fields are empty or say `local`."""
        return cls(
            classroom=environment.get("CLASSROOM", ""),
            assignment=environment.get("ASSIGNMENT", lesson),
            assignment_type=environment.get("ASSIGNMENT_TYPE", "individual"),
            owner=environment.get("OWNER", environment.get("USERNAME", "")),
            submission=environment.get("SUBMISSION_TAG", PLACEHOLDER_TAG),
            commit=environment.get("COMMIT_URL", ""),
            release=environment.get("RELEASE_URL", ""),
            review=environment.get("REVIEW_URL", ""),
        )


def render(result: Result, handed_in: HandedIn50, at: datetime) -> str:
    """Return the JSON document; ``at`` is when the result was made, with its time zone."""
    document = {
        "schema": SCHEMA,
        "classroom": handed_in.classroom,
        "assignment": handed_in.assignment,
        "assignment_type": handed_in.assignment_type,
        "owner": handed_in.owner,
        "submission": handed_in.submission,
        "commit": handed_in.commit,
        "release": handed_in.release,
        "review": handed_in.review,
        "datetime": at.astimezone(UTC).strftime(TIME_FORMAT),
        "score": result.score,
        "max-score": result.max_score,
        # A test here is passed or not: what is not shown is neither.
        "tests": [
            _test(each, result) for each in told(result) if each.row.status is not Status.WITHHELD
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _test(each: ToldCriterion, result: Result) -> dict[str, Any]:
    row = each.row
    return {
        "test-name": on_one_line(row.title),
        "passed": row.status is Status.PASSED,
        "score": row.score,
        "max-score": row.max_score,
        "id": row.id,
        "output": body(each, PLAIN) or problem_body(result, PLAIN),
    }
