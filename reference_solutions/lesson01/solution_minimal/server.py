"""Only what is needed: one event, plain lists for a store, Starlette."""

from datetime import datetime
from uuid import uuid4

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import AssistantMessageContent, AssistantMessageItem, Page, ThreadItemDoneEvent
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

threads, items = {}, {}


def cut(records, limit, after, order):
    records = records[::-1] if order == "desc" else list(records)
    if after is not None:
        records = records[[record.id for record in records].index(after) + 1 :]
    return Page(data=records[:limit], has_more=len(records) > limit)


async def unsupported(self, *_):
    raise NotImplementedError


class ListStore(Store[None]):
    save_attachment = load_attachment = delete_attachment = unsupported

    async def load_thread(self, thread_id, context):
        if thread_id not in threads:
            raise NotFoundError(thread_id)
        return threads[thread_id]

    async def save_thread(self, thread, context):
        threads[thread.id] = thread
        items.setdefault(thread.id, [])

    async def load_threads(self, limit, after, order, context):
        return cut(list(threads.values()), limit, after, order)

    async def delete_thread(self, thread_id, context):
        del threads[thread_id], items[thread_id]

    async def load_thread_items(self, thread_id, after, limit, order, context):
        return cut(items[thread_id], limit, after, order)

    async def add_thread_item(self, thread_id, item, context):
        items[thread_id].append(item)

    async def save_item(self, thread_id, item, context):
        items[thread_id] = [item if old.id == item.id else old for old in items[thread_id]]

    async def load_item(self, thread_id, item_id, context):
        for item in items[thread_id]:
            if item.id == item_id:
                return item
        raise NotFoundError(item_id)

    async def delete_thread_item(self, thread_id, item_id, context):
        items[thread_id] = [item for item in items[thread_id] if item.id != item_id]


class Greeter(ChatKitServer[None]):
    async def respond(self, thread, input_user_message, context):
        words = " ".join(part.text for part in input_user_message.content)
        text = f"Grüß Gott! Du sagst: {words}"
        yield ThreadItemDoneEvent(
            item=AssistantMessageItem(
                id=str(uuid4()),
                thread_id=thread.id,
                created_at=datetime.now(),
                content=[AssistantMessageContent(text=text)],
            )
        )


greeter = Greeter(ListStore())


async def chatkit(request):
    result = await greeter.process(await request.body(), None)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")


app = Starlette(routes=[Route("/chatkit", chatkit, methods=["POST"])])
