"""A small ChatKit server over an in-memory store and a model that always says "hi".

Exists only so that the fork server can play a conversation once; it is no example for students.
"""

# ruff: noqa: ARG002 - the SDK prescribes the signatures

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import Store
from chatkit.types import Page, ThreadItem, ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI

_MESSAGE = {
    "id": "msg_warm",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "hi", "annotations": []}],
}
_RESPONSE = {
    "id": "resp_warm",
    "object": "response",
    "created_at": 0,
    "model": "warm",
    "status": "completed",
    "output": [_MESSAGE],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
_PART = {"item_id": "msg_warm", "output_index": 0, "content_index": 0}
_RESPONSES_EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "response.created", "response": {**_RESPONSE, "output": []}},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {**_MESSAGE, "content": [], "status": "in_progress"},
    },
    {
        "type": "response.content_part.added",
        **_PART,
        "part": {"type": "output_text", "text": "", "annotations": []},
    },
    {"type": "response.output_text.delta", **_PART, "delta": "hi", "logprobs": []},
    {"type": "response.output_text.done", **_PART, "text": "hi", "logprobs": []},
    {"type": "response.content_part.done", **_PART, "part": _MESSAGE["content"][0]},
    {"type": "response.output_item.done", "output_index": 0, "item": _MESSAGE},
    {"type": "response.completed", "response": _RESPONSE},
)
_CHUNK = {"id": "chatcmpl-warm", "object": "chat.completion.chunk", "created": 0, "model": "warm"}
_COMPLETIONS_EVENTS: tuple[dict[str, Any], ...] = (
    {**_CHUNK, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}}]},
    {**_CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
)


def _answer(request: httpx2.Request) -> httpx2.Response:
    if request.url.path.endswith("/responses"):
        lines = [
            f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n"
            for number, event in enumerate(_RESPONSES_EVENTS)
        ]
    else:
        lines = [f"data: {json.dumps(event)}\n\n" for event in _COMPLETIONS_EVENTS]
        lines.append("data: [DONE]\n\n")
    return httpx2.Response(
        200, headers={"content-type": "text/event-stream"}, content="".join(lines).encode()
    )


class _MemoryStore(Store[None]):
    def __init__(self) -> None:
        self._threads: dict[str, ThreadMetadata] = {}
        self._items: dict[str, list[ThreadItem]] = {}

    async def load_thread(self, thread_id: str, context: None) -> ThreadMetadata:
        return self._threads[thread_id].model_copy(deep=True)

    async def save_thread(self, thread: ThreadMetadata, context: None) -> None:
        self._threads[thread.id] = ThreadMetadata(**thread.model_dump(exclude={"items"}))

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: None
    ) -> Page[ThreadMetadata]:
        return Page(data=list(self._threads.values()))

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: None
    ) -> Page[ThreadItem]:
        items = self._items.get(thread_id, [])
        return Page(data=items[::-1] if order == "desc" else list(items))

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: None) -> None:
        self._items.setdefault(thread_id, []).append(item)

    async def save_item(self, thread_id: str, item: ThreadItem, context: None) -> None:
        await self.add_thread_item(thread_id, item, context)

    async def load_item(self, thread_id: str, item_id: str, context: None) -> ThreadItem:
        return next(item for item in self._items[thread_id] if item.id == item_id)

    async def delete_thread(self, thread_id: str, context: None) -> None:
        self._threads.pop(thread_id)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: None) -> None:
        self._items[thread_id] = [item for item in self._items[thread_id] if item.id != item_id]

    async def save_attachment(self, attachment: Any, context: None) -> None:
        return None

    async def load_attachment(self, attachment_id: str, context: None) -> Any:
        return None

    async def delete_attachment(self, attachment_id: str, context: None) -> None:
        return None


@function_tool
def _nothing(word: str) -> str:
    """Do nothing; builds the schema of a tool."""
    return word


class _Server(ChatKitServer[None]):
    def __init__(self, agent: Agent[AgentContext[None]]) -> None:
        super().__init__(_MemoryStore())
        self._agent = agent

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: None
    ) -> AsyncIterator[ThreadStreamEvent]:
        items = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        # The converter of Chat Completions refuses assistant items here (openai-agents 0.24.0).
        history = [item for item in items.data[::-1] if item.type == "user_message"]
        agent_context = AgentContext[None](thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(
            self._agent, await simple_to_agent_input(history), context=agent_context
        )
        async for event in stream_agent_response(agent_context, result):
            yield event


def make_app(kind: str) -> FastAPI:
    """Make the app; ``kind`` is ``responses`` or ``chat_completions``."""
    client = AsyncOpenAI(
        api_key="warm",
        http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(_answer)),
    )
    model_class = OpenAIResponsesModel if kind == "responses" else OpenAIChatCompletionsModel
    model = model_class(model="warm", openai_client=client)
    agent = Agent[AgentContext[None]](name="warm", model=model, tools=[_nothing])
    server = _Server(agent)
    app = FastAPI()

    @app.post("/chatkit")
    async def chatkit(request: Request) -> Response:
        result = await server.process(await request.body(), None)
        if isinstance(result, StreamingResult):
            return StreamingResponse(result, media_type="text/event-stream")
        return Response(result.json, media_type="application/json")

    return app
