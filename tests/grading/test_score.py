"""From cases to status and points."""

from __future__ import annotations

import pytest

from graders.engine.core.results import CaseResult, Status
from graders.engine.grading import score
from tests.grading.rubrics import case, criterion

PASSED, FAILED, ERROR = Status.PASSED, Status.FAILED, Status.ERROR


@pytest.mark.parametrize(
    ("cases", "status"),
    [
        ([PASSED], PASSED),
        ([PASSED, PASSED], PASSED),
        ([PASSED, FAILED], FAILED),
        ([FAILED, ERROR], ERROR),
        ([PASSED, ERROR], ERROR),
        ([PASSED, Status.NOT_RUN], ERROR),
        ([PASSED, Status.BLOCKED], PASSED),
        ([FAILED, Status.BLOCKED], FAILED),
        ([], ERROR),
    ],
)
def test_status_of_cases(cases: list[Status], status: Status) -> None:
    assert score.status_of([case(each) for each in cases]) is status


@pytest.mark.parametrize(
    ("passed", "failed", "points"), [(0, 3, 0), (1, 2, 3), (2, 1, 6), (3, 0, 10), (99, 1, 9)]
)
def test_partial_points_are_rounded_down(passed: int, failed: int, points: int) -> None:
    cases = [case(PASSED)] * passed + [case(FAILED)] * failed
    assert score.tried(criterion("count", points=10, partial=True), cases).score == points


def test_blocked_cases_do_not_count_among_partial_points() -> None:
    cases = [case(PASSED), case(FAILED), case(Status.BLOCKED), case(Status.BLOCKED)]
    assert score.tried(criterion("count", points=10, partial=True), cases).score == 5


@pytest.mark.parametrize(
    ("share", "points"), [((0, 1), 5), ((1, 2), 7), ((8, 9), 9), ((9, 9), 9), ((7, 3), 9)]
)
def test_partial_points_count_what_is_right_in_a_failed_case(
    share: tuple[int, int], points: int
) -> None:
    cases = [case(PASSED), case(FAILED).model_copy(update={"share": share})]
    assert score.tried(criterion("count", points=10, partial=True), cases).score == points


def test_share_of_a_failed_case_does_not_count_without_partial() -> None:
    cases = [case(FAILED).model_copy(update={"share": (8, 9)})]
    assert score.tried(criterion("count"), cases).score == 0


def test_points_without_partial_are_all_or_nothing() -> None:
    cases = [case(PASSED)] * 9 + [case(FAILED)]
    assert score.tried(criterion("count"), cases).score == 0


def test_partial_points_are_not_given_when_the_grader_broke() -> None:
    cases = [case(PASSED), case(ERROR)]
    assert score.tried(criterion("count", partial=True), cases).score == 0


def test_message_of_a_failed_criterion_is_what_its_first_failed_case_says() -> None:
    result = score.tried(criterion("count"), [case(PASSED), case(FAILED)])
    assert result.message == "It must. It did not. Try."


def test_message_of_a_failed_criterion_without_feedback_is_absent() -> None:
    result = score.tried(criterion("count"), [CaseResult(name="a", status=FAILED)])
    assert result.message is None


def test_message_of_our_own_failure_blames_nobody() -> None:
    assert score.tried(criterion("count"), []).message == score.OWN_FAILURE


def test_blocked_criterion_names_what_it_needs() -> None:
    result = score.blocked(criterion("count", "start", "stop"), ["start"])
    assert (result.status, result.blocked_by, result.score) == (Status.BLOCKED, ("start",), 0)
    assert result.message == "Not tried: it needs start."


def test_total_adds_points_of_all_statuses() -> None:
    rows = [
        score.tried(criterion("a", points=30), [case(PASSED)]),
        score.tried(criterion("b", points=30), [case(FAILED)]),
        score.blocked(criterion("c", "b", points=40), ["b"]),
    ]
    assert score.total(rows) == (30, 100)
