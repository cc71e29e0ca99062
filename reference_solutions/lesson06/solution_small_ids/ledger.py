"""A store in memory that counts: threads 1, 2, 3 for each user, items 1, 2, 3 in each thread.

The same id means another thread for another user, so every look-up begins with the user.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata

Record = TypeVar("Record", ThreadItem, ThreadMetadata)


@dataclass
class Entry:
    """One thread and its items, in the order in which they were added."""

    thread: ThreadMetadata
    items: dict[str, ThreadItem] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=lambda: count(1))


@dataclass
class Account:
    """The threads of one user."""

    entries: dict[str, Entry] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=lambda: count(1))


class Ledger(Store[str]):
    """The context of each call is the user's id."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = defaultdict(Account)

    def generate_thread_id(self, context: str) -> str:
        return str(next(self.accounts[context].numbers))

    def generate_item_id(self, item_type: object, thread: ThreadMetadata, context: str) -> str:
        return str(next(self._entry(thread.id, context).numbers))

    async def load_thread(self, thread_id: str, context: str) -> ThreadMetadata:
        return self._entry(thread_id, context).thread.model_copy(deep=True)

    async def save_thread(self, thread: ThreadMetadata, context: str) -> None:
        # For a new thread the SDK may hand over a `Thread`, which has `items` too: leave them out.
        saved = ThreadMetadata(**thread.model_dump(exclude={"items"}))
        self.accounts[context].entries.setdefault(thread.id, Entry(saved)).thread = saved

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: str
    ) -> Page[ThreadMetadata]:
        entries = self.accounts[context].entries.values()
        return page_of([entry.thread for entry in entries], limit, after, order)

    async def delete_thread(self, thread_id: str, context: str) -> None:
        self._entry(thread_id, context)
        del self.accounts[context].entries[thread_id]

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: str
    ) -> Page[ThreadItem]:
        items = self._entry(thread_id, context).items
        return page_of(list(items.values()), limit, after, order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: str) -> None:
        self._entry(thread_id, context).items[item.id] = item.model_copy(deep=True)

    async def save_item(self, thread_id: str, item: ThreadItem, context: str) -> None:
        self._entry(thread_id, context).items[item.id] = item.model_copy(deep=True)

    async def load_item(self, thread_id: str, item_id: str, context: str) -> ThreadItem:
        items = self._entry(thread_id, context).items
        if item_id not in items:
            raise NotFoundError(f"no item {item_id} in thread {thread_id}")
        return items[item_id].model_copy(deep=True)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: str) -> None:
        self._entry(thread_id, context).items.pop(item_id, None)

    async def save_attachment(self, attachment: Attachment, context: str) -> None:
        raise NotImplementedError("this server takes no attachments")

    async def load_attachment(self, attachment_id: str, context: str) -> Attachment:
        raise NotFoundError(f"no attachment {attachment_id}")

    async def delete_attachment(self, attachment_id: str, context: str) -> None:
        raise NotFoundError(f"no attachment {attachment_id}")

    def _entry(self, thread_id: str, user: str) -> Entry:
        entry = self.accounts[user].entries.get(thread_id)
        if entry is None:
            raise NotFoundError(f"no thread {thread_id}")
        return entry


def page_of(records: Sequence[Record], limit: int, after: str | None, order: str) -> Page[Record]:
    ordered = list(reversed(records)) if order == "desc" else list(records)
    ids = [record.id for record in ordered]
    if after is not None:
        ordered = ordered[ids.index(after) + 1 :] if after in ids else []
    data = [record.model_copy(deep=True) for record in ordered[:limit]]
    has_more = len(ordered) > limit
    return Page(data=data, has_more=has_more, after=data[-1].id if has_more else None)
