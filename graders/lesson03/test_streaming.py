"""The answer on its way to the client: token by token, and to the character."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping

import pytest

from graders.engine.harness import Said, Stalled, criterion, difference, expect, found
from graders.lesson03.awkward import CASES
from graders.lesson03.streaming import LockStep

MOST_WAIT = 0.1
"""Virtual seconds that a token may wait for a timer: the course's 100 ms."""
GOAL = "under 100 ms"


@criterion("server-answers")
async def test_message_is_answered(plain: Said) -> None:
    try:
        stream = plain.stream
    except Stalled as stalled:
        found(f"The server did not answer: {stalled.seen}.", hint="no-end")
    expect(
        stream.status == 200,
        f"The server answered with status {stream.status}.",
        at=stream.last_serial,
    )
    whole = plain.answer in stream.finished_text
    expect(
        whole or stream.error is None,
        "The server sent an `error` event instead of an answer.",
        at=stream.mark_of(stream.error),
        hint="error-event",
    )
    expect(
        whole,
        difference(plain.answer, stream.finished_text),
        at=stream.last_serial,
    )
    expect(plain.ends, "The stream did not end after the answer.", hint="no-end")


@criterion("nothing-after-answer")
async def test_no_error_follows_the_answer(plain: Said) -> None:
    stream = plain.stream
    expect(plain.answer in stream.finished_text, "No whole answer came.", at=stream.last_serial)
    expect(
        stream.error is None,
        "An `error` event came after the whole answer.",
        at=stream.mark_of(stream.error),
    )


@criterion("token-by-token")
async def test_each_token_comes_before_the_next_is_given(lock_step: LockStep) -> None:
    try:
        stream = lock_step.stream
    except Stalled:
        found(
            "The server sent nothing at all, not even a status, until the answer was complete.",
            hint="buffered",
        )
    late = lock_step.held_back
    if late is None and lock_step.arrivals:
        return
    if late is None:
        found("No token of the answer came.", at=stream.last_serial)
    number = len(lock_step.arrivals)
    where = f"token {number} of the answer"
    expect(
        len(stream.text) == len(lock_step.said) or lock_step.ends,
        f"The client waited for {where}: it did not come, and the stream did not end either.",
        at=stream.last_serial,
    )
    found(
        f"The model gave {where} ({late.token!r}) and waited until the client had it, but it did "
        "not come: the server kept it back.",
        at=late.serial,
        hint="buffered" if number == 1 else "held",
    )


@criterion("token-delay", case="forty tokens")
async def test_no_token_waits_for_a_timer(
    lock_step: LockStep, measured: Callable[[str, float, str, str], None]
) -> None:
    # The server's clock runs by itself, and what was skipped is added to it.
    latencies = [arrival.waited + arrival.took for arrival in lock_step.arrivals]
    measured("Latency of a token, p50", statistics.median(latencies) * 1_000, "ms", GOAL)
    p95 = statistics.quantiles(latencies, n=20)[-1]
    measured("Latency of a token, p95", p95 * 1_000, "ms", GOAL)
    _expect_no_wait(lock_step)


@criterion("token-delay", case="while the clock stands still")
async def test_no_token_waits_for_a_timer_to_the_millisecond(delays: LockStep) -> None:
    _expect_no_wait(delays)


def _expect_no_wait(played: LockStep) -> None:
    late = played.held_back
    if late is not None:
        found(f"The token {late.token!r} did not come at all.", at=late.serial)
    stream = played.stream
    expect(bool(played.arrivals), "No token of the answer came.", at=stream.last_serial)
    longest = max(played.arrivals, key=lambda arrival: arrival.waited)
    expect(
        longest.waited <= MOST_WAIT,
        f"The token {longest.token!r} was kept back by a timer of the server, for "
        f"{longest.waited:.2f} seconds or more.",
        at=longest.serial,
    )


@criterion("awkward-tokens")
@pytest.mark.parametrize("case", CASES)
async def test_awkward_tokens_arrive_as_they_are(
    case: str, lock_step: LockStep, awkward: Mapping[str, LockStep]
) -> None:
    """Judge the whole text, and its tokens where plain ones do not come too late already."""
    played = awkward[case]
    stream = played.stream
    streams = lock_step.begun.finding is None and lock_step.held_back is None
    got = {stream.text, stream.finished_text} if streams else {stream.finished_text}
    if got != {played.said}:
        expect(
            stream.error is None,
            f"With {case} an `error` event came.",
            at=stream.mark_of(stream.error),
        )
        expect(
            played.ends,
            f"With {case} the stream did not come to its end.",
            at=stream.last_serial,
            hint="no-end",
        )
        wrong = next(
            text for text in (stream.text, stream.finished_text) if text in got - {played.said}
        )
        found(f"With {case} {_difference(played.said, wrong)}.", at=stream.last_serial)
    late = played.held_back
    if late is not None and streams:
        found(
            f"With {case} the token {late.token!r} came only together with a later one.",
            at=late.serial,
            hint="held",
        )


def _difference(said: str, got: str) -> str:
    """Tell the first difference of two texts."""
    pairs = zip(said, got, strict=False)
    place = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(said), len(got)))
    start = max(0, place - 10)
    return (
        f"the text differs from character {place + 1} on: the model said "
        f"{said[start : place + 20]!r}, the client got {got[start : place + 20]!r} "
        f"({len(said):,} and {len(got):,} characters in all)"
    )
