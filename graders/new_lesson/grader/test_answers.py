"""The first answer, and what the thread keeps of it."""

from __future__ import annotations

from graders.engine.harness import Said, Scene, criterion, difference, expect, needed, texts_of


@criterion("server-answers")
async def test_first_message_is_answered(first: Said) -> None:
    """Judge the recording `first`: it is played once, whatever number of checks ask for it."""
    expect(first.answered, f"The first message got {first.how}.", at=first.mark)
    expect(
        first.heard == first.answer,
        difference(first.answer, first.heard),
        at=first.mark,
        hint="changed",
    )


@criterion("answer-stored")
async def test_thread_keeps_what_was_said(scene: Scene) -> None:
    """Talk with a fresh server of this check's own."""
    said = await scene.say("kept")
    needed(said.complete, "The message was not answered.", by="server-answers", at=said.mark)
    reply = await said.items(order="asc")
    for whose, text in (("the user's message", said.message), ("the answer", said.answer)):
        times = texts_of(reply).count(text)
        expect(times > 0, f"`items.list` does not hold {whose}.", at=reply.serial)
        expect(
            times == 1,
            f"`items.list` holds {whose} {times} times.",
            at=reply.serial,
            hint="twice",
        )
