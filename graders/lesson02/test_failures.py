"""When the model fails, and when it is slow."""

from __future__ import annotations

import asyncio

import pytest

from graders.engine.harness import (
    Scene,
    Stalled,
    Step,
    criterion,
    drop,
    expect,
    fail,
    found,
    lacking,
    say_held,
)
from graders.lesson02.scenarios import FailedThread

FAILURES: dict[str, Step] = {
    "status 500": fail(500, message="The server had an error."),
    "status 429": fail(429, "rate_limit_exceeded", "Rate limit reached."),
    "dropped connection": drop(after=("It is", " half")),
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
async def test_message_is_kept_after_a_failure(failed: FailedThread) -> None:
    reply = failed.items.value
    expect(
        not lacking(reply, [failed.said.word]),
        "After the model failed, the user's message is no longer in the thread.",
        at=reply.serial,
        hint="message-lost",
    )


@criterion("goes-on-after-failure", case="the next message is answered")
async def test_next_message_is_answered_after_a_failure(failed: FailedThread) -> None:
    try:
        stream = failed.next.whole
    except Stalled as stalled:
        found(
            "After the model failed, the next message got no answer.",
            at=stalled.mark,
            hint="next-message",
        )
    expect(
        stream.answered and stream.error is None,
        "After the model failed, the next message was not answered.",
        at=stream.last_serial,
        hint="next-message",
    )


@criterion("others-meanwhile")
async def test_others_are_answered_meanwhile(scene: Scene) -> None:
    slow = scene.script("first", say_held(*scene.chunks("first")))
    beginning = asyncio.ensure_future(scene.send("first"))
    await scene.student.until(lambda: slow.used)
    scene.script("second")
    try:
        quick = await scene.student.chat(name="another user").create(scene.message("second"))
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
