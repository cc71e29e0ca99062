"""A store that keeps threads in memory and notes who made each; it guards the list only."""

from __future__ import annotations

from typing import Any

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata

Context = dict[str, Any]


class OwnedMemoryStore(Store[Context]):
    def __init__(self) -> None:
        self.threads: dict[str, ThreadMetadata] = {}
        self.items: dict[str, list[ThreadItem]] = {}
        self.owners: dict[str, str] = {}

    async def load_thread(self, thread_id: str, context: Context) -> ThreadMetadata:
        if thread_id not in self.threads:
            raise NotFoundError(thread_id)
        return self.threads[thread_id].model_copy(deep=True)

    async def save_thread(self, thread: ThreadMetadata, context: Context) -> None:
        self.threads[thread.id] = ThreadMetadata(**thread.model_dump(exclude={"items"}))
        self.items.setdefault(thread.id, [])
        self.owners.setdefault(thread.id, context["user"])

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Context
    ) -> Page[ThreadMetadata]:
        own = [t for t in self.threads.values() if self.owners[t.id] == context["user"]]
        return page_of(own, limit, after, order)

    async def delete_thread(self, thread_id: str, context: Context) -> None:
        for kept in (self.threads, self.items, self.owners):
            kept.pop(thread_id, None)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Context
    ) -> Page[ThreadItem]:
        return page_of(self.items.get(thread_id, []), limit, after, order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        self.items[thread_id].append(item.model_copy(deep=True))

    async def save_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        items = self.items[thread_id]
        items[:] = [item if known.id == item.id else known for known in items]

    async def load_item(self, thread_id: str, item_id: str, context: Context) -> ThreadItem:
        for item in self.items.get(thread_id, []):
            if item.id == item_id:
                return item.model_copy(deep=True)
        raise NotFoundError(item_id)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Context) -> None:
        items = self.items[thread_id]
        items[:] = [item for item in items if item.id != item_id]

    async def save_attachment(self, attachment: Attachment, context: Context) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Context) -> Attachment:
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: Context) -> None:
        raise NotFoundError(attachment_id)


def page_of(records: list[Any], limit: int, after: str | None, order: str) -> Page[Any]:
    ordered = records[::-1] if order == "desc" else records[:]
    ids = [record.id for record in ordered]
    start = ids.index(after) + 1 if after in ids else 0
    data = [record.model_copy(deep=True) for record in ordered[start : start + limit]]
    more = len(ordered) > start + limit
    return Page(data=data, has_more=more, after=data[-1].id if more and data else None)
