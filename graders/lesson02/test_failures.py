"""When the model fails, and when it is slow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from graders.engine.harness import (
    Finding,
    Scene,
    Stalled,
    Step,
    criterion,
    drop,
    expect,
    fail,
    found,
    lacking,
    needed,
    say_held,
)
from graders.lesson02.scenarios import Failed

FAILURES: dict[str, Step] = {
    "status 500": fail(500, message="The server had an error."),
    "status 429": fail(429, "rate_limit_exceeded", "Rate limit reached."),
    "dropped connection": drop(),
    "connection dropped in the middle": drop(after=("It is", " half")),
}


@criterion("model-failure-shows-error")
@pytest.mark.parametrize("case", FAILURES)
async def test_failure_becomes_an_error_event(case: str, scene: Scene) -> None:
    said = await scene.say("first", None, FAILURES[case])
    stream = said.stream
    expect(
        stream.error is not None,
        f"The model failed ({case}), and no `error` event came.",
        at=stream.last_serial,
        hint="no-error",
    )
    expect(
        said.ends,
        f"The model failed ({case}), and the stream did not end.",
        at=stream.last_serial,
        hint="no-end",
    )


@criterion("goes-on-after-failure", case="the message is kept")
async def test_message_is_kept_after_a_failure(failed: Mapping[str, Failed]) -> None:
    expect(bool(failed), "The model did not fail.")
    for case, failure in failed.items():
        if not _keeps(failure):
            raise Finding(
                f"After the model failed ({case}), the user's message is no longer in the thread.",
                mark=failure.said.mark,
                hint="message-lost",
                needs=("user-message-stored",),
            )


def _keeps(failure: Failed) -> bool:
    try:
        return not lacking(failure.items.value, [failure.said.word])
    except Finding:
        return False


@criterion("goes-on-after-failure", case="the next message is answered")
async def test_next_message_is_answered_after_a_failure(failed: Mapping[str, Failed]) -> None:
    expect(bool(failed), "The model did not fail.")
    for case, failure in failed.items():
        try:
            stream = failure.next.whole
        except Stalled as stalled:
            found(
                f"After the model failed ({case}), the next message got no answer.",
                at=stalled.mark,
                hint="next-message",
            )
        expect(
            stream.answered and stream.failure is None,
            f"After the model failed ({case}), the next message was not answered.",
            at=stream.last_serial,
            hint="next-message",
        )


@criterion("others-meanwhile", case="while the model works")
async def test_others_are_answered_meanwhile(scene: Scene) -> None:
    slow = scene.script("first", say_held(*scene.chunks("first")))
    beginning = asyncio.ensure_future(scene.send("first"))
    await scene.student.until(lambda: slow.used)
    scene.script("second")
    try:
        quick = await scene.as_user("another user").chat.create(scene.message("second"))
        await quick.finish()
    except Stalled as stalled:
        beginning.cancel()
        found(
            f"While the model worked on one answer, another user got none: {stalled.seen}.",
            at=stalled.mark,
        )
    expect(
        quick.answered,
        "While the model worked on one answer, another user got none.",
        at=quick.last_serial,
    )
    await slow.release_all()
    await (await beginning).finish()


@criterion("others-meanwhile", case="before the model is asked")
async def test_server_listens_to_others_all_the_time(scene: Scene) -> None:
    # Now `time.sleep` ends only when the clock is moved, however short it is, and the event loop
    # answers nobody until then. What waits with `await` needs the clock, too, and blocks nothing.
    await scene.student.stop_clock()
    # A sync client waits for the model in the event loop, which then cannot show that it goes on.
    scene.student.ask_loop_at_calls()
    said = await scene.say("first")
    stalled = said.begun.finding or said.stream.left
    expect(
        scene.student.blocked_seconds == 0 and stalled is None,
        "While the server worked on a message, its event loop was blocked by a call that waits: "
        "nobody else would have got an answer.",
        at=stalled.mark if stalled is not None else said.mark,
        hint="blocked",
    )
    needed(said.turn.used, "The model was not asked.", by="agent-runs", at=said.mark)
