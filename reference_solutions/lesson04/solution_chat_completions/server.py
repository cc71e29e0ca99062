"""A ChatKit server over Chat Completions, with a converter of its own.

Two things differ from the Responses API. The Agents SDK gives every message the id `__fake_id__`,
so each answer gets an id of the store here. And `simple_to_agent_input` writes earlier answers in
a form that Chat Completions refuses, so the history is written as plain role and text here.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
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
from chatkit.types import (
    Action,
    AssistantMessageItem,
    HiddenContextItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import Response, StreamingResponse
from openai import AsyncOpenAI
from pydantic import ValidationError

from store import SqliteStore

WINDOW = 50


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
        page = await self.store.load_thread_items(thread.id, None, WINDOW, "desc", context)
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

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: Any,
    ) -> AsyncIterator[ThreadStreamEvent]:
        if action.type != "note_context":
            return
        note = HiddenContextItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(),
            content=action.payload["text"],
        )
        await self.store.add_thread_item(thread.id, note, context)
        for event in ():
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
        elif isinstance(item, HiddenContextItem):
            messages.append({"role": "system", "content": str(item.content)})
    return messages


app = FastAPI()
server = ChatServer(SqliteStore(Path(os.environ.get("CHATKIT_DATA_DIR", ".")) / "threads.db"))


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), {})
    except ValidationError as error:
        raise HTTPException(400, "not a ChatKit request") from error
    if isinstance(result, StreamingResult):
        return StreamingResponse(
            result,
            media_type="text/event-stream",
            headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
        )
    return Response(result.json, media_type="application/json")
