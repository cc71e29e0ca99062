"""Sends text at most every 90 ms: fewer events, and nobody sees the difference.

An answer ends at the model's next token when there is a newer message in its thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, RunContextWrapper, Runner, RunResultStreaming, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    AssistantMessageContentPartTextDelta,
    ProgressUpdateEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from store import Context, MemoryStore

HISTORY_ITEMS = 20
SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


@function_tool
async def analyze_documents(ctx: RunContextWrapper[AgentContext[Context]], topic: str) -> str:
    """Analyze the user's documents about a topic."""
    await ctx.context.stream(ProgressUpdateEvent(text="Analyzing documents..."))
    await asyncio.sleep(10)
    return f"There are three documents about {topic}."


agent = Agent[AgentContext[Context]](
    name="TaskManager",
    instructions="You help people to plan their day. Answer in short sentences.",
    model="gpt-5-mini",
    tools=[analyze_documents],
)


async def gathered(
    events: AsyncIterator[ThreadStreamEvent], seconds: float
) -> AsyncIterator[ThreadStreamEvent]:
    """The same events, with the text deltas of `seconds` joined to one."""
    waiting: ThreadItemUpdatedEvent | None = None
    coming = asyncio.ensure_future(next_of(events))
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=seconds if waiting else None)
            if not done and waiting is not None:
                yield waiting
                waiting = None
                continue
            event = coming.result()
            if event is not None:
                coming = asyncio.ensure_future(next_of(events))
            if waiting is not None and is_delta(event):
                waiting.update.delta += event.update.delta
                continue
            if waiting is not None:
                yield waiting
                waiting = None
            if event is None:
                return
            if is_delta(event):
                waiting = event
            else:
                yield event
    finally:
        coming.cancel()


async def next_of(events: AsyncIterator[ThreadStreamEvent]) -> ThreadStreamEvent | None:
    return await anext(events, None)


def is_delta(event: ThreadStreamEvent | None) -> bool:
    return isinstance(event, ThreadItemUpdatedEvent) and isinstance(
        event.update, AssistantMessageContentPartTextDelta
    )


class GatheringServer(ChatKitServer[Context]):
    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.newest: dict[str, RunResultStreaming] = {}

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(
            thread.id, after=None, limit=HISTORY_ITEMS, order="desc", context=context
        )
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        self.newest[thread.id] = result
        try:
            async for event in gathered(stream_agent_response(agent_context, result), 0.09):
                if self.newest[thread.id] is not result:
                    break
                yield event
        finally:
            result.cancel()


class ChatKitResponse(StreamingResponse):
    """A stream that ends at once when the client goes, whatever the ASGI version is.

    From version 2.4 on Starlette only notices it when it sends the next event, and then the SDK
    is not told: what was said so far would be lost.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asgi: dict[str, Any] = {**scope["asgi"], "spec_version": "2.3"}
        await super().__call__({**scope, "asgi": asgi}, receive, send)


app = FastAPI()
server = GatheringServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    context: Context = {}
    try:
        result = await server.process(await request.body(), context)
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return ChatKitResponse(result, media_type="text/event-stream", headers=SSE_HEADERS)
    return Response(result.json, media_type="application/json")
