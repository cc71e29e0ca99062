"""The TaskManager agent with a memory: history, preferences and hidden context."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

from agents import Agent, RunContextWrapper, Runner, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
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
from openai import BadRequestError
from pydantic import ValidationError

from store import Context, SqliteStore

HISTORY_ITEMS = 20
SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


@function_tool
async def save_preference(
    context: RunContextWrapper[AgentContext[Context]], key: str, value: str
) -> str:
    """Remember what the user prefers, for the rest of this thread."""
    # The SDK sees that the thread has changed, and saves it.
    context.context.thread.metadata.setdefault("preferences", {})[key] = value
    return "saved"


def instructions(
    context: RunContextWrapper[AgentContext[Context]], agent: Agent[AgentContext[Context]]
) -> str:
    """One agent serves all threads, so what is of one thread comes from the context."""
    preferences = context.context.thread.metadata.get("preferences", {})
    known = "".join(f"\n- {key}: {value}" for key, value in preferences.items())
    return f"You help people to plan their day.\nWhat this user prefers:{known or ' unknown'}"


agent = Agent[AgentContext[Context]](
    name="TaskManager", instructions=instructions, tools=[save_preference], model="gpt-5-mini"
)


class TaskManagerServer(ChatKitServer[Context]):
    """Answers each message with the agent, which sees the newest items of the thread."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        # The SDK has stored the user's message already, so it is the newest item of this page.
        page = await self.store.load_thread_items(
            thread.id, after=None, limit=HISTORY_ITEMS, order="desc", context=context
        )
        items = list(reversed(page.data))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        while True:
            agent_input = await simple_to_agent_input(items)
            result = Runner.run_streamed(agent, agent_input, context=agent_context)
            try:
                async for event in stream_agent_response(agent_context, result):
                    yield event
                return
            except BadRequestError as error:
                if error.code != "context_length_exceeded" or len(items) == 1:
                    raise
                items = items[len(items) // 2 :]  # the newer half; the newest message stays

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        if action.type == "note_context":
            # The SDK stores this item, and does not send it to the client.
            yield ThreadItemDoneEvent(
                item=HiddenContextItem(
                    id=self.store.generate_item_id("message", thread, context),
                    thread_id=thread.id,
                    created_at=datetime.now(),
                    content=action.payload["text"],
                )
            )


app = FastAPI()
server = TaskManagerServer(SqliteStore(Path(os.environ.get("CHATKIT_DATA_DIR", ".")) / "chat.db"))


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    context: Context = {}
    try:
        result = await server.process(await request.body(), context)
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream", headers=SSE_HEADERS)
    return Response(result.json, media_type="application/json")
