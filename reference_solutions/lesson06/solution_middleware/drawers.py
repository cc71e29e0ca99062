"""A store in memory in which each user has a drawer: threads by id, and the items of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata

Record = TypeVar("Record", ThreadItem, ThreadMetadata)


@dataclass
class Drawer:
    threads: dict[str, ThreadMetadata] = field(default_factory=dict)
    items: dict[str, dict[str, ThreadItem]] = field(default_factory=dict)


class DrawerStore(Store[str]):
    """The context is the user's id."""

    def __init__(self) -> None:
        self.drawers: defaultdict[str, Drawer] = defaultdict(Drawer)

    def items_of(self, thread_id: str, user: str) -> dict[str, ThreadItem]:
        items = self.drawers[user].items
        if thread_id not in items:
            raise NotFoundError("no such thread")
        return items[thread_id]

    async def load_thread(self, thread_id: str, context: str) -> ThreadMetadata:
        if thread_id not in self.drawers[context].threads:
            raise NotFoundError("no such thread")
        return self.drawers[context].threads[thread_id].model_copy(deep=True)

    async def save_thread(self, thread: ThreadMetadata, context: str) -> None:
        drawer = self.drawers[context]
        drawer.threads[thread.id] = ThreadMetadata(**thread.model_dump(exclude={"items"}))
        drawer.items.setdefault(thread.id, {})

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: str
    ) -> Page[ThreadMetadata]:
        return page_of(list(self.drawers[context].threads.values()), limit, after, order)

    async def delete_thread(self, thread_id: str, context: str) -> None:
        self.drawers[context].threads.pop(thread_id, None)
        self.drawers[context].items.pop(thread_id, None)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: str
    ) -> Page[ThreadItem]:
        return page_of(list(self.items_of(thread_id, context).values()), limit, after, order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: str) -> None:
        self.items_of(thread_id, context)[item.id] = item.model_copy(deep=True)

    async def save_item(self, thread_id: str, item: ThreadItem, context: str) -> None:
        self.items_of(thread_id, context)[item.id] = item.model_copy(deep=True)

    async def load_item(self, thread_id: str, item_id: str, context: str) -> ThreadItem:
        items = self.items_of(thread_id, context)
        if item_id not in items:
            raise NotFoundError("no such item")
        return items[item_id].model_copy(deep=True)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: str) -> None:
        self.items_of(thread_id, context).pop(item_id, None)

    async def save_attachment(self, attachment: Attachment, context: str) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: str) -> Attachment:
        raise NotFoundError("no such attachment")

    async def delete_attachment(self, attachment_id: str, context: str) -> None:
        raise NotFoundError("no such attachment")


def page_of(records: Sequence[Record], limit: int, after: str | None, order: str) -> Page[Record]:
    ordered = list(reversed(records)) if order == "desc" else list(records)
    ids = [record.id for record in ordered]
    start = ids.index(after) + 1 if after in ids else 0
    data = [record.model_copy(deep=True) for record in ordered[start : start + limit]]
    has_more = start + limit < len(ordered)
    return Page(data=data, has_more=has_more, after=data[-1].id if has_more and data else None)
