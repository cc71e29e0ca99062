"""A ChatKit server that asks with one message: all that was said, folded into a transcript."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from agents import Agent, RunContextWrapper, Runner, function_tool
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.errors import CustomStreamError
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    Action,
    AssistantMessageItem,
    HiddenContextItem,
    ThreadItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from openai import BadRequestError
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import create_async_engine

from store import SqlStore

PROMPT = """What is known about the user: {preferences}

The conversation so far:
{conversation}

Write the assistant's next message."""
TRIES = (10, 4)


@dataclass
class Preferences:
    """What the model asked to remember while it answered one message."""

    new: dict[str, str] = field(default_factory=dict)


@function_tool
def save_preference(
    context: RunContextWrapper[AgentContext[Preferences]], key: str, value: str
) -> str:
    """Note what the user likes."""
    context.context.request_context.new[key] = value
    return "noted"


agent = Agent[AgentContext[Preferences]](
    name="Assistant", instructions="Continue the conversation.", tools=[save_preference]
)


class FoldedServer(ChatKitServer[Any]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> AsyncIterator[ThreadStreamEvent]:
        for limit in TRIES:
            page = await self.store.load_thread_items(thread.id, None, limit, "desc", context)
            prompt = PROMPT.format(
                preferences=thread.metadata.get("preferences", "nothing"),
                conversation=fold(page.data[::-1]),
            )
            preferences = Preferences()
            agent_context = AgentContext(
                thread=thread, store=self.store, request_context=preferences
            )
            result = Runner.run_streamed(agent, prompt, context=agent_context)
            try:
                async for event in stream_agent_response(agent_context, result):
                    yield event
            except BadRequestError as error:
                if error.code == "context_length_exceeded":
                    continue
                raise
            if preferences.new:
                known = thread.metadata.get("preferences", {})
                thread.metadata["preferences"] = {**known, **preferences.new}
            return
        raise CustomStreamError("This conversation is too long for the model.", allow_retry=False)

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: Any,
    ) -> AsyncIterator[ThreadStreamEvent]:
        if action.type == "note_context":
            yield ThreadItemDoneEvent(
                item=HiddenContextItem(
                    id=self.store.generate_item_id("message", thread, context),
                    thread_id=thread.id,
                    created_at=datetime.now(),
                    content=action.payload,
                )
            )


def fold(items: list[ThreadItem]) -> str:
    """The items of a thread as one text, oldest first."""
    lines = []
    for item in items:
        match item:
            case UserMessageItem():
                lines.append("User: " + "".join(part.text for part in item.content))
            case AssistantMessageItem():
                lines.append("Assistant: " + "".join(part.text for part in item.content))
            case HiddenContextItem():
                lines.append(f"(The user does not see this: {item.content['text']})")
    return "\n".join(lines)


data_dir = Path(os.environ.get("CHATKIT_DATA_DIR", "."))
store = SqlStore(create_async_engine(f"sqlite+aiosqlite:///{data_dir / 'folded.db'}"))
server = FoldedServer(store)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await store.create_tables()
    yield
    await store.engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), {})
    except ValidationError as error:
        return JSONResponse({"error": error.errors()[0]["msg"]}, status_code=400)
    if isinstance(result, StreamingResult):
        response: Response = StreamingResponse(result, media_type="text/event-stream")
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Accel-Buffering"] = "no"
        return response
    return Response(result.json, media_type="application/json")
