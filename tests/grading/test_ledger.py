"""The books of a run, kept by hand."""

from __future__ import annotations

from graders.engine.core.results import Status
from graders.engine.grading.events import (
    CaseFinished,
    CriterionFinished,
    CriterionStarted,
    GradingEvent,
)
from graders.engine.grading.ledger import Ledger
from graders.engine.grading.verdict import PASSED, Verdict
from tests.grading.rubrics import criterion

START, STREAM = criterion("start"), criterion("stream", "start")
FAILED = Verdict(Status.FAILED)


def opened(events: list[GradingEvent], left_out: dict[str, str] | None = None) -> Ledger:
    """Return a ledger of two criteria with two cases each."""
    ledger = Ledger((START, STREAM), events.append, left_out or {})
    ledger.expect("start", ["a", "b"])
    ledger.expect("stream", ["a", "b"])
    return ledger


def test_last_case_decides_its_criterion() -> None:
    events: list[GradingEvent] = []
    ledger = opened(events)
    assert ledger.may_try(START)
    ledger.record(START, "a", PASSED, 1.0)
    assert ledger.decided == {}
    ledger.record(START, "b", PASSED, 1.0)
    assert ledger.decided["start"].status is Status.PASSED


def test_events_come_in_the_order_in_which_things_happen() -> None:
    events: list[GradingEvent] = []
    ledger = opened(events)
    for name in ("a", "b"):
        ledger.may_try(START)
        ledger.record(START, name, PASSED, 1.0)
    assert [type(event) for event in events] == [
        CriterionStarted,
        CaseFinished,
        CaseFinished,
        CriterionFinished,
    ]


def test_criterion_is_blocked_when_its_need_failed() -> None:
    ledger = opened([])
    ledger.record(START, "a", PASSED, 1.0)
    ledger.record(START, "b", FAILED, 1.0)
    assert not ledger.may_try(STREAM)
    assert ledger.decided["stream"].status is Status.BLOCKED
    assert not ledger.may_try(STREAM)


def test_criterion_that_cannot_be_measured_is_not_run_nor_is_what_needs_it() -> None:
    ledger = opened([])
    ledger.record(START, "a", PASSED, 1.0)
    ledger.record(START, "b", Verdict(Status.NOT_RUN, why="There is no browser."), 1.0)
    assert not ledger.may_try(STREAM)
    found = [ledger.decided[name] for name in ("start", "stream")]
    assert [each.status for each in found] == [Status.NOT_RUN, Status.NOT_RUN]
    assert [each.message for each in found] == ["There is no browser."] * 2


def test_what_is_wrong_is_wrong_beside_what_cannot_be_measured() -> None:
    ledger = opened([])
    ledger.record(START, "a", FAILED, 1.0)
    ledger.record(START, "b", Verdict(Status.NOT_RUN, why="There is no browser."), 1.0)
    assert not ledger.may_try(STREAM)
    found = [ledger.decided[name] for name in ("start", "stream")]
    assert [each.status for each in found] == [Status.FAILED, Status.BLOCKED]
    assert [case.name for case in found[0].cases] == ["a"]


def test_what_is_right_so_far_is_not_run_and_what_needs_it_is_tried() -> None:
    ledger = opened([])
    ledger.record(START, "a", PASSED, 1.0)
    ledger.record(START, "b", Verdict(Status.NOT_RUN, why="No browser.", right_so_far=True), 1.0)
    assert ledger.may_try(STREAM)
    assert ledger.decided["start"].status is Status.NOT_RUN
    for name in ledger.cases["stream"]:
        ledger.record(STREAM, name, PASSED, 1.0)
    assert ledger.decided["stream"].status is Status.PASSED


UNSEEN = Verdict(Status.BLOCKED, why="Nothing to see.")


def test_case_with_nothing_to_see_counts_for_nothing_beside_others() -> None:
    ledger = opened([])
    ledger.record(START, "a", UNSEEN, 1.0)
    ledger.record(START, "b", PASSED, 1.0)
    ledger.record(STREAM, "a", UNSEEN, 1.0)
    ledger.record(STREAM, "b", FAILED, 1.0)
    assert [ledger.decided[name].status for name in ("start", "stream")] == [
        Status.PASSED,
        Status.FAILED,
    ]


def test_criterion_without_a_case_that_shows_something_is_no_pass() -> None:
    ledger = opened([])
    ledger.record(START, "a", UNSEEN, 1.0)
    ledger.record(START, "b", UNSEEN, 1.0)
    assert ledger.decided["start"].status is Status.NOT_RUN
    assert ledger.decided["start"].message == "Nothing to see."


