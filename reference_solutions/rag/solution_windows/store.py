"""A store that keeps threads and items in memory. It is complete: you need not change it.

The ChatKit SDK has no ready-made store, only the abstract class `Store`. This one is enough for
this lesson. It forgets everything when the server stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata

Context = dict[str, Any]
Record = TypeVar("Record", ThreadItem, ThreadMetadata)


class MemoryStore(Store[Context]):
    """Threads by id, and the items of each thread in the order in which they were added."""

    def __init__(self) -> None:
        self.threads: dict[str, ThreadMetadata] = {}
        self.items: dict[str, dict[str, ThreadItem]] = {}

    async def load_thread(self, thread_id: str, context: Context) -> ThreadMetadata:
        if thread_id not in self.threads:
            raise NotFoundError(f"no thread {thread_id}")
        return self.threads[thread_id].model_copy(deep=True)

    async def save_thread(self, thread: ThreadMetadata, context: Context) -> None:
        # For a new thread the SDK may hand over a `Thread`, which has `items` too: leave them out.
        self.threads[thread.id] = ThreadMetadata(**thread.model_dump(exclude={"items"}))

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Context
    ) -> Page[ThreadMetadata]:
        return page_of(list(self.threads.values()), limit, after, order)

    async def delete_thread(self, thread_id: str, context: Context) -> None:
        self.threads.pop(thread_id, None)
        self.items.pop(thread_id, None)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Context
    ) -> Page[ThreadItem]:
        return page_of(list(self.items.get(thread_id, {}).values()), limit, after, order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        self.items.setdefault(thread_id, {})[item.id] = item.model_copy(deep=True)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        self.items.setdefault(thread_id, {})[item.id] = item.model_copy(deep=True)

    async def load_item(self, thread_id: str, item_id: str, context: Context) -> ThreadItem:
        if item_id not in self.items.get(thread_id, {}):
            raise NotFoundError(f"no item {item_id} in thread {thread_id}")
        return self.items[thread_id][item_id].model_copy(deep=True)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Context) -> None:
        self.items.get(thread_id, {}).pop(item_id, None)

    async def save_attachment(self, attachment: Attachment, context: Context) -> None:
        raise NotImplementedError("this server takes no attachments")

    async def load_attachment(self, attachment_id: str, context: Context) -> Attachment:
        raise NotFoundError(f"no attachment {attachment_id}")

    async def delete_attachment(self, attachment_id: str, context: Context) -> None:
        raise NotFoundError(f"no attachment {attachment_id}")


def page_of(records: Sequence[Record], limit: int, after: str | None, order: str) -> Page[Record]:
    """Cut one page out of `records`, which are oldest first, as the SDK asks for it."""
    ordered = list(reversed(records)) if order == "desc" else list(records)
    ids = [record.id for record in ordered]
    start = ids.index(after) + 1 if after in ids else 0
    data = [record.model_copy(deep=True) for record in ordered[start : start + limit]]
    has_more = start + limit < len(ordered)
    return Page(data=data, has_more=has_more, after=data[-1].id if has_more and data else None)
