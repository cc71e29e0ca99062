"""The naive way to grade lesson02, to measure ours against: the app runs inside of pytest.

A fresh `python -m pytest` for each submission imports the student's app and asks it through
`httpx.ASGITransport`; a mocked transport stands for the model. The checks are those of lesson02's
22 criteria, as one would write them without the harness: nothing is isolated, nothing is held back
to see whether it streams, and the student's code shares the process with what judges it. Not
collected by the project's own tests. `NAIVE_SUBMISSION` names the folder.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import agents
import httpx
import httpx2
import pytest
from chatkit.types import ThreadStreamEvent
from openai import AsyncOpenAI
from pydantic import TypeAdapter

KEY = "key-of-the-naive-way"
SAYS = ("The model ", "says ", "this.")
EVENTS: TypeAdapter[Any] = TypeAdapter(ThreadStreamEvent)


class NaiveModel:
    """Answers every request in the same way, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.fails_with = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        self.asked.append(json.loads(request.content))
        self.keys.add(request.headers["authorization"].removeprefix("Bearer "))
        if self.fails_with:
            return httpx2.Response(self.fails_with, json={"error": {"message": "overloaded"}})
        return httpx2.Response(
            200, content=_stream(len(self.asked)), headers={"content-type": "text/event-stream"}
        )

    @property
    def last(self) -> str:
        """Return what it was asked last."""
        return json.dumps(self.asked[-1]["input"], ensure_ascii=False)


def _stream(number: int) -> bytes:
    id_ = f"msg_{number}"
    item: dict[str, Any] = {"id": id_, "type": "message", "role": "assistant", "content": []}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    whole = {**part, "text": "".join(SAYS)}
    done = {**item, "status": "completed", "content": [whole]}
    base = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "gpt-5-mini",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    where = {"item_id": id_, "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**base, "status": "in_progress"}},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**item, "status": "in_progress"},
        },
        {"type": "response.content_part.added", **where, "part": part},
        *(
            {"type": "response.output_text.delta", **where, "delta": each, "logprobs": []}
            for each in SAYS
        ),
        {"type": "response.output_text.done", **where, "text": whole["text"], "logprobs": []},
        {"type": "response.content_part.done", **where, "part": whole},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {
            "type": "response.completed",
            "response": {**base, "status": "completed", "output": [done]},
        },
    ]
    told = [{**each, "sequence_number": at} for at, each in enumerate(events)]
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in told).encode()


class NaiveChat:
    """Asks the student's app."""

    def __init__(self, client: httpx.AsyncClient, model: NaiveModel) -> None:
        self.client = client
        self.model = model
        self.response: httpx.Response

    async def send(self, kind: str, **params: Any) -> Any:
        """Send a request; return the JSON of the answer, or its events."""
        self.response = await self.client.post("/chatkit", json={"type": kind, "params": params})
        if "event-stream" not in self.response.headers["content-type"]:
            return self.response.json()
        return [
            json.loads(line.removeprefix("data: "))
            for line in self.response.text.splitlines()
            if line.startswith("data: ")
        ]

    async def say(self, *texts: str, thread: str = "") -> list[dict[str, Any]]:
        """Say something; return the events."""
        content = [{"type": "input_text", "text": text} for text in texts]
        message = {"content": content, "attachments": [], "inference_options": {}}
        if thread:
            events = await self.send("threads.add_user_message", thread_id=thread, input=message)
        else:
            events = await self.send("threads.create", input=message)
        assert isinstance(events, list)
        return events

    async def items(self, thread: str, order: str = "asc") -> list[dict[str, Any]]:
        """Return what the thread holds."""
        page = await self.send("items.list", thread_id=thread, limit=100, order=order)
        found: list[dict[str, Any]] = page["data"]
        return found


def text_of(item: dict[str, Any]) -> str:
    """Return the text of a message."""
    return "".join(part["text"] for part in item["content"])


def thread_of(events: list[dict[str, Any]]) -> str:
    """Return the id of the new thread."""
    found: str = next(e["thread"]["id"] for e in events if e["type"] == "thread.created")
    return found


