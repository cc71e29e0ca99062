"""A ChatKit server without any SDK of the model: it reads the provider's stream by itself."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
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
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from store import Context, MemoryStore

URL = "https://api.openai.com/v1/responses"
client = httpx.AsyncClient(
    headers={"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}, timeout=60
)


async def deltas_of(history: list[dict[str, str]]) -> AsyncIterator[str]:
    """What the model says, piece by piece."""
    body = {"model": "gpt-5-mini", "input": history, "stream": True}
    async with client.stream("POST", URL, json=body) as response:
        response.raise_for_status()
        async for line in lines_of(response):
            if not line.startswith("data:"):
                continue
            event = json.loads(line.removeprefix("data:"))
            if event["type"] == "response.output_text.delta":
                yield event["delta"]
            elif event["type"] in ("response.failed", "error"):
                raise RuntimeError("the model failed")


async def lines_of(response: httpx.Response) -> AsyncIterator[str]:
    """The lines of a stream, however the network has cut its bytes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    waiting = ""
    async for chunk in response.aiter_bytes():
        *lines, waiting = (waiting + decoder.decode(chunk)).split("\n")
        for line in lines:
            yield line


class RawServer(ChatKitServer[Context]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Context
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        history = [as_input(item) for item in reversed(page.data)]
        item = AssistantMessageItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(),
            content=[],
        )
        yield ThreadItemAddedEvent(item=item)
        yield update_of(
            item,
            AssistantMessageContentPartAdded(
                content_index=0, content=AssistantMessageContent(text="")
            ),
        )
        text = ""
        async for delta in deltas_of(history):
            text += delta
            yield update_of(item, AssistantMessageContentPartTextDelta(content_index=0, delta=delta))
        content = AssistantMessageContent(text=text)
        yield update_of(item, AssistantMessageContentPartDone(content_index=0, content=content))
        yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [content]}))


def update_of(item: AssistantMessageItem, update: Any) -> ThreadItemUpdatedEvent:
    return ThreadItemUpdatedEvent(item_id=item.id, update=update)


def as_input(item: ThreadItem) -> dict[str, str]:
    assert isinstance(item, UserMessageItem | AssistantMessageItem)
    role = "user" if isinstance(item, UserMessageItem) else "assistant"
    return {"role": role, "content": "".join(part.text for part in item.content)}


app = FastAPI()
server = RawServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), context={})
    except ValidationError:
        return JSONResponse({"error": "malformed request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(
            result,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )
    return Response(result.json, media_type="application/json")
