"""A ChatKit server over Chat Completions, as many other providers speak it.

Two things differ from the Responses API. The Agents SDK gives every message the id `__fake_id__`,
so each answer gets an id of the store here. And `simple_to_agent_input` writes earlier answers in
a form that Chat Completions refuses, so the history is written as plain role and text here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Any

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    RunContextWrapper,
    Runner,
    RunResultStreaming,
    TResponseInputItem,
    function_tool,
)
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    AssistantMessageItem,
    ProgressUpdateEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import Response, StreamingResponse
from openai import AsyncOpenAI
from pydantic import ValidationError

from store import MemoryStore


@function_tool
async def analyze_documents(ctx: RunContextWrapper[AgentContext[Any]], topic: str) -> str:
    """Analyze the documents about a topic."""
    for percent in range(0, 100, 10):
        await ctx.context.stream(ProgressUpdateEvent(text=f"Analyzing documents... {percent} %"))
        await asyncio.sleep(1)
    return f"Nothing new about {topic}."


model = OpenAIChatCompletionsModel(model="gpt-4o-mini", openai_client=AsyncOpenAI())
agent = Agent[AgentContext[Any]](
    name="Helper", instructions="Be brief.", model=model, tools=[analyze_documents]
)


class ChatServer(ChatKitServer[Any]):
    """A new message ends the answer that still streams; what was said of it is dropped."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.runs: dict[str, RunResultStreaming] = {}

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> AsyncIterator[ThreadStreamEvent]:
        if (older := self.runs.pop(thread.id, None)) is not None:
            older.cancel()
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, to_messages(reversed(page.data)), context=agent_context)
        self.runs[thread.id] = result
        events = stream_agent_response(agent_context, result)
        try:
            async for event in self.with_own_ids(events, thread):
                yield event
        except asyncio.CancelledError:
            result.cancel()
            raise

    async def with_own_ids(
        self, events: AsyncIterator[ThreadStreamEvent], thread: ThreadMetadata
    ) -> AsyncIterator[ThreadStreamEvent]:
        """The same events, each assistant message under a new id of the store."""
        own_id = ""
        async for event in events:
            match event:
                case ThreadItemAddedEvent(item=AssistantMessageItem()):
                    own_id = self.store.generate_item_id("message", thread, {})
                    event.item.id = own_id
                case ThreadItemDoneEvent(item=AssistantMessageItem()):
                    event.item.id = own_id
                case ThreadItemUpdatedEvent():
                    event.item_id = own_id or event.item_id
            yield event


def to_messages(items: Iterable[ThreadItem]) -> list[TResponseInputItem]:
    """What was said so far, oldest first, as plain messages."""
    messages: list[TResponseInputItem] = []
    for item in items:
        if isinstance(item, UserMessageItem):
            messages.append({"role": "user", "content": "".join(c.text for c in item.content)})
        elif isinstance(item, AssistantMessageItem):
            messages.append({"role": "assistant", "content": "".join(c.text for c in item.content)})
    return messages


async def until_gone(request: Request, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same events; when the client goes, whoever makes them is cancelled."""
    ready: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def make() -> None:
        try:
            async for event in events:
                ready.put_nowait(event)
        finally:
            ready.put_nowait(None)

    async def watch() -> None:
        while not await request.is_disconnected():
            await asyncio.sleep(0.2)
        making.cancel()

    making = asyncio.ensure_future(make())
    watching = asyncio.ensure_future(watch())
    try:
        while (event := await ready.get()) is not None:
            yield event
    finally:
        watching.cancel()
        making.cancel()
        with suppress(asyncio.CancelledError):
            await making


app = FastAPI()
server = ChatServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), {})
    except ValidationError as error:
        raise HTTPException(400, "not a ChatKit request") from error
    if isinstance(result, StreamingResult):
        return StreamingResponse(
            until_gone(request, result),
            media_type="text/event-stream",
            headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
        )
    return Response(result.json, media_type="application/json")
