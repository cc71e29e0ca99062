"""All young sessions in memory, and each change in a log in SQLite before anybody is told.

At its start the server plays the log; a thread's lines are deleted with the thread.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
import zlib
from dataclasses import dataclass, field
from typing import Any

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
    number INTEGER PRIMARY KEY AUTOINCREMENT, thread_id TEXT NOT NULL, at REAL NOT NULL,
    kind TEXT NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS by_thread ON log (thread_id);
"""
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
trouble = logging.getLogger("store")
PAUSE_SECONDS = 50.0
"""How long a database that has failed is left alone."""


@dataclass
class Session:
    thread: ThreadMetadata
    used: float
    items: dict[str, ThreadItem] = field(default_factory=dict)


class LoggedStore(Store[Any]):
    def __init__(self, path: str, ttl_seconds: float) -> None:
        self.path = path
        self.ttl_seconds = ttl_seconds
        self.sessions: dict[str, Session] = {}
        self.last_id = 0
        self.paused_until = 0.0
        self.db = self.connect()
        for thread_id, at, kind, data in self.db.execute(
            "SELECT thread_id, at, kind, data FROM log ORDER BY number"
        ).fetchall():
            try:
                self.play(thread_id, at, kind, json.loads(zlib.decompress(data)))
            except (ValueError, KeyError, zlib.error):
                trouble.exception("a line of %s cannot be read", thread_id)
        self.forget_old()

    def connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, timeout=1)
        db.executescript(SCHEMA)
        return db

    def write(self, sql: str, *args: Any) -> None:
        if time.monotonic() < self.paused_until:
            raise sqlite3.OperationalError("the database was not there a moment ago")
        try:
            self.db.execute(sql, args)
        except sqlite3.Error:
            # Once more on a new connection: the old one may belong to a file that has gone.
            self.paused_until = time.monotonic() + PAUSE_SECONDS
            self.db.close()
            self.db = self.connect()
            self.db.execute(sql, args)
            self.paused_until = 0.0

    def change(self, thread_id: str, kind: str, data: Any) -> None:
        """On the disk first, then in memory: what fails there has never happened."""
        packed = zlib.compress(json.dumps(data).encode())
        now = time.time()
        sql = "INSERT INTO log (thread_id, at, kind, data) VALUES (?, ?, ?, ?)"
        self.write(sql, thread_id, now, kind, packed)
        self.play(thread_id, now, kind, data)

    def play(self, thread_id: str, at: float, kind: str, data: Any) -> None:
        if kind == "thread":
            thread = ThreadMetadata.model_validate(data)
            self.sessions.setdefault(thread_id, Session(thread, at)).thread = thread
        elif kind == "item":
            item = ITEM.validate_python(data)
            self.sessions[thread_id].items[item.id] = item
            self.sessions[thread_id].used = at
        else:
            self.sessions[thread_id].items.pop(data, None)

    def forget_old(self) -> None:
        oldest = time.time() - self.ttl_seconds
        for thread_id in [name for name, each in self.sessions.items() if each.used < oldest]:
            self.write("DELETE FROM log WHERE thread_id = ?", thread_id)
            del self.sessions[thread_id]

    def session(self, thread_id: str) -> Session:
        self.forget_old()
        if thread_id not in self.sessions:
            raise NotFoundError(thread_id)
        return self.sessions[thread_id]

    def generate_thread_id(self, context: Any) -> str:
        """Small numbers, of which none is given twice: SQLite remembers the last number of a log."""
        sql = "SELECT seq FROM sqlite_sequence WHERE name = 'log'"
        stored = (self.db.execute(sql).fetchone() or (0,))[0]
        self.last_id = max(self.last_id, stored) + 1
        return f"thr-{self.last_id}"

    async def load_thread(self, thread_id: str, context: Any) -> ThreadMetadata:
        return self.session(thread_id).thread.model_copy(deep=True)

    async def save_thread(self, thread: ThreadMetadata, context: Any) -> None:
        self.change(thread.id, "thread", thread.model_dump(mode="json", exclude={"items"}))

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Any
    ) -> Page[ThreadMetadata]:
        self.forget_old()
        return page_of([each.thread for each in self.sessions.values()], limit, after, order)

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        self.session(thread_id)
        self.write("DELETE FROM log WHERE thread_id = ?", thread_id)
        del self.sessions[thread_id]

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Page[ThreadItem]:
        return page_of(list(self.session(thread_id).items.values()), limit, after, order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        self.session(thread_id)
        self.change(thread_id, "item", item.model_dump(mode="json"))

    async def save_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        await self.add_thread_item(thread_id, item, context)

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> ThreadItem:
        items = self.session(thread_id).items
        if item_id not in items:
            raise NotFoundError(item_id)
        return items[item_id].model_copy(deep=True)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        self.session(thread_id)
        self.change(thread_id, "gone", item_id)

    async def save_attachment(self, attachment: Attachment, context: Any) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Any) -> Attachment:
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        raise NotFoundError(attachment_id)


def page_of(entries: list[Any], limit: int, after: str | None, order: str) -> Page[Any]:
    ordered = entries[::-1] if order == "desc" else entries
    ids = [entry.id for entry in ordered]
    if after is not None and after not in ids:
        raise NotFoundError(f"nothing has the id {after}")
    start = 0 if after is None else ids.index(after) + 1
    data = [entry.model_copy(deep=True) for entry in ordered[start : start + limit]]
    more = start + limit < len(ordered)
    return Page(data=data, has_more=more, after=data[-1].id if more else None)