def test_case_that_never_reported_is_an_error_of_ours() -> None:
    ledger = opened([])
    ledger.record(START, "a", PASSED, 1.0)
    ledger.close()
    assert ledger.decided["start"].status is Status.ERROR
    assert ledger.decided["start"].cases[1].status is Status.ERROR
    assert ledger.decided["stream"].status is Status.BLOCKED


def test_later_criterion_decides_the_earlier_ones() -> None:
    ledger = opened([])
    assert not ledger.may_try(STREAM)
    assert ledger.decided["start"].status is Status.ERROR


def test_criterion_that_is_left_out_is_not_run_and_says_why() -> None:
    ledger = opened([], {"start": "Not wanted."})
    assert not ledger.may_try(START)
    assert ledger.decided["start"].status is Status.NOT_RUN
    assert ledger.decided["start"].message == "Not wanted."


def test_close_decides_everything_once() -> None:
    events: list[GradingEvent] = []
    ledger = opened(events, {"start": "No.", "stream": "No."})
    ledger.close()
    ledger.close()
    assert [type(event) for event in events] == [CriterionFinished, CriterionFinished]


def test_share_of_a_failed_case_is_kept() -> None:
    ledger = opened([])
    ledger.record(START, "a", PASSED, 1.0)
    ledger.record(START, "b", Verdict(Status.FAILED, share=(1, 2)), 1.0)
    assert [case.share for case in ledger.decided["start"].cases] == [(0, 1), (1, 2)]


def tried(first: Verdict, *others: Verdict) -> Ledger:
    """Return a ledger whose first criterion ended so, and the cases of another one so."""
    ledger = Ledger((START, OTHER), lambda _event: None)
    ledger.expect("start", ["a"])
    ledger.expect("other", [str(number) for number in range(len(others))])
    ledger.record(START, "a", first, 1.0)
    for number, verdict in enumerate(others):
        ledger.record(OTHER, str(number), verdict, 1.0)
    return ledger


OTHER = criterion("other")
SHOWS_NOTHING = Verdict(Status.FAILED, needs=("start",))


def test_check_that_shows_nothing_is_blocked_by_what_failed() -> None:
    other = tried(FAILED, SHOWS_NOTHING).decided["other"]
    assert (other.status, other.blocked_by, other.score) == (Status.BLOCKED, ("start",), 0)
    assert [case.status for case in other.cases] == [Status.BLOCKED]


def test_check_that_shows_nothing_fails_where_nothing_else_did() -> None:
    assert tried(PASSED, SHOWS_NOTHING).decided["other"].status is Status.FAILED


def test_case_that_shows_nothing_does_not_count_beside_others() -> None:
    assert tried(FAILED, SHOWS_NOTHING, PASSED).decided["other"].status is Status.PASSED
    failed = tried(FAILED, SHOWS_NOTHING, PASSED, FAILED).decided["other"]
    assert (failed.status, failed.blocked_by) == (Status.FAILED, ())


def test_check_that_shows_nothing_fails_where_the_other_criterion_was_not_tried() -> None:
    ledger = Ledger((START, OTHER), lambda _event: None, {"start": "It was not asked for."})
    ledger.expect("other", ["a"])
    ledger.may_try(OTHER)
    ledger.record(OTHER, "a", SHOWS_NOTHING, 1.0)
    assert ledger.decided["other"].status is Status.FAILED


def test_the_first_criterion_that_fails_as_no_server_starts_again_blocks_the_others() -> None:
    kept, listed, other = criterion("kept"), criterion("listed"), criterion("other")
    ledger = Ledger((kept, listed, other), lambda _: None)
    for each in (kept, listed, other):
        ledger.expect(each.id, ["a", "b"])
    stopped = Verdict(Status.FAILED, not_started=True)
    for each, verdict in ((kept, stopped), (listed, stopped), (other, FAILED)):
        for name in ("a", "b"):
            ledger.record(each, name, verdict, 1.0)
    assert ledger.decided["kept"].status is Status.FAILED
    assert ledger.decided["listed"].status is Status.BLOCKED
    assert ledger.decided["listed"].blocked_by == ("kept",)
    assert ledger.decided["other"].status is Status.FAILED


def test_what_is_blocked_for_another_reason_blocks_nothing() -> None:
    kept, listed, named = criterion("kept"), criterion("listed"), criterion("named")
    ledger = Ledger((kept, listed, named), lambda _: None)
    for each in (kept, listed, named):
        ledger.expect(each.id, ["a"])
    ledger.record(kept, "a", FAILED, 1.0)
    stopped = Verdict(Status.FAILED, needs=("kept",), not_started=True)
    ledger.record(listed, "a", stopped, 1.0)
    ledger.record(named, "a", Verdict(Status.FAILED, not_started=True), 1.0)
    assert ledger.decided["listed"].blocked_by == ("kept",)
    assert ledger.decided["named"].status is Status.FAILED
