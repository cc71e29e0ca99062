"""Request bodies become plain data, whatever they hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.engine.model import (
    OutgoingCall,
    RecordedCall,
    ScriptedModel,
    reading,
    say,
)
from graders.engine.model.calls import Api
from graders.engine.model.reading import read_call
from tests.model.transport import collect

WORDS = """
    model input messages role content type text tools tool_calls function name arguments stream
    call_id output format schema response_format json_schema instructions id input_text summary
    conversation previous_response_id function_call function_call_output message
"""
KEYS = st.sampled_from(WORDS.split())
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | KEYS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


def read(body: dict[str, Any], api: Api = "responses") -> RecordedCall:
    return read_call(OutgoingCall(1, "POST", "x", (), json.dumps(body).encode()), api)


def test_responses_items_are_normalised() -> None:
    call = read(
        {
            "model": "m",
            "stream": True,
            "instructions": "Be kind.",
            "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}],
            "input": [
                {"role": "developer", "content": "Hidden"},
                {"type": "message", "role": "user", "content": [{"text": "a"}, {"text": "b"}]},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": "done"},
                {"type": "item_reference", "id": "x"},
            ],
        }
    )
    assert [(item.kind, item.role, item.text) for item in call.input] == [
        ("message", "developer", "Hidden"),
        ("message", "user", "a\nb"),
        ("reasoning", "assistant", "Hm"),
        ("function_call", "assistant", "{}"),
        ("function_call_output", "tool", "done"),
        ("other", "", ""),
    ]
    assert call.tools == ["f", "web_search"]
    assert call.outputs == ["c"]
    assert (call.streaming, call.instructions, call.model) == (True, "Be kind.", "m")


def test_chat_messages_are_normalised_to_the_same() -> None:
    function = {"name": "f", "arguments": "{}"}
    call = read(
        {
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": [{"type": "text", "text": "a"}]},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "c", "function": function}],
                },
                {"role": "tool", "tool_call_id": "c", "content": "done"},
                {"role": "assistant", "content": "b", "tool_calls": [{"id": "d"}]},
            ],
            "tools": [{"type": "function", "function": {"name": "f"}}],
        },
        "chat_completions",
    )
    assert [(item.kind, item.role, item.text, item.call_id) for item in call.input] == [
        ("message", "user", "a", ""),
        ("function_call", "assistant", "{}", "c"),
        ("function_call_output", "tool", "done", "c"),
        ("message", "assistant", "b", ""),
        ("function_call", "assistant", "", "d"),
    ]
    assert (call.instructions, call.tools, call.user_texts) == ("Be kind.", ["f"], ["a"])
    assert call.text_of("system") == "Be kind."


def test_schema_is_read_from_either_api() -> None:
    schema = {"type": "object"}
    responses = read({"text": {"format": {"type": "json_schema", "schema": schema}}})
    chat_format = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    chat = read({"response_format": chat_format}, "chat_completions")
    assert responses.schema == chat.schema == schema
    assert read({"text": {"format": {"type": "json_object"}}}).schema == {}
    assert read({"text": {"format": {"type": "text"}}}).schema is None


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"Authorization": "Bearer k"}, "k"),
        ({"authorization": "bearer  k "}, "k"),
        ({"authorization": "Basic k"}, ""),
        ({"api-key": "k"}, "k"),
        ({}, ""),
    ],
)
def test_key_is_read_from_the_headers(headers: dict[str, str], key: str) -> None:
    call = OutgoingCall(1, "POST", "x", tuple(headers.items()), b"{}")
    assert read_call(call, "responses").key == key


def test_contains_looks_also_inside_json() -> None:
    text = 'Say "é"\n🥝'
    assert read({"input": text}).contains(text)
    assert read({"input": json.dumps([text])}).contains(text)
    assert read({"instructions": json.dumps([text], ensure_ascii=False)}).contains(text)
    assert not read({"input": "Say"}).contains(text)
    assert json.loads(read({"input": text}).json) == {"input": text}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "Expecting value"),
        (b"[]", "not a JSON object"),
        (b"\xff", "utf-8"),
        (b"[" * 100_000, "recursion"),
        (b'{"input": ' + b"9" * 5000 + b"}", "digits"),
    ],
)
def test_unreadable_bodies_are_recorded(body: bytes, problem: str) -> None:
    call = read_call(OutgoingCall(1, "POST", "x", (), body), "responses")
    assert call.purpose == "unreadable"
    assert problem in call.problem


def test_caps_on_size_and_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ITEMS", 2)
    assert "more than 2 items" in read({"input": ["a"] * 3}).problem
    assert "more than 2 items" in read({"messages": [{}] * 3}, "chat_completions").problem
    monkeypatch.setattr(reading, "MAX_BODY", 10)
    assert "larger than 10 bytes" in read({"input": "long enough"}).problem


@given(st.dictionaries(KEYS, JSON), st.sampled_from(["responses", "chat/completions"]))
async def test_no_body_breaks_the_model(body: dict[str, Any], path: str) -> None:
    model = ScriptedModel(api_key="k")
    model.on("text", say("Hello"))
    call = OutgoingCall(1, "POST", f"https://x.test/{path}", (), json.dumps(body).encode())
    await collect(model, call)
    model.findings()


@given(st.binary(max_size=40), st.text(max_size=20), st.text(max_size=10))
async def test_no_call_breaks_the_model(body: bytes, path: str, header: str) -> None:
    model = ScriptedModel(api_key="k")
    headers = (("authorization", header),)
    for end in ("responses", "embeddings", "moderations", path):
        await collect(model, OutgoingCall(1, "POST", f"https://x/{end}", headers, body))


async def test_half_a_surrogate_pair_in_a_model_name_is_sent_back_as_valid_text() -> None:
    model = ScriptedModel()
    model.on("Hi", say("Hello"))
    body = b'{"model": "m\\ud800", "input": "Hi \\ud800", "previous_response_id": "\\ud800"}'
    parts = await collect(model, OutgoingCall(1, "POST", "https://x/responses", (), body))
    assert parts
