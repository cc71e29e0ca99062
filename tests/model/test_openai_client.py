"""The wire formats against the real openai client: what comes out is what the script says."""

from __future__ import annotations

import json
from typing import Any

import httpx
import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import FunctionToolParam, Response, ResponseStreamEvent
from pydantic import TypeAdapter

from graders.engine.model import (
    ScriptedModel,
    Step,
    call_tool,
    call_tools,
    context_too_long,
    drop,
    fail,
    reason,
    say,
    tool,
)
from tests.model.transport import (
    ModelTransport,
    OldTransport,
    async_client,
    body_of,
    collect,
    outgoing,
    sync_client,
)

NASTY = (
    "Hé ",
    "👩‍👩‍👧",
    "a\u2028b\u2029c\u0085d",
    "",
    "\r\n",
    "\n\ndata: x\n\n",
    "z" * 10_000,
    "\x0c\x0b",
)
RESPONSE_EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


async def responses_events(model: ScriptedModel, text: str = "Hi") -> list[Any]:
    stream = await async_client(model).responses.create(model="m", input=text, stream=True)
    return [event async for event in stream]


async def chat_chunks(model: ScriptedModel, **options: Any) -> list[ChatCompletionChunk]:
    stream = await async_client(model).chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Hi"}], stream=True, **options
    )
    return [chunk async for chunk in stream]


def chat_text(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def scripted(*steps: Step) -> ScriptedModel:
    model = ScriptedModel()
    model.on("Hi", *steps)
    return model


async def test_responses_stream_gives_each_chunk_as_one_delta() -> None:
    events = await responses_events(scripted(say(*NASTY)))
    deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
    assert deltas == list(NASTY)
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == "".join(NASTY)


async def test_responses_stream_events_fit_the_sdks_types_strictly() -> None:
    script = (reason("Let me think"), say("a", "b"), call_tools(tool("f", {}), tool("g", {"x": 1})))
    events = await responses_events(scripted(*script))
    for number, event in enumerate(events):
        parsed = RESPONSE_EVENTS.validate_json(event.to_json())
        assert type(parsed) is type(event)
        assert event.sequence_number == number


async def test_responses_stream_orders_events_as_the_real_api() -> None:
    events = await responses_events(scripted(say("a", "b")))
    assert [event.type.removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


async def test_responses_stream_sends_tool_calls_whole() -> None:
    arguments = {"note": "long enough to be cut into several deltas, with é"}
    events = await responses_events(scripted(call_tools(tool("f", arguments), tool("g", "{"))))
    done = [e.item for e in events if e.type == "response.output_item.done"]
    deltas = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
    assert [item.name for item in done] == ["f", "g"]
    assert "".join(deltas) == done[0].arguments + "{"
    assert done[0].call_id != done[1].call_id
    assert done[0].id != done[0].call_id


async def test_responses_whole_fits_the_sdks_type() -> None:
    model = scripted(reason("Hm"), say("a", "b"), call_tool("f", {"x": 1}))
    tool: FunctionToolParam = {"type": "function", "name": "f", "parameters": {}, "strict": False}
    client = async_client(model)
    response = await client.responses.create(model="gpt-test", input="Hi", tools=[tool])
    Response.model_validate_json(response.to_json())
    assert response.output_text == "ab"
    assert [item.type for item in response.output] == ["reasoning", "message", "function_call"]
    assert response.usage is not None
    assert response.model == "gpt-test"


async def test_chat_stream_gives_each_chunk_as_one_delta() -> None:
    chunks = await chat_chunks(scripted(say(*NASTY)))
    deltas = [c.choices[0].delta.content for c in chunks]
    assert deltas == ["", *NASTY, None]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_chat_stream_sends_usage_only_when_asked() -> None:
    with_usage = await chat_chunks(scripted(say("a")), stream_options={"include_usage": True})
    assert with_usage[-1].usage is not None
    assert with_usage[-1].choices == []
    assert all(chunk.usage is None for chunk in await chat_chunks(scripted(say("a"))))


async def test_chat_stream_sends_tool_calls_by_index() -> None:
    chunks = await chat_chunks(scripted(call_tools(tool("f", {"x": 1}), tool("g", {}))))
    for chunk in chunks:
        ChatCompletionChunk.model_validate_json(chunk.to_json())
    deltas = [d for c in chunks for d in c.choices[0].delta.tool_calls or ()]
    assert [(d.index, d.function.name) for d in deltas if d.function and d.id] == [
        (0, "f"),
        (1, "g"),
    ]
    assert "".join(d.function.arguments or "" for d in deltas if d.function) == '{"x": 1}{}'
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_chat_stream_with_text_and_call_names_the_role_once() -> None:
    chunks = await chat_chunks(scripted(say("Wait"), call_tool("f", {})))
    assert [c.choices[0].delta.role for c in chunks].count("assistant") == 1
    assert chat_text(chunks) == "Wait"


@pytest.mark.parametrize("steps", [(say("a", "b"),), (call_tool("f", {}),), (reason("Hm"),)])
async def test_chat_whole_fits_the_sdks_type(steps: tuple[Step, ...]) -> None:
    completion = await async_client(scripted(*steps)).chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Hi"}]
    )
    ChatCompletion.model_validate_json(completion.to_json())


def test_sync_client_reads_both_apis() -> None:
    client = sync_client(scripted(say("Hel", "lo")))
    events = list(client.responses.create(model="m", input="Hi", stream=True))
    assert events[-1].type == "response.completed"
    completion = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Hi"}]
    )
    assert completion.choices[0].message.content is not None