def done_of(events: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Return the message that was finished."""
    done = [e["item"] for e in events if e["type"] == "thread.item.done"]
    found: dict[str, Any] = next(item for item in done if item["type"] == kind)
    return found


def updates_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the updates of messages."""
    return [e["update"] for e in events if e["type"] == "thread.item.updated"]


@pytest.fixture
def chat() -> Iterator[NaiveChat]:
    """Import the app anew, with a model of its own."""
    os.environ["OPENAI_API_KEY"] = KEY
    own = os.environ["NAIVE_SUBMISSION"]
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(own):
            del sys.modules[name]
    sys.path[:0] = [own]
    model = NaiveModel()
    transport = httpx2.MockTransport(model)
    client = AsyncOpenAI(max_retries=0, http_client=httpx2.AsyncClient(transport=transport))
    agents.set_default_openai_client(client)
    agents.set_tracing_disabled(disabled=True)
    app = importlib.import_module("server").app
    own_app = httpx.ASGITransport(app=app)
    yield NaiveChat(httpx.AsyncClient(transport=own_app, base_url="http://test"), model)
    sys.path.remove(own)


async def test_server_answers(chat: NaiveChat) -> None:
    assert done_of(await chat.say("hello"), "assistant_message")
    assert chat.response.status_code == 200


async def test_agent_runs(chat: NaiveChat) -> None:
    await chat.say("hello")
    assert chat.model.asked


@pytest.mark.parametrize(
    "texts", [("one\r\ntwo\rthree\nfour",), ("größe 東京 \\ {}",), ("a, " * 2000,), ("p", "q")]
)
async def test_asked_what_user_said(chat: NaiveChat, texts: tuple[str, ...]) -> None:
    await chat.say(*texts)
    assert all(json.dumps(text, ensure_ascii=False)[1:-1] in chat.model.last for text in texts)


async def test_answer_is_the_models(chat: NaiveChat) -> None:
    assert text_of(done_of(await chat.say("hello"), "assistant_message")) == "".join(SAYS)


async def test_answer_in_deltas(chat: NaiveChat) -> None:
    updates = updates_of(await chat.say("hello"))
    assert "".join(u["delta"] for u in updates if u["type"].endswith("text_delta")) == "".join(SAYS)


async def test_event_order(chat: NaiveChat) -> None:
    kinds = [e.get("update", e)["type"] for e in await chat.say("hello")]
    wanted = ["thread.created", "thread.item.done", "thread.item.added", "thread.item.done"]
    assert [kind for kind in kinds if kind in wanted] == wanted


async def test_events_parse(chat: NaiveChat) -> None:
    for event in await chat.say("hello"):
        EVENTS.validate_python(event)


async def test_json_object_and_content_types(chat: NaiveChat) -> None:
    thread = thread_of(await chat.say("hello"))
    assert chat.response.headers["content-type"].startswith("text/event-stream")
    assert isinstance(await chat.send("items.list", thread_id=thread), dict)
    assert chat.response.headers["content-type"] == "application/json"


async def test_sse_headers(chat: NaiveChat) -> None:
    await chat.say("hello")
    assert chat.response.headers["cache-control"] == "no-cache"
    assert chat.response.headers["x-accel-buffering"] == "no"


@pytest.mark.parametrize("body", [b"{", b'{"type": "no.such"}', b'{"type": "threads.create"}'])
async def test_malformed_body(chat: NaiveChat, body: bytes) -> None:
    response = await chat.client.post("/chatkit", content=body)
    assert 400 <= response.status_code < 500
    assert response.json()
    await chat.say("hello")


async def test_messages_are_stored(chat: NaiveChat) -> None:
    items = await chat.items(thread_of(await chat.say("hello")))
    assert [text_of(item) for item in items] == ["hello", "".join(SAYS)]


async def test_follow_up_answered(chat: NaiveChat) -> None:
    thread = thread_of(await chat.say("hello"))
    events = await chat.say("again", thread=thread)
    assert done_of(events, "assistant_message")
    assert "again" in chat.model.last


async def test_newest_asked(chat: NaiveChat) -> None:
    thread = thread_of(await chat.say("message 0"))
    for number in range(1, 12):
        await chat.say(f"message {number}", thread=thread)
        assert f"message {number}" in chat.model.last


async def test_messages_once_in_order(chat: NaiveChat) -> None:
    thread = thread_of(await chat.say("one"))
    for text in ("two", "three"):
        await chat.say(text, thread=thread)
    items = await chat.items(thread)
    assert [text_of(i) for i in items if i["type"] == "user_message"] == ["one", "two", "three"]
    assert len({item["id"] for item in items}) == 6
    assert [i["id"] for i in await chat.items(thread, "desc")] == [i["id"] for i in items][::-1]


async def test_thread_by_id(chat: NaiveChat) -> None:
    thread = thread_of(await chat.say("hello"))
    await chat.send("threads.update", thread_id=thread, title="A title")
    found = await chat.send("threads.get_by_id", thread_id=thread)
    assert [text_of(item) for item in found["items"]["data"]] == ["hello", "".join(SAYS)]


async def test_threads_stay_apart(chat: NaiveChat) -> None:
    one = thread_of(await chat.say("the first one"))
    two = thread_of(await chat.say("the second one"))
    assert "the first one" not in chat.model.last
    threads = await chat.send("threads.list", limit=20)
    assert {each["id"] for each in threads["data"]} == {one, two}
    assert "first" not in json.dumps(await chat.items(two))


@pytest.mark.parametrize("status", [500, 429])
async def test_model_failure_and_after(chat: NaiveChat, status: int) -> None:
    thread = thread_of(await chat.say("hello"))
    chat.model.fails_with = status
    events = await chat.say("again", thread=thread)
    assert "error" in [e["type"] for e in events]
    chat.model.fails_with = 0
    assert "again" in json.dumps(await chat.items(thread))
    assert done_of(await chat.say("once more", thread=thread), "assistant_message")


async def test_key_from_environment(chat: NaiveChat) -> None:
    await chat.say("hello")
    assert chat.model.keys == {KEY}


async def test_others_meanwhile(chat: NaiveChat) -> None:
    both = await asyncio.gather(chat.client.get("/nothing"), chat.say("hello"))
    assert both[0].status_code == 404
