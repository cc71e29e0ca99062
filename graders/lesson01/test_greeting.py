"""The hand-written server: it greets, and what was said is in the thread."""

from __future__ import annotations

from itertools import groupby

from graders.engine.harness import (
    Stalled,
    criterion,
    expect,
    found,
    items_of,
    needed,
    texts_of,
)
from graders.lesson01.scenarios import Greetings

USER, ASSISTANT = "user_message", "assistant_message"


@criterion("server-answers")
async def test_message_is_answered(greetings: Greetings) -> None:
    try:
        stream = greetings.first.stream
    except Stalled as stalled:
        found(f"The server did not answer: {stalled.seen}.", hint="no-end")
    at = stream.last_serial
    expect(
        stream.status not in {404, 405},
        f"`POST` to the endpoint gave status {stream.status}: there is no ChatKit endpoint there.",
        at=at,
        hint="not-found",
    )
    expect(
        stream.status == 200,
        f"The server answered with status {stream.status}.",
        at=at,
        hint="status",
    )
    expect(
        stream.failure is None,
        "The server sent an `error` event before a greeting was finished.",
        at=stream.mark_of(stream.failure),
        hint="error-event",
    )
    expect(stream.answered, "The stream held no assistant message.", at=at, hint="no-answer")
    expect(greetings.first.ends, "The stream did not end after the greeting.", at=at, hint="no-end")
    expect(
        stream.broke is None,
        f"The stream broke off: {stream.broke.seen if stream.broke else ''}.",
        at=at,
        hint="status",
    )


@criterion("thread-created")
async def test_thread_is_created(greetings: Greetings) -> None:
    stream = greetings.begun
    about = [event for event in stream.events if event.thread_id or event.item_id]
    created = [event for event in about if event.type == "thread.created"]
    expect(bool(created), "The event `thread.created` did not come.", at=stream.last_serial)
    expect(
        about[0] is created[0],
        f"`{about[0].label}` came before `thread.created`.",
        at=stream.mark_of(about[0]),
    )


@criterion("one-greeting")
async def test_one_assistant_message_is_done(greetings: Greetings) -> None:
    stream = greetings.first.stream
    done = [
        event
        for event in stream.events
        if event.type == "thread.item.done" and event.item_type == ASSISTANT
    ]
    expect(bool(done), "No assistant message was finished.", at=stream.last_serial, hint="no-done")
    expect(
        len(done) == 1,
        f"{len(done)} assistant messages were finished, not one.",
        at=stream.mark_of(done[-1]),
        hint="several",
    )
    expect(
        bool(done[0].text.strip()),
        "The finished assistant message has no text.",
        at=stream.mark_of(done[0]),
        hint="no-text",
    )


@criterion("no-error-after")
async def test_no_error_comes_after_the_greeting(greetings: Greetings) -> None:
    stream = greetings.begun
    needed(bool(greetings.finished), "No greeting was finished.", by="one-greeting")
    expect(
        stream.error is None,
        "The greeting was finished, and an `error` event came after it.",
        at=stream.mark_of(stream.error),
    )


@criterion("items-json")
async def test_items_are_listed_as_json(greetings: Greetings) -> None:
    needed(
        any(event.thread_id for event in greetings.begun.events),
        "The first message made no thread.",
        by="server-answers",
    )
    reply = greetings.oldest_first.value
    expect(
        reply.status == 200,
        f"`items.list` was answered with status {reply.status}.",
        at=reply.serial,
        hint="status",
    )
    expect(
        type(reply.json) is not str,
        "The answer to `items.list` is a JSON string that holds JSON.",
        at=reply.serial,
        hint="string",
    )
    items_of(reply)


@criterion("user-message-stored")
async def test_user_message_is_stored(greetings: Greetings) -> None:
    reply = greetings.oldest_first.value
    texts = texts_of(reply, USER)
    expect(
        greetings.first.message in texts,
        f"`items.list` holds the user's message with another text: {texts[0]!r}."
        if texts
        else "`items.list` does not hold the user's message.",
        at=reply.serial,
    )


@criterion("greeting-stored")
async def test_greeting_is_stored(greetings: Greetings) -> None:
    reply, said = greetings.oldest_first.value, greetings.finished
    texts = texts_of(reply, ASSISTANT)
    expect(bool(texts), "`items.list` does not hold the greeting.", at=reply.serial)
    expect(
        len(texts) == len(said),
        f"`items.list` holds {len(texts)} messages of the assistant, not {len(said)}.",
        at=reply.serial,
        hint="differs",
    )
    expect(
        sorted(texts) == sorted(said),
        f"The client got {said[0]!r}, `items.list` holds {texts[0]!r}.",
        at=reply.serial,
        hint="differs",
    )


@criterion("items-in-order")
async def test_items_are_in_order(greetings: Greetings) -> None:
    for outcome, order, wanted in (
        (greetings.oldest_first, "asc", [USER, ASSISTANT]),
        (greetings.newest_first, "desc", [ASSISTANT, USER]),
    ):
        reply = outcome.value
        kinds = [item.type for item in items_of(reply) if item.is_message]
        # `one-greeting` judges how many greetings there are.
        got = [kind for kind, _ in groupby(kinds)]
        expect(
            got == wanted,
            f"With `order: {order}` the messages are {' and '.join(got) or 'none'}.",
            at=reply.serial,
        )


@criterion("second-greeting")
async def test_second_message_is_greeted(greetings: Greetings) -> None:
    needed(len(greetings.finished) == 1, "More than one greeting came.", by="one-greeting")
    stream = greetings.second.value.stream
    expect(
        stream.status == 200 and stream.failure is None and stream.answered,
        "The second message in the thread was not greeted.",
        at=stream.last_serial,
        hint="not-greeted",
    )
    reply = greetings.afterwards.value
    users, assistants = texts_of(reply, USER), texts_of(reply, ASSISTANT)
    expect(
        len(users) == 2 and len(assistants) == 2,
        f"After two messages the thread holds {len(users)} of the user and {len(assistants)} "
        "of the assistant.",
        at=reply.serial,
        hint="same-id" if len(assistants) == 1 else None,
    )


@criterion("no-model")
async def test_no_model_is_called(greetings: Greetings) -> None:
    needed(greetings.begun.answered, "The first message was not answered.", by="server-answers")
    model = greetings.first.scene.model
    expect(
        not model.calls and not model.side_calls,
        "The server called a model to find its greeting.",
    )