async def test_older_httpx_reads_the_stream() -> None:
    body = {"model": "m", "input": "Hi", "stream": True}
    async with httpx.AsyncClient(transport=OldTransport(scripted(say(*NASTY)))) as client:
        response = await client.post("https://any.test/v1/responses", json=body)
    deltas = [line async for line in response.aiter_lines() if "output_text.delta" in line]
    assert len(deltas) == 2 * len(NASTY)
    assert response.headers["content-type"].startswith("text/event-stream")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=6))
async def test_any_chunking_gives_the_same_text(chunks: list[str]) -> None:
    events = await responses_events(scripted(say(*chunks)))
    assert [e.delta for e in events if e.type == "response.output_text.delta"] == chunks
    assert events[-1].response.output_text == "".join(chunks)
    assert chat_text(await chat_chunks(scripted(say(*chunks)))) == "".join(chunks)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
async def test_failure_raises_the_right_error_at_the_first_try(
    status: int, error: type[openai.APIStatusError]
) -> None:
    for ask in (responses_events, chat_chunks):
        model = scripted(fail(status, message="Broken on purpose", retry_after=2))
        with pytest.raises(error, match="Broken on purpose") as caught:
            await ask(model)
        assert caught.value.response.headers["retry-after"] == "2"
        assert len(model.calls) == 1


async def test_failure_bears_the_code_of_the_real_api() -> None:
    with pytest.raises(openai.RateLimitError) as limited:
        await responses_events(scripted(fail(429)))
    assert limited.value.code == "rate_limit_exceeded"
    with pytest.raises(openai.RateLimitError) as poor:
        await responses_events(scripted(fail(429, "insufficient_quota")))
    assert poor.value.code == "insufficient_quota"


async def test_failure_in_the_middle_ends_the_responses_stream_as_failed() -> None:
    events = await responses_events(scripted(fail(500, after=["par", "tial"])))
    assert [e.delta for e in events if e.type == "response.output_text.delta"] == ["par", "tial"]
    assert events[-1].type == "response.failed"
    assert events[-1].response.error.code == "server_error"
    RESPONSE_EVENTS.validate_json(events[-1].to_json())


