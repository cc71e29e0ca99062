"""A ChatKit server without the Agents SDK: the OpenAI client, and events made by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import uuid4

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    Attachment,
    Page,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from openai import AsyncOpenAI
from openai.types.responses import ResponseInputItemParam
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

client = AsyncOpenAI(max_retries=0)


class ListStore(Store[None]):
    """Plain lists, oldest first. Ids are long, so that they never meet."""

    def __init__(self) -> None:
        self.threads: dict[str, str] = {}
        self.items: defaultdict[str, list[ThreadItem]] = defaultdict(list)

    def generate_thread_id(self, context: None) -> str:
        return str(uuid4())

    def generate_item_id(self, item_type: str, thread: ThreadMetadata, context: None) -> str:
        return f"{item_type}-{uuid4()}"

    async def load_thread(self, thread_id: str, context: None) -> ThreadMetadata:
        if thread_id not in self.threads:
            raise NotFoundError(thread_id)
        return ThreadMetadata.model_validate_json(self.threads[thread_id])

    async def save_thread(self, thread: ThreadMetadata, context: None) -> None:
        self.threads[thread.id] = thread.model_dump_json()

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: None
    ) -> Page[ThreadMetadata]:
        threads = [ThreadMetadata.model_validate_json(data) for data in self.threads.values()]
        return cut(threads, limit, after, order)

    async def delete_thread(self, thread_id: str, context: None) -> None:
        del self.threads[thread_id]
        del self.items[thread_id]

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: None
    ) -> Page[ThreadItem]:
        return cut(self.items[thread_id], limit, after, order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: None) -> None:
        self.items[thread_id].append(item)

    async def save_item(self, thread_id: str, item: ThreadItem, context: None) -> None:
        items = self.items[thread_id]
        items[[old.id for old in items].index(item.id)] = item

    async def load_item(self, thread_id: str, item_id: str, context: None) -> ThreadItem:
        for item in self.items[thread_id]:
            if item.id == item_id:
                return item
        raise NotFoundError(item_id)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: None) -> None:
        self.items[thread_id] = [item for item in self.items[thread_id] if item.id != item_id]

    async def save_attachment(self, attachment: Attachment, context: None) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: None) -> Attachment:
        raise NotImplementedError

    async def delete_attachment(self, attachment_id: str, context: None) -> None:
        raise NotImplementedError


def cut(records: list[Any], limit: int, after: str | None, order: str) -> Page[Any]:
    """The page of `records` (oldest first) that comes after the record with id `after`."""
    rest = records[::-1] if order == "desc" else records[:]
    if after is not None:
        rest = rest[[record.id for record in rest].index(after) + 1 :]
    has_more = len(rest) > limit
    return Page(
        data=rest[:limit], has_more=has_more, after=rest[limit - 1].id if has_more else None
    )


class HandMadeServer(ChatKitServer[None]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: None
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        history = [as_input(item) for item in reversed(page.data)]
        stream = await client.responses.create(model="gpt-4.1", input=history, stream=True)
        item = AssistantMessageItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(),
            content=[],
        )
        yield ThreadItemAddedEvent(item=item)
        yield ThreadItemUpdatedEvent(
            item_id=item.id,
            update=AssistantMessageContentPartAdded(
                content_index=0, content=AssistantMessageContent(text="")
            ),
        )
        text = ""
        async for event in stream:
            if event.type == "response.output_text.delta":
                text += event.delta
                yield ThreadItemUpdatedEvent(
                    item_id=item.id,
                    update=AssistantMessageContentPartTextDelta(content_index=0, delta=event.delta),
                )
        content = AssistantMessageContent(text=text)
        yield ThreadItemUpdatedEvent(
            item_id=item.id,
            update=AssistantMessageContentPartDone(content_index=0, content=content),
        )
        yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [content]}))


def as_input(item: ThreadItem) -> ResponseInputItemParam:
    assert isinstance(item, UserMessageItem | AssistantMessageItem)
    role = "user" if isinstance(item, UserMessageItem) else "assistant"
    return {"role": role, "content": "".join(part.text for part in item.content)}


server = HandMadeServer(ListStore())


async def chatkit(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), None)
    except ValidationError as error:
        return JSONResponse({"errors": error.error_count()}, status_code=400)
    if isinstance(result, StreamingResult):
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(result, headers=headers, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")


app = Starlette(routes=[Route("/chatkit", chatkit, methods=["POST"])])
