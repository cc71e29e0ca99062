"""A ChatKit server that asks with one message: the whole conversation, folded into a prompt.

The sync OpenAI client runs in a thread, and its pieces come back to the loop through a queue, so
one slow answer does not stop the others.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from openai import OpenAI
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import create_async_engine

from store import SqlStore

PROMPT = """This is the conversation so far:
{conversation}

Write the assistant's next message."""

client = OpenAI(api_key=os.environ["OPENAI_API_KEY"])


class FoldedServer(ChatKitServer[Any]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        pieces = pieces_of_answer(PROMPT.format(conversation=fold(page.data[::-1])))
        item_id = self.store.generate_item_id("message", thread, context)

        def message(*content: AssistantMessageContent) -> AssistantMessageItem:
            return AssistantMessageItem(
                id=item_id,
                thread_id=thread.id,
                created_at=datetime.now(),
                content=list(content),
            )

        text = ""
        async for piece in pieces:
            if not text:
                yield ThreadItemAddedEvent(item=message())
                part = AssistantMessageContent(text="")
                yield updated(
                    item_id, AssistantMessageContentPartAdded(content_index=0, content=part)
                )
            text += piece
            delta = AssistantMessageContentPartTextDelta(content_index=0, delta=piece)
            yield updated(item_id, delta)
        whole = AssistantMessageContent(text=text)
        yield updated(item_id, AssistantMessageContentPartDone(content_index=0, content=whole))
        yield ThreadItemDoneEvent(item=message(whole))


def updated(item_id: str, update: Any) -> ThreadItemUpdatedEvent:
    return ThreadItemUpdatedEvent(item_id=item_id, update=update)


def fold(items: list[ThreadItem]) -> str:
    """The messages of a thread as one text, oldest first."""
    lines = []
    for item in items:
        if isinstance(item, UserMessageItem | AssistantMessageItem):
            who = "User" if isinstance(item, UserMessageItem) else "Assistant"
            lines.append(f"{who}: " + "".join(part.text for part in item.content))
    return "\n".join(lines)


async def pieces_of_answer(prompt: str) -> AsyncIterator[str]:
    """The pieces of the model's answer, read in a thread; an exception there is raised here."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        try:
            stream = client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": prompt}], stream=True
            )
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    loop.call_soon_threadsafe(queue.put_nowait, chunk.choices[0].delta.content)
        finally:
            loop.call_soon_threadsafe(queue.put_nowait, None)

    reading = asyncio.create_task(asyncio.to_thread(read))
    while (piece := await queue.get()) is not None:
        yield piece
    await reading


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
