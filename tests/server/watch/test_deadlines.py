"""The last net: the grader's own clock, and who is charged when it is reached."""

from __future__ import annotations

import os

import pytest

from graders.engine.core.errors import Finding, GraderBrokeError
from graders.engine.core.limits import Deadlines
from graders.engine.server.trouble import TookTooLong
from graders.engine.server.watch.deadlines import CheckClock, RunClock, held_up_seconds

SLOW = "this machine is too slow, or has too much else to do"


class Hands:
    """A clock that a test sets, and what the kernel would say of those who wait for a CPU."""

    def __init__(self, held_up: float | None = 0.0) -> None:
        self.seconds = 1_000.0
        self.held_up = held_up
        self.run = RunClock(
            Deadlines(check_seconds=10, run_seconds=100),
            now=lambda: self.seconds,
            held_up=lambda _pid: self.held_up,
        )


def test_a_check_has_its_time() -> None:
    hands = Hands()
    check = CheckClock(hands.run)
    hands.seconds += 10
    assert check.overdue(1) is None


def test_a_check_that_nothing_held_up_is_the_servers() -> None:
    hands = Hands()
    check = CheckClock(hands.run)
    hands.seconds += 11
    trouble = check.overdue(1)
    assert isinstance(trouble, TookTooLong)
    assert trouble.seen == (
        "the check was ended after 10 s: your server was not done, and nothing held it up"
    )
    assert check.overdue(1) is None


@pytest.mark.parametrize("held_up", [5.5, 11.0])
def test_a_check_that_was_held_up_half_of_the_time_is_ours(held_up: float) -> None:
    hands = Hands()
    check = CheckClock(hands.run)
    hands.seconds, hands.held_up = hands.seconds + 11, held_up
    trouble = check.overdue(1)
    assert isinstance(trouble, GraderBrokeError)
    assert not isinstance(trouble, Finding)
    assert str(trouble) == f"the check was ended after 10 s: {SLOW}"


def test_where_the_kernel_does_not_tell_nobody_is_blamed() -> None:
    hands = Hands(held_up=None)
    check = CheckClock(hands.run)
    hands.seconds += 11
    assert isinstance(check.overdue(1), GraderBrokeError)


def test_a_run_has_its_time() -> None:
    hands = Hands()
    hands.seconds += 100
    hands.run.require_time()


def test_a_run_that_took_too_long_is_ours() -> None:
    hands = Hands()
    hands.seconds += 101
    with pytest.raises(GraderBrokeError, match="the 100 s that all checks together may take"):
        hands.run.require_time()


def test_a_run_whose_time_the_servers_have_used_up_is_theirs() -> None:
    hands = Hands()
    for _ in range(5):
        check = CheckClock(hands.run)
        hands.seconds += 21
        assert check.overdue(1) is not None
    with pytest.raises(TookTooLong, match="your server used them up in the checks before"):
        hands.run.require_time()


def test_the_kernel_tells_who_waits_for_a_cpu() -> None:
    before = held_up_seconds(os.getpid())
    assert before is not None
    # The kernel counts at each change of process, and now and then.
    while (after := held_up_seconds(os.getpid())) == before:
        os.sched_yield()
    assert after is not None
    assert after > before > 0
    assert held_up_seconds(2**22 + 1) is None
