"""Threads and items in an SQLite file, one short transaction for each call.

Every call opens the file anew: nothing that breaks while the file is away stays broken.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter, ValidationError

Context = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL,
    last_active REAL NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL,
    thread_id TEXT NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
    data TEXT NOT NULL, UNIQUE (thread_id, id));
"""
PUT_THREAD = """
INSERT INTO threads (id, last_active, data) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET data = excluded.data
"""
PUT_ITEM = """
INSERT INTO items (id, thread_id, data) VALUES (?, ?, ?)
ON CONFLICT (thread_id, id) DO UPDATE SET data = excluded.data
"""
THREAD: TypeAdapter[ThreadMetadata] = TypeAdapter(ThreadMetadata)
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
T = TypeVar("T")
log = logging.getLogger(__name__)


class UnreadableError(Exception):
    """A row does not hold what was stored in it."""


class SqliteStore(Store[Context]):
    """A thread is a session: it is forgotten when nothing was said in it for ``ttl``."""

    def __init__(self, path: Path, ttl: timedelta) -> None:
        self.path = path
        self.ttl = ttl
        with self._changing() as db:
            db.executescript(SCHEMA)

    async def load_thread(self, thread_id: str, context: Context) -> ThreadMetadata:
        with self._changing() as db:
            sql = "SELECT data FROM threads WHERE id = ?"
            row = db.execute(sql, (thread_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"no thread {thread_id}")
        return parsed(THREAD, row[0])

    async def save_thread(self, thread: ThreadMetadata, context: Context) -> None:
        # For a new thread the SDK may hand over a `Thread`, which has `items` too: leave them out.
        data = thread.model_dump_json(exclude={"items"})
        with self._changing() as db:
            db.execute(PUT_THREAD, (thread.id, now(), data))

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Context
    ) -> Page[ThreadMetadata]:
        with self._changing() as db:
            rows = _page(db, "threads", "1 = ?", 1, limit, after, order)
        return Page(data=list(_readable(rows[:limit])), **_cursor(rows, limit))

    async def delete_thread(self, thread_id: str, context: Context) -> None:
        with self._changing() as db:
            db.execute("DELETE FROM threads WHERE id = ?", (thread_id,))

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Context
    ) -> Page[ThreadItem]:
        with self._changing() as db:
            rows = _page(db, "items", "thread_id = ?", thread_id, limit, after, order)
        items = [parsed(ITEM, data) for _, data in rows[:limit]]
        return Page(data=items, **_cursor(rows, limit))

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        with self._changing() as db:
            sql = "UPDATE threads SET last_active = ? WHERE id = ?"
            if db.execute(sql, (now(), thread_id)).rowcount == 0:
                raise NotFoundError(f"no thread {thread_id}")
            db.execute(PUT_ITEM, (item.id, thread_id, item.model_dump_json()))

    async def load_item(self, thread_id: str, item_id: str, context: Context) -> ThreadItem:
        with self._changing() as db:
            sql = "SELECT data FROM items WHERE thread_id = ? AND id = ?"
            row = db.execute(sql, (thread_id, item_id)).fetchone()
        if row is None:
            raise NotFoundError(f"no item {item_id} in thread {thread_id}")
        return parsed(ITEM, row[0])

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Context) -> None:
        with self._changing() as db:
            db.execute("DELETE FROM items WHERE thread_id = ? AND id = ?", (thread_id, item_id))

    async def save_attachment(self, attachment: Attachment, context: Context) -> None:
        raise NotImplementedError("this server takes no attachments")

    async def load_attachment(self, attachment_id: str, context: Context) -> Attachment:
        raise NotFoundError(f"no attachment {attachment_id}")

    async def delete_attachment(self, attachment_id: str, context: Context) -> None:
        raise NotFoundError(f"no attachment {attachment_id}")

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction on a connection of its own, in which no session is too old."""
        with closing(sqlite3.connect(self.path, timeout=1.0)) as db, db:
            db.execute("PRAGMA foreign_keys = ON")
            if _has_tables(db):
                oldest = now() - self.ttl.total_seconds()
                db.execute("DELETE FROM threads WHERE last_active < ?", (oldest,))
            yield db


def now() -> float:
    return datetime.now().timestamp()


def _has_tables(db: sqlite3.Connection) -> bool:
    sql = "SELECT count(*) FROM sqlite_master WHERE name = 'threads'"
    return bool(db.execute(sql).fetchone()[0])


def _page(
    db: sqlite3.Connection,
    table: str,
    where: str,
    value: Any,
    limit: int,
    after: str | None,
    order: str,
) -> list[tuple[str, str]]:
    """Rows of one page, and one more, which tells whether there are others after it."""
    sign, direction = ("<", "DESC") if order == "desc" else (">", "ASC")
    edge = f"position {sign} (SELECT position FROM {table} WHERE {where} AND id = ?)"
    sql = (
        f"SELECT id, data FROM {table} WHERE {where} AND (? IS NULL OR {edge}) "
        f"ORDER BY position {direction} LIMIT ?"
    )
    return db.execute(sql, (value, after, value, after, limit + 1)).fetchall()


def _cursor(rows: list[tuple[str, str]], limit: int) -> dict[str, Any]:
    has_more = len(rows) > limit
    return {"has_more": has_more, "after": rows[limit - 1][0] if has_more else None}


def _readable(rows: list[tuple[str, str]]) -> Iterator[ThreadMetadata]:
    """One thread that cannot be read must not hide the others."""
    for thread_id, data in rows:
        try:
            yield parsed(THREAD, data)
        except UnreadableError:
            log.exception("thread %s cannot be read", thread_id)


def parsed(adapter: TypeAdapter[T], data: str) -> T:
    try:
        return adapter.validate_json(data)
    except ValidationError as error:
        raise UnreadableError(str(error)) from error
