"""The first message of a thread: answered, by the model, in the right events."""

from __future__ import annotations

from graders.engine.harness import (
    Finding,
    Stalled,
    criterion,
    expect,
    found,
)
from graders.engine.protocol import check_order
from graders.lesson02.scenarios import FirstMessage, OddWords


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
        stream.error is None,
        "The server sent an `error` event instead of an answer.",
        at=stream.mark_of(stream.error),
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
async def test_model_is_asked_what_the_user_said(odd: OddWords) -> None:
    for asked in odd.asked:
        call = asked.turn.request
        expect(
            call.contains(asked.word),
            "The request to the model does not hold what the user wrote.",
            at=asked.answer.value.last_serial,
            hint="missing",
        )
        expect(
            call.contains(asked.text),
            f"The request holds the user's words, but changed. Instead of {asked.text[:60]!r} the "
            f"model got {_nearest(call.user_texts, asked.word)!r}.",
            at=asked.answer.value.last_serial,
            hint="changed",
        )


def _nearest(texts: list[str], word: str) -> str:
    return next((text[:60] for text in texts if word in text), "")


@criterion("answer-is-the-models")
async def test_client_gets_the_models_words(odd: OddWords) -> None:
    stream = odd.answer.value
    got = stream.finished_text
    expect(
        got != "",
        "The finished assistant message has no text.",
        at=stream.mark_of(stream.assistant_item),
        hint="empty",
    )
    expect(
        got == odd.said,
        f"The model said {odd.said!r}, the client got {got!r}.",
        at=stream.mark_of(stream.assistant_item),
    )


@criterion("answer-in-deltas")
async def test_answer_comes_in_deltas(first: FirstMessage) -> None:
    stream, said = first.stream, first.said.answer
    expect(
        any(event.delta for event in stream.events),
        "No text delta came before the finished message.",
        at=stream.mark_of(stream.assistant_item),
        hint="no-deltas",
    )
    expect(
        stream.text in {stream.finished_text, said},
        f"The deltas together are {stream.text!r}, the message is {stream.finished_text!r}.",
        at=stream.mark_of(stream.assistant_item),
        hint="differs",
    )


@criterion("event-order")
async def test_events_come_in_order(first: FirstMessage) -> None:
    stream = first.stream
    # `answer-in-deltas` judges an answer that comes whole, without deltas.
    streamed = any(event.delta for event in stream.events)
    for violation in check_order(stream.events, "create", streamed=streamed):
        if violation.index < len(stream.events):
            hint = "ids" if "id" in violation.text.split() else None
            found(violation.text, at=stream.serial(violation.index), hint=hint)


@criterion("events-parse")
async def test_every_event_is_one_of_chatkit(first: FirstMessage) -> None:
    stream = first.stream
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
            "A request to the model bore another key than the one in `OPENAI_API_KEY`."
            if call.key
            else "A request to the model bore no key.",
        )
