"""A ChatKit server whose agent remembers with sessions of the Agents SDK, one for each thread."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

from agents import (
    Agent,
    RunContextWrapper,
    Runner,
    SessionSettings,
    SQLiteSession,
    function_tool,
)
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    Action,
    HiddenContextItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from store import Context, SqliteStore

data_dir = Path(os.environ.get("CHATKIT_DATA_DIR", "."))


@function_tool
def save_preference(
    context: RunContextWrapper[AgentContext[Context]], key: str, value: str
) -> str:
    """Remember a preference of the user."""
    context.context.thread.metadata[key] = value
    return "ok"


def instructions(
    context: RunContextWrapper[AgentContext[Context]], agent: Agent[AgentContext[Context]]
) -> str:
    return f"You help with tasks. The user's preferences: {context.context.thread.metadata}"


agent = Agent[AgentContext[Context]](
    name="TaskManager", instructions=instructions, tools=[save_preference], model="gpt-5-mini"
)


def session_of(thread: ThreadMetadata) -> SQLiteSession:
    """The memory of one thread: all is kept, and the newest 24 items are sent."""
    settings = SessionSettings(limit=24)
    return SQLiteSession(thread.id, data_dir / "memory.db", session_settings=settings)


class SessionServer(ChatKitServer[Context]):
    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        if input_user_message is None:
            return
        session = session_of(thread)
        text = "".join(part.text for part in input_user_message.content)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        # The session adds what was said before; only the new message is given here.
        result = Runner.run_streamed(agent, text, context=agent_context, session=session)
        try:
            async for event in stream_agent_response(agent_context, result):
                yield event
        finally:
            session.close()

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        if action.type != "note_context":
            return
        session = session_of(thread)
        await session.add_items([{"role": "developer", "content": action.payload["text"]}])
        session.close()
        yield ThreadItemDoneEvent(
            item=HiddenContextItem(
                id=self.store.generate_item_id("message", thread, context),
                thread_id=thread.id,
                created_at=datetime.now(),
                content=action.payload["text"],
            )
        )


app = FastAPI()
server = SessionServer(SqliteStore(data_dir / "chat.db"))


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), {})
    except ValidationError:
        return JSONResponse({"error": "malformed request"}, status_code=422)
    if isinstance(result, StreamingResult):
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(result, media_type="text/event-stream", headers=headers)
    return Response(result.json, media_type="application/json")
