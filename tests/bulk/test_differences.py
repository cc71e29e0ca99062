"""Changed scores have a reason, and one without any is told as the grader's fault."""

from __future__ import annotations

from typing import Any

import pytest

from graders.engine.bulk.differences import NOTHING_CHANGED, changes
from graders.engine.bulk.records import CriterionRecord, ResultRecord
from graders.engine.core.results import Status
from tests.bulk.test_journal import record


def scored(points: int, **changed: Any) -> ResultRecord:
    """Return a result with one criterion."""
    row = CriterionRecord(title="T", status=Status.PASSED, score=points, max_score=10)
    return record("ada", points).model_copy(update={"criteria": {"c": row}, **changed})


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (scored(5, content_hash="other"), "changed: the submission"),
        (scored(5, grader="other", lock="other"), "changed: the grader, the packages"),
        (scored(5, lesson="other"), "changed: the lesson"),
        (scored(5), NOTHING_CHANGED),
        (scored(5, error="broke"), "an error of the grader"),
    ],
)
def test_reason_of_a_change(now: ResultRecord, reason: str) -> None:
    (change,) = changes({"ada": scored(7)}, {"ada": now})
    assert (change.before, change.criteria, change.reason) == (7, (("c", 7, 5),), reason)


def test_what_is_the_same_is_no_change() -> None:
    assert not list(changes({"ada": scored(7)}, {"ada": scored(7, seed=9)}))


def test_points_that_moved_between_criteria_are_a_change() -> None:
    other = CriterionRecord(title="T", status=Status.PASSED, score=7, max_score=10)
    moved = scored(7).model_copy(update={"criteria": {"d": other}})
    (change,) = changes({"ada": scored(7)}, {"ada": moved})
    assert change.criteria == (("c", 7, 0), ("d", 0, 7))
