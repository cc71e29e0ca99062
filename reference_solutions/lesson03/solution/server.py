"""The TaskManager agent behind a ChatKit server that streams, and that can be interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, RunContextWrapper, Runner, RunResultStreaming, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
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


class Draft:
    """The assistant message that is being streamed, as far as it has come."""

    def __init__(self) -> None:
        self.item: AssistantMessageItem | None = None

    def follow(self, event: ThreadStreamEvent) -> None:
        match event:
            case ThreadItemAddedEvent(item=AssistantMessageItem() as item):
                self.item = item.model_copy(update={"content": [AssistantMessageContent(text="")]})
            case ThreadItemUpdatedEvent(update=AssistantMessageContentPartTextDelta(delta=delta)):
                if self.item is not None:
                    self.item.content[0].text += delta
            case ThreadItemDoneEvent(item=AssistantMessageItem()):
                self.item = None

    @property
    def text(self) -> str:
        return self.item.content[0].text if self.item is not None else ""


class TaskManagerServer(ChatKitServer[Context]):
    """Answers each message with the agent; a new message ends the answer that still streams."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.running: dict[str, RunResultStreaming] = {}

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        if thread.id in self.running:
            self.running.pop(thread.id).cancel()
        page = await self.store.load_thread_items(
            thread.id, after=None, limit=HISTORY_ITEMS, order="desc", context=context
        )
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        self.running[thread.id] = result
        draft = Draft()
        try:
            async for event in stream_agent_response(agent_context, result):
                draft.follow(event)
                yield event
            if draft.item is not None and draft.text:
                # A newer message has ended this answer: keep what was said so far.
                yield ThreadItemDoneEvent(item=draft.item)
        finally:
            # Also when the client has gone: the model need not go on.
            result.cancel()
            if self.running.get(thread.id) is result:
                del self.running[thread.id]


class ChatKitResponse(StreamingResponse):
    """A stream that ends at once when the client goes, whatever the ASGI version is.

    From version 2.4 on Starlette only notices it when it sends the next event, and then the SDK
    is not told: what was said so far would be lost.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asgi: dict[str, Any] = {**scope["asgi"], "spec_version": "2.3"}
        await super().__call__({**scope, "asgi": asgi}, receive, send)


app = FastAPI()
server = TaskManagerServer(MemoryStore())


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
