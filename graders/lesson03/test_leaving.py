"""A client that goes away in the middle of an answer."""

from __future__ import annotations

from graders.engine.harness import criterion, expect, items_of, texts_of
from graders.lesson03.interruptions import Interrupted, Left

# The type of both kinds of hidden item, and the words of the SDK's own.
HIDDEN = (b"hidden_context", b"Stop responding to the prior request")


@criterion("partial-kept")
async def test_what_was_said_so_far_is_kept(left: Left) -> None:
    _expect_kept(left)


@criterion("hidden-items")
async def test_hidden_items_are_not_shown(left: Left) -> None:
    for what, outcome in (
        ("`items.list`", left.items),
        ("`threads.get_by_id`", left.thread),
        ("`items.list`", left.items_after),
    ):
        reply = outcome.value
        expect(
            not any(word in reply.body for word in HIDDEN),
            f"After a cancelled stream, {what} shows the hidden item.",
            at=reply.serial,
        )
        # An empty thread hides everything.
        expect(
            items_of(reply) != [],
            f"After a cancelled stream, {what} shows no item at all.",
            at=reply.serial,
        )
    stream = left.next.begun.result
    expect(
        stream is None or not any(word in stream.body for word in HIDDEN),
        "The next stream shows the hidden item.",
        at=stream.last_serial if stream else None,
    )


@criterion("goes-on-after-leaving")
async def test_thread_goes_on_after_leaving(left: Left) -> None:
    _expect_goes_on(left)


@criterion("model-call-cancelled", case="the client has gone away")
async def test_call_is_cancelled_when_the_client_leaves(left: Left) -> None:
    expect(
        left.given_up,
        "The client had gone, and the server went on reading the model's answer.",
    )


@criterion("model-call-cancelled", case="a newer message ended the answer")
async def test_call_is_cancelled_when_an_answer_is_superseded(interrupted: Interrupted) -> None:
    expect(
        interrupted.old.given_up or interrupted.old.whole,
        "The older answer was cut off, and the server went on reading it from the model.",
    )


@criterion("either-asgi-version", case="what was said so far is kept")
async def test_what_was_said_is_kept_under_asgi_2_4(left_2_4: Left) -> None:
    _expect_kept(left_2_4)


@criterion("either-asgi-version", case="the next message is answered")
async def test_thread_goes_on_under_asgi_2_4(left_2_4: Left) -> None:
    _expect_goes_on(left_2_4)


def _expect_kept(left: Left) -> None:
    reply = left.items.value
    expect(
        any(left.scene.word("first") in text for text in texts_of(reply, "user_message")),
        "After the client had gone away, the user's message is no longer in the thread.",
        at=reply.serial,
        hint="user-message",
    )
    answers = texts_of(reply, "assistant_message")
    heard = left.heard.strip()
    expect(
        any(heard in text for text in answers),
        f"The client had heard {left.heard!r} when it went away, `items.list` holds {answers[0]!r}."
        if answers
        else f"The client had heard {left.heard!r} when it went away, and `items.list` holds no "
        "answer at all.",
        at=reply.serial,
        hint=None if answers else "store-awaits",
    )
    count = sum(heard in text for text in answers)
    expect(
        count == 1,
        f"`items.list` holds what the client had heard {count} times.",
        at=reply.serial,
        hint="twice",
    )


def _expect_goes_on(left: Left) -> None:
    stream, answer = left.next.stream, left.next.answer
    whole = answer in stream.finished_text
    expect(
        whole or stream.error is None,
        "The next message in the thread got an `error` event.",
        at=stream.mark_of(stream.error),
        hint="error-event",
    )
    expect(
        whole,
        f"The next message got {stream.finished_text!r} instead of the model's {answer!r}.",
        at=stream.last_serial,
    )
    reply = left.items_after.value
    texts = texts_of(reply, "user_message")
    # `partial-kept` judges whether the first message is there at all.
    for name, least in (("first", 0), ("second", 1)):
        count = sum(left.scene.word(name) in text for text in texts)
        expect(
            least <= count <= 1,
            f"The {name} message is in `items.list` {count} times.",
            at=reply.serial,
            hint="items",
        )
