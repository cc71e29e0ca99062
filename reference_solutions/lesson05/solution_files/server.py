"""A ChatKit server over Chat Completions that keeps one file for each thread."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    RunContextWrapper,
    Runner,
    TResponseInputItem,
    function_tool,
)
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import (
    AssistantMessageItem,
    ErrorEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from openai import AsyncOpenAI
from pydantic import ValidationError

from files import FileStore


@function_tool
async def save_preference(
    context: RunContextWrapper[AgentContext[Any]], key: str, value: str
) -> str:
    """Save something that the user prefers."""
    thread = context.context.thread
    thread.metadata = {**thread.metadata, f"preference:{key}": value}
    await context.context.store.save_thread(thread, context.context.request_context)
    return f"Saved {key}."


agent = Agent[AgentContext[Any]](
    name="Helper",
    instructions="Be brief.",
    tools=[save_preference],
    model=OpenAIChatCompletionsModel(model="gpt-4o-mini", openai_client=AsyncOpenAI()),
)


class ChatServer(ChatKitServer[Any]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 50, "desc", context)
        messages = [preferences_of(thread), *to_messages(reversed(page.data))]
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, messages, context=agent_context)
        async for event in self.with_own_ids(stream_agent_response(agent_context, result), thread):
            yield event

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
                    event.item_id = own_id
            yield event


def preferences_of(thread: ThreadMetadata) -> TResponseInputItem:
    known = [
        f"{name.removeprefix('preference:')} = {value}"
        for name, value in thread.metadata.items()
        if name.startswith("preference:")
    ]
    return {"role": "system", "content": "Preferences of this thread: " + "; ".join(known)}


def to_messages(items: Iterable[ThreadItem]) -> list[TResponseInputItem]:
    """What was said so far, oldest first, as plain messages."""
    messages: list[TResponseInputItem] = []
    for item in items:
        if isinstance(item, UserMessageItem):
            messages.append({"role": "user", "content": "".join(c.text for c in item.content)})
        elif isinstance(item, AssistantMessageItem):
            messages.append({"role": "assistant", "content": "".join(c.text for c in item.content)})
    return messages


app = FastAPI()
server = ChatServer(
    FileStore(
        Path(os.environ.get("CHATKIT_DATA_DIR", ".")),
        ttl_hours=float(os.environ.get("SESSION_TTL_HOURS", "24")),
    )
)


@app.exception_handler(NotFoundError)
async def not_found(_request: Request, error: NotFoundError) -> JSONResponse:
    return JSONResponse({"error": "not found"}, status_code=404)


@app.exception_handler(OSError)
@app.exception_handler(ValueError)
async def not_readable(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": "the storage does not work"}, status_code=503)


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    body = await request.body()
    try:
        thread_id = json.loads(body).get("params", {}).get("thread_id")
    except (ValueError, AttributeError):
        return JSONResponse({"error": "not a ChatKit request"}, status_code=400)
    if thread_id is not None:
        # Before a stream begins, its status can still be changed.
        await server.store.load_thread(thread_id, {})
    try:
        result = await server.process(body, {})
    except ValidationError:
        return JSONResponse({"error": "not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        return StreamingResponse(
            to_the_end(result), media_type="text/event-stream", headers=headers
        )
    return Response(result.json, media_type="application/json")


async def to_the_end(result: StreamingResult) -> AsyncIterator[bytes]:
    try:
        async for chunk in result:
            yield chunk
    except Exception as error:
        event = ErrorEvent(message=type(error).__name__, allow_retry=True)
        yield b"data: " + event.model_dump_json().encode() + b"\n\n"
