"""A shelf of pickled sessions; a lock for all, since a shelf is for one at a time."""

from __future__ import annotations

import asyncio
import itertools
import logging
import shelve
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata

log = logging.getLogger(__name__)


@dataclass
class Session:
    thread: ThreadMetadata
    number: int
    used: float
    items: list[ThreadItem] = field(default_factory=list)


class ShelfStore(Store[Any]):
    def __init__(self, path: Path, hours: float) -> None:
        self.path = path
        self.seconds = hours * 3600
        self.lock = asyncio.Lock()

    @asynccontextmanager
    async def sessions(self) -> AsyncIterator[shelve.Shelf[Session]]:
        async with self.lock:
            with shelve.open(str(self.path)) as shelf:
                oldest = time.time() - self.seconds
                for name in [name for name, each in readable(shelf) if each.used < oldest]:
                    del shelf[name]
                yield shelf

    async def load_thread(self, thread_id: str, context: Any) -> ThreadMetadata:
        async with self.sessions() as sessions:
            return find(sessions, thread_id).thread

    async def save_thread(self, thread: ThreadMetadata, context: Any) -> None:
        async with self.sessions() as sessions:
            newest = max((each.number for _, each in readable(sessions)), default=0)
            session = sessions.get(thread.id) or Session(thread, newest + 1, time.time())
            session.thread = ThreadMetadata(**thread.model_dump(exclude={"items"}))
            sessions[thread.id] = session

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Any
    ) -> Page[ThreadMetadata]:
        async with self.sessions() as sessions:
            ordered = sorted((each for _, each in readable(sessions)), key=lambda each: each.number)
        return page([each.thread for each in ordered], limit, after, order)

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        async with self.sessions() as sessions:
            sessions.pop(thread_id, None)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Page[ThreadItem]:
        async with self.sessions() as sessions:
            return page(find(sessions, thread_id).items, limit, after, order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        async with self.sessions() as sessions:
            session = find(sessions, thread_id)
            ids = [each.id for each in session.items]
            place = ids.index(item.id) if item.id in ids else len(ids)
            session.items[place : place + 1] = [item]
            session.used = time.time()
            sessions[thread_id] = session

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> ThreadItem:
        async with self.sessions() as sessions:
            for item in find(sessions, thread_id).items:
                if item.id == item_id:
                    return item
        raise NotFoundError(item_id)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        async with self.sessions() as sessions:
            session = find(sessions, thread_id)
            session.items = [item for item in session.items if item.id != item_id]
            sessions[thread_id] = session

    async def save_attachment(self, attachment: Attachment, context: Any) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Any) -> Attachment:
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        raise NotFoundError(attachment_id)


def readable(sessions: shelve.Shelf[Session]) -> Iterator[tuple[str, Session]]:
    """Leave out what is rubbish: it harms nobody but its own thread."""
    for name in sessions:
        try:
            yield name, sessions[name]
        except Exception:
            log.exception("session %s cannot be read", name)


def find(sessions: shelve.Shelf[Session], thread_id: str) -> Session:
    if thread_id not in sessions:
        raise NotFoundError(thread_id)
    return sessions[thread_id]


def page(entries: list[Any], limit: int, after: str | None, order: str) -> Page[Any]:
    ordered = iter(entries if order == "asc" else entries[::-1])
    if after is not None and not any(entry.id == after for entry in ordered):
        raise NotFoundError(f"nothing has the id {after}")
    found = list(itertools.islice(ordered, limit + 1))
    more = len(found) > limit
    return Page(data=found[:limit], has_more=more, after=found[limit - 1].id if more else None)
