"""The first message of a thread: answered, by the model, in the right events."""

from __future__ import annotations

import pytest

from graders.engine.harness import (
    Finding,
    RecordedCall,
    Stalled,
    criterion,
    difference,
    expect,
    found,
)
from graders.engine.protocol import check_order
from graders.lesson02.scenarios import ASKED, SAID, Asked, FirstMessage, OddWords


@criterion("server-answers")
async def test_first_message_is_answered(first: FirstMessage) -> None:
    try:
        stream = first.stream
    except Stalled as stalled:
        found(f"The server did not answer: {stalled.seen}.", at=stalled.mark, hint="no-end")
    expect(
        stream.status not in {404, 405},
        f"`POST` to the endpoint gave status {stream.status}: there is no ChatKit endpoint there.",
        at=stream.last_serial,
        hint="not-found",
    )
    expect(
        stream.status == 200,
        f"The server answered with status {stream.status}: {stream.excerpt}.",
        at=stream.last_serial,
        hint="not-written" if stream.status == 501 else "status",
    )
    expect(
        stream.failure is None,
        "An `error` event came in the middle of the answer."
        if stream.answered
        else "The server sent an `error` event instead of an answer.",
        at=stream.mark_of(stream.failure),
        hint="error-event",
    )
    expect(
        stream.answered,
        "The stream held no assistant message.",
        at=stream.last_serial,
        hint="no-answer",
    )
    expect(
        first.said.ends,
        "The stream did not end after the answer.",
        at=stream.last_serial,
        hint="no-end",
    )
    expect(
        stream.broke is None,
        f"The stream broke off: {stream.broke.seen if stream.broke else ''}.",
        at=stream.last_serial,
        hint="status",
    )


@criterion("agent-runs")
async def test_each_message_starts_a_model_call(first: FirstMessage) -> None:
    for turn in (first.said.turn, first.other.turn):
        expect(
            turn.used,
            "The server answered, but it never asked the model.",
            at=first.stream.last_serial,
        )


@criterion("asked-what-user-said")
@pytest.mark.parametrize("case", ASKED)
async def test_model_is_asked_what_the_user_said(case: str, odd: OddWords) -> None:
    expect(bool(odd.asked[case]), "No message was sent.")
    for asked in odd.asked[case]:
        _expect_asked(asked, asked.turn.request)


def _expect_asked(asked: Asked, call: RecordedCall) -> None:
    at = asked.answer.value.last_serial
    lacking = [text for text in asked.texts if not call.contains(text)]
    expect(
        len(lacking) in {0, len(asked.texts)},
        f"The message has {len(asked.texts)} parts of text, and the request to the model does not "
        f"hold one of them: {lacking[0] if lacking else ''!r}.",
        at=at,
        hint="parts",
    )
    expect(
        call.contains(asked.word),
        "The request to the model does not hold what the user wrote.",
        at=at,
        hint="missing",
    )
    expect(
        not lacking,
        f"The request holds the user's words, but changed. {_difference(asked, call)}",
        at=at,
        hint="changed",
    )


def _difference(asked: Asked, call: RecordedCall) -> str:
    """Tell where the text of the request first differs from what the user wrote."""
    got = next((text for text in call.user_texts if asked.word in text), "")
    return difference(asked.texts[0], got, of="user's words", by="model got")


@criterion("answer-is-the-models")
@pytest.mark.parametrize("case", SAID)
async def test_client_gets_the_models_words(case: str, odd: OddWords) -> None:
    stream, said = odd.answers[case].answer.value, odd.answers[case].said
    got = stream.finished_text
    expect(
        got != "" or stream.assistant_item is not None,
        "The assistant message was announced, but no text came in deltas, and no "
        "`thread.item.done` finished it.",
        at=stream.last_serial,
        hint="not-finished",
    )
    expect(
        got != "",
        "The finished assistant message has no text.",
        at=stream.mark_of(stream.assistant_item),
        hint="empty",
    )
    expect(
        got == said,
        difference(said, got),
        at=stream.mark_of(stream.assistant_item),
        hint="broken" if "\ufffd" in got else None,
    )


@criterion("answer-in-deltas")
async def test_answer_comes_in_deltas(first: FirstMessage) -> None:
    stream, said = first.answered, first.said.answer
    expect(
        any(event.delta for event in stream.events),
        "No text delta came before the finished message."
        if stream.assistant_item is not None
        else "No text delta came, and no finished message.",
        at=stream.mark_of(stream.assistant_item),
        hint="no-deltas" if stream.assistant_item is not None else None,
    )
    expect(
        stream.text in {stream.finished_text, said},
        difference(stream.finished_text, stream.text, of="message's words", by="deltas are"),
        at=stream.mark_of(stream.assistant_item),
        hint="differs",
    )


@criterion("event-order")
async def test_events_come_in_order(first: FirstMessage) -> None:
    stream = first.answered
    # `answer-in-deltas` judges an answer that comes whole, without deltas.
    streamed = any(event.delta for event in stream.events)
    for violation in check_order(stream.events, "create", streamed=streamed):
        if violation.index < len(stream.events):
            hint = "ids" if "id" in violation.text.split() else None
            found(violation.text, at=stream.serial(violation.index), hint=hint)
    expect(
        stream.error is None,
        "The answer came whole, and an `error` event came after it.",
        at=stream.mark_of(stream.error),
        hint="error-after",
    )


@criterion("events-parse")
async def test_every_event_is_one_of_chatkit(first: FirstMessage) -> None:
    stream = first.begun
    for index, event in enumerate(stream.events):
        if event.problems:
            hint = "unknown-type" if event.type else "not-json"
            name = f"The event `{event.label}`" if event.type else "A `data:` line"
            raise Finding(
                f"{name} is no ChatKit event: {event.problems[0]}",
                mark=stream.serial(index),
                hint=hint,
            )


@criterion("key-from-environment")
async def test_key_comes_from_the_environment(first: FirstMessage) -> None:
    model = first.said.scene.model
    expect(bool(model.calls), "The model was not asked, so no key was seen.")
    for call in model.calls:
        expect(
            call.key == model.api_key,
            "A request to the model had another key than the one in `OPENAI_API_KEY`."
            if call.key
            else "A request to the model had no key.",
        )
