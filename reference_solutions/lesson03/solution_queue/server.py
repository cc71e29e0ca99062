"""Without the Agents SDK: events made by hand. A new message ends the older answer, and waits for
its end, which comes at once."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
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
    ProgressUpdateEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from openai import AsyncOpenAI
from openai.types.responses import (
    FunctionToolParam,
    ResponseFunctionToolCall,
    ResponseInputItemParam,
)
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

client = AsyncOpenAI(max_retries=0)
LONGEST_PAGE = 10


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
    limit = min(limit, LONGEST_PAGE)
    rest = records[::-1] if order == "desc" else records[:]
    if after is not None:
        rest = rest[[record.id for record in rest].index(after) + 1 :]
    has_more = len(rest) > limit
    return Page(
        data=rest[:limit], has_more=has_more, after=rest[limit - 1].id if has_more else None
    )


TOOLS: list[FunctionToolParam] = [
    {
        "type": "function",
        "name": "analyze_documents",
        "description": "Analyze the user's documents about a topic.",
        "parameters": {
            "type": "object",
            "properties": {"topic": {"type": "string"}},
            "required": ["topic"],
            "additionalProperties": False,
        },
        "strict": True,
    }
]


class HandMadeServer(ChatKitServer[None]):
    """One answer at a time in each thread: the newer one waits until the older one has stopped."""

    def __init__(self, store: ListStore) -> None:
        super().__init__(store)
        self.turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.newest: dict[str, asyncio.Event] = {}

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: None
    ) -> AsyncIterator[ThreadStreamEvent]:
        if thread.id in self.newest:
            self.newest[thread.id].set()
        stop = self.newest[thread.id] = asyncio.Event()
        async with aclosing(self.whole_answer(thread)) as events:
            async for event in until(stop, events):
                yield event

    async def whole_answer(self, thread: ThreadMetadata) -> AsyncGenerator[ThreadStreamEvent, None]:
        """The model's words and the tools that it calls, until it calls no more."""
        async with self.turns[thread.id]:
            page = await self.store.load_thread_items(thread.id, None, 20, "desc", None)
            said: list[ResponseInputItemParam] = list(as_input(page.data[::-1]))
            calls: list[ResponseFunctionToolCall] = []
            async for event in self.answer(thread, said, calls):
                yield event
            while calls:
                for call in calls:
                    topic = json.loads(call.arguments)["topic"]
                    yield ProgressUpdateEvent(text=f"Analyzing documents about {topic}...")
                    await asyncio.sleep(10)
                    output = f"Two documents about {topic}."
                    said += [
                        {
                            "type": "function_call",
                            "call_id": call.call_id,
                            "name": call.name,
                            "arguments": call.arguments,
                        },
                        {
                            "type": "function_call_output",
                            "call_id": call.call_id,
                            "output": output,
                        },
                    ]
                calls.clear()
                async for event in self.answer(thread, said, calls):
                    yield event

    async def answer(
        self,
        thread: ThreadMetadata,
        said: list[ResponseInputItemParam],
        calls: list[ResponseFunctionToolCall],
    ) -> AsyncIterator[ThreadStreamEvent]:
        """One call of the model: its text as events, its tool calls into `calls`."""
        item = AssistantMessageItem(
            id=self.store.generate_item_id("message", thread, None),
            thread_id=thread.id,
            created_at=datetime.now(),
            content=[],
        )
        text = ""
        stream = await client.responses.create(
            model="gpt-4.1", input=said, tools=TOOLS, stream=True
        )
        async with stream:
            async for event in stream:
                if event.type == "response.output_text.delta":
                    if not text:
                        yield ThreadItemAddedEvent(item=item)
                        yield updated(
                            item,
                            AssistantMessageContentPartAdded(
                                content_index=0, content=AssistantMessageContent(text="")
                            ),
                        )
                    text += event.delta
                    yield updated(
                        item,
                        AssistantMessageContentPartTextDelta(content_index=0, delta=event.delta),
                    )
                elif event.type == "response.output_item.done":
                    if isinstance(event.item, ResponseFunctionToolCall):
                        calls.append(event.item)
                elif event.type in {"error", "response.failed"}:
                    raise RuntimeError("the model failed")
        if not text:
            return
        content = AssistantMessageContent(text=text)
        yield updated(item, AssistantMessageContentPartDone(content_index=0, content=content))
        yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [content]}))


async def next_of(events: AsyncIterator[ThreadStreamEvent]) -> ThreadStreamEvent | None:
    return await anext(events, None)


async def until(
    stop: asyncio.Event, events: AsyncGenerator[ThreadStreamEvent, None]
) -> AsyncIterator[ThreadStreamEvent]:
    """The same events, until `stop` is set: at once, also while the next one is waited for."""
    stopped = asyncio.ensure_future(stop.wait())
    coming: asyncio.Future[ThreadStreamEvent | None] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(next_of(events))
            await asyncio.wait({coming, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if stopped.done() or (event := coming.result()) is None:
                return
            yield event
    finally:
        stopped.cancel()
        if coming is not None and not coming.done():
            coming.cancel()
            await asyncio.wait({coming})


def updated(item: AssistantMessageItem, update: Any) -> ThreadItemUpdatedEvent:
    return ThreadItemUpdatedEvent(item_id=item.id, update=update)


def as_input(items: list[ThreadItem]) -> Iterator[ResponseInputItemParam]:
    """What was said; hidden items of the SDK are left out."""
    for item in items:
        if isinstance(item, UserMessageItem):
            yield {"role": "user", "content": "".join(part.text for part in item.content)}
        elif isinstance(item, AssistantMessageItem):
            yield {"role": "assistant", "content": "".join(part.text for part in item.content)}


class EventStream(Response):
    """Sends events until they end or the client goes; then their maker is cancelled."""

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        self.events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sending = asyncio.ensure_future(self.send_all(send))
        leaving = asyncio.ensure_future(self.until_gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.wait({sending, leaving})
        if not sending.cancelled():
            sending.result()

    async def send_all(self, send: Send) -> None:
        async for event in self.events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


server = HandMadeServer(ListStore())


async def chatkit(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), None)
    except ValidationError as error:
        return JSONResponse({"errors": error.error_count()}, status_code=400)
    if isinstance(result, StreamingResult):
        return EventStream(result)
    return Response(result.json, media_type="application/json")


app = Starlette(routes=[Route("/chatkit", chatkit, methods=["POST"])])
