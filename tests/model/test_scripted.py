"""The scripted model itself: turns, side calls, held chunks, cancellation, findings."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from graders.engine.core.errors import Finding
from graders.engine.model import (
    Chunk,
    Drop,
    End,
    Head,
    ModelEvent,
    OutgoingCall,
    Refuse,
    ScriptedModel,
    call_tool,
    context_too_long,
    drop,
    fail,
    say,
    say_held,
)
from graders.engine.model.side import TITLE
from tests.model.transport import body_of, collect, outgoing

TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}


def ask(text: str, *, stream: bool = True, **more: Any) -> OutgoingCall:
    """Return a request of the Responses API with one message of the user."""
    headers = more.pop("headers", ())
    body = {"model": "m", "input": text, "stream": stream, **more}
    return outgoing(json.dumps(body).encode(), headers=headers)


async def said(model: ScriptedModel, call: OutgoingCall) -> str:
    """All text that the model says to a call, streaming or not."""
    body = body_of(await collect(model, call)).decode()
    if not body.startswith("event:"):
        parts = [part for item in json.loads(body)["output"] for part in item["content"]]
        return "".join(part["text"] for part in parts)
    events = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: ")]
    return "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta")


async def status(model: ScriptedModel, call: OutgoingCall) -> int:
    head = (await collect(model, call))[0]
    assert isinstance(head, Head)
    return head.status


def seen(model: ScriptedModel) -> list[str]:
    return [finding.seen for finding in model.findings()]


async def test_each_chunk_is_sent_by_itself() -> None:
    model = ScriptedModel()
    model.on("Hi", say("one", "two"))
    parts = await collect(model, ask("Hi"))
    chunks = [part.data for part in parts if isinstance(part, Chunk)]
    assert [chunk.count(b"output_text.delta") // 2 for chunk in chunks] == [0, 0, 1, 1, 0, 0]
    assert isinstance(parts[-1], End)


async def test_held_chunks_go_one_by_one_when_they_are_released() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say_held("one", "two", "three"))
    playing = asyncio.create_task(said(model, ask("Hi")))
    await turn.wait_asked()
    for count in range(1, 3):
        await turn.release()
        await turn.wait_said(count)
        assert turn.said == count
        assert not playing.done()
    await turn.release_all()
    assert await playing == "onetwothree"


async def test_held_chunks_do_not_hold_a_call_that_does_not_stream() -> None:
    model = ScriptedModel()
    model.on("Hi", say_held("one", "two"))
    assert await said(model, ask("Hi", stream=False)) == "onetwo"


async def test_releases_count_for_each_call_of_a_turn() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say_held("one", "two"))
    await turn.release(2)
    assert [await said(model, ask("Hi")) for _ in range(2)] == ["onetwo", "onetwo"]


async def test_closing_the_answer_early_marks_the_call_cancelled() -> None:
    events: list[ModelEvent] = []
    model = ScriptedModel(on_event=events.append)
    turn = model.on("Hi", say("one", "two"))
    parts = model.answer(ask("Hi"))
    for _ in range(3):
        await anext(parts)
    await parts.aclose()
    assert turn.cancelled
    assert turn.request.cancelled
    assert events[-1].kind == "cancelled"


async def test_cancelled_wakes_a_call_that_waits_for_a_release() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say_held("one"))
    call = ask("Hi")
    playing = asyncio.create_task(collect(model, call))
    await turn.wait_asked()
    await asyncio.sleep(0)
    model.cancelled(call.id)
    parts = await playing
    await turn.wait_cancelled()
    assert not any(isinstance(part, End) for part in parts)


async def test_an_id_may_come_again_once_its_call_is_over() -> None:
    model = ScriptedModel(api_key="right")
    turn = model.on("Hi", say("one"))
    first = ask("Hi")
    again = OutgoingCall(first.id, first.method, first.url, (), first.body)
    for call in (first, again):
        await collect(model, call)
    assert len(turn.requests) == 2
    assert len(seen(model)) == 1


async def test_a_cancellation_gets_through_between_two_chunks() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say(*"abcdefgh"))
    call = ask("Hi")
    playing = asyncio.create_task(collect(model, call))
    await turn.wait_said(3)
    model.cancelled(call.id)
    assert not isinstance((await playing)[-1], End)
    assert turn.said < 8


async def test_cancelling_the_task_marks_the_call_cancelled() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say_held("one"))
    playing = asyncio.create_task(collect(model, ask("Hi")))
    await turn.wait_asked()
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert turn.cancelled


async def test_a_client_that_goes_after_the_last_event_cancels_nothing() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say("one"))
    call = ask("Hi")
    parts = model.answer(call)
    async for part in parts:
        if isinstance(part, Chunk) and b"response.completed" in part.data:
            break
    model.cancelled(call.id)
    await parts.aclose()
    model.cancelled(999)
    assert not turn.cancelled


async def test_events_tell_a_transcript() -> None:
    events: list[ModelEvent] = []
    model = ScriptedModel(on_event=events.append)
    model.on("Hi", fail(500, after=["one"]))
    await collect(model, ask("Hi"))
    await collect(model, outgoing(b"", "/files"))
    assert [(event.kind, event.text) for event in events] == [
        ("asked", '"Hi" (responses, streaming, 1 input item)'),
        ("said", '"one"'),
        ("failed", "an error inside the stream"),
        ("refused", "Nothing may be reached at model.test."),
    ]


async def test_drop_breaks_the_connection_where_the_script_says() -> None:
    model = ScriptedModel()
    model.on("Hi", drop(after=["one"]))
    assert isinstance((await collect(model, ask("Hi")))[-1], Drop)
    assert await collect(model, ask("Hi", stream=False)) == [Drop()]


async def test_the_same_request_again_gets_the_same_answer() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say("Hello"))
    call = ask("Hi")
    assert [await said(model, call) for _ in range(2)] == ["Hello", "Hello"]
    assert len(turn.requests) == 2


async def test_turns_with_one_text_come_in_order() -> None:
    model = ScriptedModel()
    model.on("Hi", say("first"))
    model.on("Hi", say("second"))
    assert [await said(model, ask("Hi")) for _ in range(3)] == ["first", "second", "second"]


async def test_turns_with_one_text_are_told_apart_in_a_tool_loop() -> None:
    model = ScriptedModel()
    model.on("Hi", call_tool("f", {}), say("first"))
    model.on("Hi", say("second"))
    parts = body_of(await collect(model, ask("Hi"))).decode()
    call_id = next(part for part in parts.split('"') if part.startswith("call_") and len(part) > 9)
    output = {"type": "function_call_output", "call_id": call_id, "output": "x"}
    loop: Any = [{"role": "user", "content": "Hi"}, output]
    later = [*loop, {"role": "user", "content": "Hi"}]
    assert await said(model, ask("", input=loop)) == "first"
    assert await said(model, ask("", input=[*loop, {"role": "system", "content": "!"}])) == "first"
    assert await said(model, ask("", input=later)) == "second"


async def test_after_a_failure_the_next_try_gets_the_next_step() -> None:
    model = ScriptedModel()
    model.on("Hi", fail(500), say("Better"))
    assert await status(model, ask("Hi")) == 500
    assert await said(model, ask("Hi")) == "Better"
    assert not model.findings()


async def test_a_retry_of_the_client_itself_gets_the_same_failure() -> None:
    model = ScriptedModel()
    model.on("Hi", fail(500), say("Better"))
    retry = ask("Hi", headers=[("X-Stainless-Retry-Count", "1")])
    assert [await status(model, call) for call in (ask("Hi"), retry)] == [500, 500]


async def test_a_refusal_that_was_not_needed_is_no_finding() -> None:
    model = ScriptedModel()
    model.on("Hi", context_too_long(limit_items=5), say("Fine"))
    assert await said(model, ask("Hi")) == "Fine"
    assert not model.findings()


async def test_a_call_with_another_text_gets_the_turn_that_waits() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say("Hello"))
    assert await said(model, ask("something else")) == "Hello"
    assert turn.request.user_texts == ["something else"]


async def test_a_plain_call_with_another_text_leaves_the_turn_that_waits() -> None:
    model = ScriptedModel()
    model.on("Hi", say("one"))
    assert await said(model, ask("What is a good title?", stream=False)) != "one"
    assert await said(model, ask("Hi")) == "one"
    assert seen(model) == []


async def test_a_conversation_folded_into_a_system_message_is_about_its_last_text() -> None:
    model = ScriptedModel()
    model.on("Hi", say("one"))
    model.on("Bye", say("two"))
    folded = [{"role": "system", "content": "user: Hi\nassistant: one\nuser: Bye"}]
    assert await said(model, ask("Hi")) == "one"
    assert await said(model, ask("", input=folded)) == "two"
    assert seen(model) == []


async def test_a_conversation_sent_backwards_is_about_the_turn_that_waits() -> None:
    model = ScriptedModel()
    model.on("One", say("first"))
    newest = model.on("Two", say("second"))
    await said(model, ask("One"))
    backwards = [{"role": "user", "content": text} for text in ("Two", "One")]
    assert await said(model, ask("", input=backwards)) == "second"
    assert newest.used


async def test_a_message_that_was_passed_over_earlier_does_not_wait() -> None:
    model = ScriptedModel()
    skipped = model.on("One", say("first"))
    model.on("Two", say("second"))
    both = [{"role": "user", "content": text} for text in ("One", "Two")]
    assert [await said(model, ask("", input=both)) for _ in range(2)] == ["second", "second"]
    assert not skipped.used


async def test_a_call_with_another_text_is_a_side_call_when_no_turn_waits() -> None:
    model = ScriptedModel()
    model.on("Hi", say("Hello"))
    await said(model, ask("Hi"))
    assert await said(model, ask("Suggest something")) == TITLE
    assert [call.text_of("user") for call in model.side_calls] == ["Suggest something"]
    assert not model.findings()


async def test_a_draft_and_the_call_that_polishes_it_carry_the_conversation_together() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say("Hello ", "you"))
    draft = await said(model, ask("Hi", stream=False))
    assert await said(model, ask(f"Make this friendlier: {draft}")) == "Hello you"
    assert [call.streaming for call in turn.requests] == [False, True]
    assert turn.request.text_of("user") == "Hi"
    assert not model.side_calls
    assert not model.findings()


async def test_a_draft_after_a_tool_call_is_polished_and_not_begun_again() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", call_tool("f", {}), say("Hello you"))
    body = body_of(await collect(model, ask("Hi", stream=False, tools=[TOOL])))
    call_id = json.loads(body)["output"][0]["call_id"]
    output = {"type": "function_call_output", "call_id": call_id, "output": "x"}
    given = [{"role": "user", "content": "Hi"}, output]
    draft = await said(model, ask("", input=given, stream=False, tools=[TOOL]))
    assert await said(model, ask(f"Make this friendlier: {draft}")) == "Hello you"
    assert len(turn.requests) == 3
    assert not model.findings()


async def test_a_draft_of_an_answer_that_was_given_is_no_draft() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say("Hello ", "you"))
    draft = await said(model, ask("Hi", stream=False))
    await said(model, ask("Hi"))
    assert await said(model, ask(f"What follows from this? {draft}")) == TITLE
    assert [call.streaming for call in turn.requests] == [True]


async def test_a_plain_call_before_the_streaming_one_becomes_a_side_call() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say("Hello"))
    assert await said(model, ask("Hi", stream=False, instructions="Think first.")) == "Hello"
    assert len(turn.requests) == 1
    assert await said(model, ask("Hi")) == "Hello"
    assert [call.streaming for call in turn.requests] == [True]
    assert [call.streaming for call in model.calls] == [True]
    assert model.side_calls[0].side
    assert model.side_calls[0].purpose == "other"


async def test_a_plain_call_that_is_offered_no_tools_is_not_asked_to_call_one() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", call_tool("f", {}), say("Done"))
    assert await said(model, ask("Hi", stream=False, instructions="Who must answer?")) == TITLE
    await collect(model, ask("Hi", tools=[TOOL]))
    assert [call.tools for call in turn.requests] == [["f"]]
    assert len(model.side_calls) == 1


async def test_a_plain_call_after_the_streaming_one_is_a_side_call() -> None:
    model = ScriptedModel()
    model.on("Hi", say("Hello"))
    await said(model, ask("Hi"))
    assert await said(model, ask("Hi", stream=False)) == TITLE


async def test_a_title_that_streams_first_does_not_wait_and_becomes_a_side_call() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say_held("Hello"))
    title = "Write a short title for the chat."
    assert await said(model, ask("Hi", instructions=title)) == "Hello"
    await turn.release()
    assert await said(model, ask("Hi")) == "Hello"
    assert await said(model, ask("Hi", instructions=title)) == TITLE
    assert [call.purpose for call in model.side_calls] == ["other", "title"]
    assert len(turn.requests) == 1


async def test_a_server_whose_only_call_sounds_like_a_side_call_is_answered() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", say("Hello"))
    assert await said(model, ask("Hi", instructions="Classify the message.")) == "Hello"
    assert turn.used
    assert not model.findings()


@pytest.mark.parametrize(
    ("instructions", "answer"),
    [
        ("Generate a short title.", TITLE),
        ("Answer SAFE or UNSAFE.", "SAFE"),
        ("Classify into one of: billing, refund", "billing"),
    ],
)
async def test_a_side_call_before_the_turn_leaves_it_whole(instructions: str, answer: str) -> None:
    model = ScriptedModel()
    turn = model.on("Hi", fail(500), say("Hello"))
    assert await said(model, ask("Hi", stream=False, instructions=instructions)) == answer
    assert not turn.used
    assert await status(model, ask("Hi")) == 500


async def test_nothing_scripted_is_a_finding() -> None:
    model = ScriptedModel()
    assert await status(model, ask("Hi")) == 500
    assert "once more than expected" in seen(model)[0]


async def test_a_call_past_the_end_of_the_script_is_a_finding() -> None:
    model = ScriptedModel()
    turn = model.on("Hi", call_tool("f", {}))
    body = body_of(await collect(model, ask("Hi", stream=False, tools=[TOOL])))
    call_id = json.loads(body)["output"][0]["call_id"]
    output = {"type": "function_call_output", "call_id": call_id, "output": "x"}
    assert await status(model, ask("", input=[{"role": "user", "content": "Hi"}, output])) == 500
    assert 'about "Hi"' in seen(model)[0]
    assert len(turn.requests) == 1


async def test_steps_that_were_not_reached_are_findings() -> None:
    model = ScriptedModel()
    turn = model.on("Never", say("x"))
    model.on("Hi", call_tool("f", {}), say("Done"))
    await collect(model, ask("Hi"))
    assert seen(model) == [
        'The model was not asked to answer the message "Never".',
        'While it answered "Hi" the model was not asked again, so it never came to: say "Done".',
    ]
    with pytest.raises(Finding, match="Never"):
        _ = turn.request


async def test_another_key_is_a_finding_that_does_not_show_it() -> None:
    model = ScriptedModel(api_key="right")
    model.on("Hi", say("Hello"))
    await collect(model, ask("Hi", headers=[("Authorization", "Bearer right")]))
    assert not model.findings()
    await collect(model, ask("Hi", headers=[("authorization", "Bearer sk-secret")]))
    assert "another API key" in seen(model)[0]
    assert "sk-secret" not in seen(model)[0]
    assert model.calls[1].key == "sk-secret"


async def test_no_key_is_a_finding() -> None:
    model = ScriptedModel(api_key="right")
    model.on("Hi", say("Hello"))
    await collect(model, ask("Hi"))
    assert "no API key" in seen(model)[0]


async def test_an_unreadable_call_is_recorded_and_refused() -> None:
    model = ScriptedModel()
    assert await status(model, outgoing(b"{nonsense")) == 400
    assert model.calls[0].purpose == "unreadable"
    assert "could not be read" in seen(model)[0]


@pytest.mark.parametrize(
    ("method", "url", "named"),
    [
        ("GET", "https://model.test/v1/responses", "model.test"),
        ("POST", "https://evil.test:8443/collect?x=1", "evil.test"),
        ("POST", "http://[broken/responses", "an unreadable address"),
        ("POST", "nonsense", "an unnamed host"),
    ],
)
async def test_anything_else_is_refused_by_name(method: str, url: str, named: str) -> None:
    call = OutgoingCall(1, method, url, (), b"")
    assert await collect(ScriptedModel(), call) == [Refuse(f"Nothing may be reached at {named}.")]


async def test_any_host_and_base_path_is_the_model() -> None:
    model = ScriptedModel()
    model.on("Hi", say("Hello"))
    body = json.dumps({"messages": [{"role": "user", "content": "Hi"}]}).encode()
    for path in ("/v1beta/openai/chat/completions", "/openai/deployments/x/chat/completions?v=1"):
        answer = json.loads(body_of(await collect(model, outgoing(body, path))))
        assert answer["choices"][0]["message"]["content"] == "Hello"


async def test_a_conversation_is_remembered_by_its_id() -> None:
    model = ScriptedModel()
    model.on("one", say("first"))
    turn = model.on("two", say("second"))
    for text in ("one", "two"):
        await collect(model, ask(text, conversation={"id": "conv_1"}))
    assert [item.text for item in turn.request.input] == ["one", "first", "two"]
    assert [item.text for item in turn.request.sent] == ["two"]


async def test_previous_response_id_stands_for_what_came_before() -> None:
    model = ScriptedModel(ids=iter(map(str, range(100))))
    model.on("one", say("first"))
    turn = model.on("two", say("second"))
    answer = json.loads(body_of(await collect(model, ask("one", stream=False))))
    await collect(model, ask("two", previous_response_id=answer["id"]))
    assert turn.request.user_texts == ["one", "two"]
    await collect(model, ask("two", previous_response_id="resp_unknown"))
    assert turn.requests[-1].user_texts == ["two"]


async def test_fifty_turns_interleaved_chunk_by_chunk() -> None:
    model = ScriptedModel()
    texts = [f"word{number}" for number in range(50)]
    for text in texts:
        model.on(text, say("a-", text))
    playing = [model.answer(ask(text)) for text in texts]
    bodies = [b""] * 50
    for _ in range(8):
        for index, parts in enumerate(playing):
            part = await anext(parts)
            bodies[index] += part.data if isinstance(part, Chunk) else b""
    assert all(f"a-{text}\\" not in str(body) for text, body in zip(texts, bodies, strict=True))
    assert all(f'"a-{text}"'.encode() in body for text, body in zip(texts, bodies, strict=True))
    assert not model.findings()


@pytest.mark.parametrize(("text", "steps"), [("", [say("x")]), (" ", [say("x")]), ("Hi", [])])
def test_a_turn_needs_a_text_and_a_step(text: str, steps: list[Any]) -> None:
    with pytest.raises(ValueError, match="needs"):
        ScriptedModel().on(text, *steps)
