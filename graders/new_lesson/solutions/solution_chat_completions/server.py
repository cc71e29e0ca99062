"""The same without an agents SDK: it asks Chat Completions and makes the events by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import Response, StreamingResponse
from openai import AsyncOpenAI
from pydantic import ValidationError

from store import Context, MemoryStore

client = AsyncOpenAI()


class PlainServer(ChatKitServer[Context]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Context
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        answer = await client.chat.completions.create(
            model="gpt-4o-mini",
            messages=[
                {
                    "role": "user" if isinstance(item, UserMessageItem) else "assistant",
                    "content": "".join(part.text for part in item.content),
                }
                for item in reversed(page.data)
            ],
        )
        item = AssistantMessageItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(),
            content=[AssistantMessageContent(text=answer.choices[0].message.content or "")],
        )
        yield ThreadItemDoneEvent(item=item)


app = FastAPI()
server = PlainServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), {})
    except ValidationError as error:
        raise HTTPException(400, "not a ChatKit request") from error
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
