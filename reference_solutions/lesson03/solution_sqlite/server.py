"""Threads in an SQLite file: saving awaits, so it is shielded when the client has gone."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import anyio
from agents import Agent, RunContextWrapper, Runner, RunResultStreaming, function_tool
from chatkit.agents import AgentContext, ThreadItemConverter, stream_agent_response
from chatkit.server import ChatKitServer, NonStreamingResult
from chatkit.types import (
    ProgressUpdateEvent,
    ThreadItem,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from store import SqliteStore


def read_all_documents(topic: str) -> str:
    """Stands for slow work that cannot be awaited."""
    time.sleep(10)
    return f"Nothing urgent about {topic}."


@function_tool
async def analyze_documents(ctx: RunContextWrapper[AgentContext[None]], topic: str) -> str:
    """Analyze the documents about a topic."""
    progress = ProgressUpdateEvent(icon="document", text=f"Analyzing documents about {topic}...")
    await ctx.context.stream(progress)
    return await asyncio.to_thread(read_all_documents, topic)


assistant = Agent[AgentContext[None]](
    name="TaskManager",
    instructions="You keep the user's list of tasks.",
    model="gpt-4.1-mini",
    tools=[analyze_documents],
)
converter = ThreadItemConverter()


class Server(ChatKitServer[None]):
    running: ClassVar[dict[str, RunResultStreaming]] = {}

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: None,
    ) -> AsyncIterator[ThreadStreamEvent]:
        newest = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(
            assistant,
            input=await converter.to_agent_input(newest.data[::-1]),
            context=agent_context,
        )
        older, self.running[thread.id] = self.running.get(thread.id), result
        if older is not None:
            self.stop(older)
        finished = False
        try:
            async for event in stream_agent_response(agent_context, result):
                yield event
            finished = True
        finally:
            if not finished:
                self.stop(result)

    def stop(self, result: RunResultStreaming) -> None:
        result.cancel(mode="immediate")

    async def handle_stream_cancelled(
        self, thread: ThreadMetadata, pending_items: list[ThreadItem], context: None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await super().handle_stream_cancelled(thread, pending_items, context)


class EventStream(StreamingResponse):
    """Listens for the client's leaving itself, whatever Starlette does."""

    media_type = "text/event-stream"

    def __init__(self, content: Any) -> None:
        headers = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
        super().__init__(content, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as group:

            async def leave() -> None:
                await self.listen_for_disconnect(receive)
                group.cancel_scope.cancel()

            group.start_soon(leave)
            await self.stream_response(send)
            group.cancel_scope.cancel()


app = FastAPI(title="TaskManager")
chat_server = Server(SqliteStore(Path(os.environ.get("CHATKIT_DATA_DIR", ".")) / "lesson03.db"))


@app.exception_handler(ValidationError)
async def refuse(request: Request, error: ValidationError) -> JSONResponse:
    return JSONResponse({"error": {"message": "malformed request"}}, status_code=422)


@app.post("/chatkit")
async def chatkit_endpoint(request: Request) -> Response:
    result = await chat_server.process(await request.body(), None)
    if isinstance(result, NonStreamingResult):
        return Response(content=result.json, media_type="application/json")
    return EventStream(result)