async def test_failure_in_the_middle_raises_from_a_chat_stream() -> None:
    with pytest.raises(openai.APIError, match="Half-way"):
        await chat_chunks(scripted(fail(500, message="Half-way", after=["partial"])))


async def test_drop_in_the_middle_raises_after_the_chunks() -> None:
    for create in (responses_events, chat_chunks):
        with pytest.raises(openai.APIConnectionError):
            await create(scripted(drop(after=["partial"])))
        with pytest.raises(openai.APIConnectionError):
            await create(scripted(drop()))


async def test_drop_of_a_call_that_does_not_stream_raises() -> None:
    client = async_client(scripted(drop()), max_retries=0)
    with pytest.raises(openai.APIConnectionError):
        await client.responses.create(model="m", input="Hi")


async def test_context_too_long_until_the_input_is_short_enough() -> None:
    model = scripted(context_too_long(limit_items=2), say("Better"))
    long: Any = [{"role": "user", "content": text} for text in ("one", "two", "Hi")]
    client = async_client(model)
    for _ in range(2):
        with pytest.raises(openai.BadRequestError) as caught:
            await client.responses.create(model="m", input=long)
        assert caught.value.code == "context_length_exceeded"
    assert (await client.responses.create(model="m", input=long[1:])).output_text == "Better"


async def test_context_too_long_without_limit_wants_any_shorter_input() -> None:
    model = scripted(context_too_long(), say("Better"))
    long: Any = [{"role": "user", "content": text} for text in ("one", "Hi")]
    client = async_client(model)
    for _ in range(2):
        with pytest.raises(openai.BadRequestError) as caught:
            await client.chat.completions.create(model="m", messages=long)
        assert caught.value.param == "messages"
    answer = await client.chat.completions.create(model="m", messages=long[1:])
    assert answer.choices[0].message.content == "Better"


async def test_context_too_long_takes_a_folded_history_that_has_fewer_characters() -> None:
    model = scripted(context_too_long(), say("Better"))
    client = async_client(model)
    with pytest.raises(openai.BadRequestError):
        await client.responses.create(model="m", input="one, two, Hi")
    assert (await client.responses.create(model="m", input="two, Hi")).output_text == "Better"


async def test_same_ids_never_come_twice() -> None:
    model = scripted(say("a"), call_tool("f", {}))
    seen = [
        e.item.id for _ in range(3) for e in await responses_events(model) if hasattr(e, "item")
    ]
    assert len(set(seen)) == len(seen) / 2 == 6


async def test_calls_beside_the_model_are_answered_harmlessly() -> None:
    client = async_client(ScriptedModel())
    embedding = await client.embeddings.create(model="e", input=["a", "b"], dimensions=4)
    assert [pytest.approx(1.0) for _ in range(2)] == [
        sum(x * x for x in item.embedding) for item in embedding.data
    ]
    plain = await client.embeddings.create(model="e", input="a", encoding_format="float")
    assert sum(x * x for x in plain.data[0].embedding) == pytest.approx(1.0)
    moderation = await client.moderations.create(input="x")
    assert not moderation.results[0].flagged
    assert moderation.results[0].categories.self_harm is False
    assert (await client.conversations.create()).id.startswith("conv_")


async def test_body_that_is_no_json_is_answered_as_an_empty_one() -> None:
    body = body_of(await collect(ScriptedModel(), outgoing(b"{", "/v1/embeddings")))
    [item] = json.loads(body)["data"]
    assert sum(x * x for x in item["embedding"]) == pytest.approx(1.0)


async def test_another_host_is_refused_by_name() -> None:
    async with httpx2.AsyncClient(transport=ModelTransport(ScriptedModel())) as client:
        with pytest.raises(httpx2.ConnectError, match=r"Nothing may be reached at example\.com"):
            await client.get("https://example.com/v1/files")


async def test_another_path_is_refused_by_name() -> None:
    client = async_client(ScriptedModel())
    with pytest.raises(openai.NotFoundError, match="does not answer `GET /v1/files`: files"):
        await client.files.list()
