"""A ChatKit server that lets OpenAI remember: each request names the response before it.

Such a chain grows for ever, so a new one begins now and then, with the newest items of the store.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

from agents import Agent, RunContextWrapper, Runner, function_tool
from chatkit.agents import AgentContext, ThreadItemConverter, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    Action,
    HiddenContextItem,
    ThreadItem,
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

FRESH_ITEMS = 12
MOST_ITEMS = 40
converter = ThreadItemConverter()


@function_tool
async def save_preference(
    context: RunContextWrapper[AgentContext[Context]], key: str, value: str
) -> str:
    """Save a preference of the user for this conversation."""
    context.context.thread.metadata.setdefault("preferences", {})[key] = value
    return "Done."


async def instructions(
    context: RunContextWrapper[AgentContext[Context]], agent: Agent[AgentContext[Context]]
) -> str:
    preferences = context.context.thread.metadata.get("preferences", {})
    return "Help with tasks. " + " ".join(f"The user's {k} is {v}." for k, v in preferences.items())


agent = Agent[AgentContext[Context]](
    name="TaskManager", instructions=instructions, tools=[save_preference], model="gpt-5"
)


class ChainServer(ChatKitServer[Context]):
    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        previous, known = thread.metadata.get("chain", (None, 0))
        if known > MOST_ITEMS:
            previous, known = None, 0
        try:
            async for event in self.answer(thread, context, previous, known):
                yield event
        except BadRequestError as error:
            if error.code != "context_length_exceeded" or previous is None:
                raise
            async for event in self.answer(thread, context, None, 0):
                yield event

    async def answer(
        self, thread: ThreadMetadata, context: Context, previous: str | None, known: int
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Run the agent with what the response `previous` does not know yet."""
        if previous is None:
            page = await self.store.load_thread_items(thread.id, None, FRESH_ITEMS, "desc", context)
            items = page.data[::-1]
        else:
            items = await self.items_since_answer(thread, context)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(
            agent,
            await converter.to_agent_input(items),
            context=agent_context,
            previous_response_id=previous,
        )
        async for event in stream_agent_response(agent_context, result):
            yield event
        thread.metadata["chain"] = (result.last_response_id, known + len(items) + 1)

    async def items_since_answer(
        self, thread: ThreadMetadata, context: Context
    ) -> list[ThreadItem]:
        page = await self.store.load_thread_items(thread.id, None, FRESH_ITEMS, "desc", context)
        types = [item.type for item in page.data]
        end = types.index("assistant_message") if "assistant_message" in types else len(types)
        return page.data[:end][::-1]

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        if action.type == "note_context":
            yield ThreadItemDoneEvent(
                item=HiddenContextItem(
                    id=self.store.generate_item_id("message", thread, context),
                    thread_id=thread.id,
                    created_at=datetime.now(),
                    content=action.payload["text"],
                )
            )


app = FastAPI()
server = ChainServer(SqliteStore(Path(os.environ.get("CHATKIT_DATA_DIR", ".")) / "chain.db"))


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), {})
    except ValidationError:
        return JSONResponse({"error": "malformed request"}, status_code=400)
    if isinstance(result, StreamingResult):
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(result, media_type="text/event-stream", headers=headers)
    return Response(result.json, media_type="application/json")
