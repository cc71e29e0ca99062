"""A ChatKit server that keeps its threads in an SQLite file."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from agents import Agent, Runner
from chatkit.agents import AgentContext, ThreadItemConverter, stream_agent_response
from chatkit.server import ChatKitServer, NonStreamingResult
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from store import SqliteStore


@dataclass
class RequestContext:
    """What one request knows; the next lessons put the user here."""

    request: Request


assistant = Agent[AgentContext[RequestContext]](
    name="TaskManager",
    instructions="You keep the user's list of tasks.",
    model="gpt-4.1-mini",
)
converter = ThreadItemConverter()


def look_for_spam(message: UserMessageItem | None) -> None:
    """Stand for work that takes its time, and so belongs into a thread."""
    time.sleep(0.1)


class Server(ChatKitServer[RequestContext]):
    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        await asyncio.sleep(0.1)  # Waits, and lets the others go on.
        await asyncio.to_thread(look_for_spam, input_user_message)
        newest = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(
            assistant,
            input=await converter.to_agent_input(newest.data[::-1]),
            context=agent_context,
        )
        async for event in stream_agent_response(agent_context, result):
            yield event


app = FastAPI(title="TaskManager")
chat_server = Server(SqliteStore(Path(os.environ.get("CHATKIT_DATA_DIR", ".")) / "lesson02.db"))


@app.exception_handler(ValidationError)
async def refuse(request: Request, error: ValidationError) -> JSONResponse:
    return JSONResponse({"error": {"message": "malformed request"}}, status_code=422)


@app.post("/chatkit")
async def chatkit_endpoint(request: Request) -> Response:
    result = await chat_server.process(await request.body(), RequestContext(request))
    if isinstance(result, NonStreamingResult):
        return Response(content=result.json, media_type="application/json")
    return StreamingResponse(
        result,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
    )
