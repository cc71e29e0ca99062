"""Threads and items in an SQLite file: each has its owner, and a session ends when it is too old.

Every call opens the file anew: nothing that breaks while the file is away stays broken. What is
another user's, and what is too old, is not there.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from auth import RequestContext
from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter, ValidationError

SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL,
    last_active REAL NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL,
    thread_id TEXT NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
    data TEXT NOT NULL, UNIQUE (thread_id, id));
CREATE TABLE IF NOT EXISTS tasks (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL,
    title TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0);
"""
PUT_THREAD = """
INSERT INTO threads (id, owner, last_active, data) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET data = excluded.data
"""
PUT_ITEM = """
INSERT INTO items (id, thread_id, data) VALUES (?, ?, ?)
ON CONFLICT (thread_id, id) DO UPDATE SET data = excluded.data
"""
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
log = logging.getLogger(__name__)


class Database:
    """One file; each use is one transaction on a connection of its own."""

    def __init__(self, path: Path, ttl: timedelta) -> None:
        self.path = path
        self.ttl = ttl
        with closing(sqlite3.connect(path)) as db:
            db.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction in which no session is too old."""
        with closing(sqlite3.connect(self.path, timeout=1.0)) as db, db:
            db.execute("PRAGMA foreign_keys = ON")
            oldest = now() - self.ttl.total_seconds()
            db.execute("DELETE FROM threads WHERE last_active < ?", (oldest,))
            yield db


class SqliteStore(Store[RequestContext]):
    """What each user has said and heard, in the order in which it was added."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def load_thread(self, thread_id: str, context: RequestContext) -> ThreadMetadata:
        with self.database.transaction() as db:
            sql = "SELECT data FROM threads WHERE id = ? AND owner = ?"
            row = db.execute(sql, (thread_id, context.user_id)).fetchone()
        if row is None:
            raise NotFoundError(f"no thread {thread_id}")
        return ThreadMetadata.model_validate_json(row[0])

    async def save_thread(self, thread: ThreadMetadata, context: RequestContext) -> None:
        # For a new thread the SDK may hand over a `Thread`, which has `items` too: leave them out.
        data = thread.model_dump_json(exclude={"items"})
        with self.database.transaction() as db:
            if owner_of(db, thread.id) is not None:
                require_own(db, thread.id, context)
            db.execute(PUT_THREAD, (thread.id, context.user_id, now(), data))

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: RequestContext
    ) -> Page[ThreadMetadata]:
        with self.database.transaction() as db:
            rows = page_of(db, "threads", "owner", context.user_id, limit, after, order)
        return Page(data=list(readable(rows[:limit])), **cursor_of(rows, limit))

    async def delete_thread(self, thread_id: str, context: RequestContext) -> None:
        with self.database.transaction() as db:
            require_own(db, thread_id, context)
            db.execute("DELETE FROM threads WHERE id = ?", (thread_id,))

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: RequestContext
    ) -> Page[ThreadItem]:
        with self.database.transaction() as db:
            require_own(db, thread_id, context)
            rows = page_of(db, "items", "thread_id", thread_id, limit, after, order)
        items = [ITEM.validate_json(data) for _, data in rows[:limit]]
        return Page(data=items, **cursor_of(rows, limit))

    async def add_thread_item(
        self, thread_id: str, item: ThreadItem, context: RequestContext
    ) -> None:
        with self.database.transaction() as db:
            require_own(db, thread_id, context)
            db.execute("UPDATE threads SET last_active = ? WHERE id = ?", (now(), thread_id))
            db.execute(PUT_ITEM, (item.id, thread_id, item.model_dump_json()))

    async def save_item(self, thread_id: str, item: ThreadItem, context: RequestContext) -> None:
        with self.database.transaction() as db:
            require_own(db, thread_id, context)
            db.execute(PUT_ITEM, (item.id, thread_id, item.model_dump_json()))

    async def load_item(self, thread_id: str, item_id: str, context: RequestContext) -> ThreadItem:
        with self.database.transaction() as db:
            require_own(db, thread_id, context)
            sql = "SELECT data FROM items WHERE thread_id = ? AND id = ?"
            row = db.execute(sql, (thread_id, item_id)).fetchone()
        if row is None:
            raise NotFoundError(f"no item {item_id}")
        return ITEM.validate_json(row[0])

    async def delete_thread_item(
        self, thread_id: str, item_id: str, context: RequestContext
    ) -> None:
        with self.database.transaction() as db:
            require_own(db, thread_id, context)
            db.execute("DELETE FROM items WHERE thread_id = ? AND id = ?", (thread_id, item_id))

    async def save_attachment(self, attachment: Attachment, context: RequestContext) -> None:
        raise NotImplementedError("this server takes no attachments")

    async def load_attachment(self, attachment_id: str, context: RequestContext) -> Attachment:
        raise NotFoundError(f"no attachment {attachment_id}")

    async def delete_attachment(self, attachment_id: str, context: RequestContext) -> None:
        raise NotFoundError(f"no attachment {attachment_id}")


def now() -> float:
    return datetime.now().timestamp()


def owner_of(db: sqlite3.Connection, thread_id: str) -> str | None:
    row = db.execute("SELECT owner FROM threads WHERE id = ?", (thread_id,)).fetchone()
    return row[0] if row else None


def require_own(db: sqlite3.Connection, thread_id: str, context: RequestContext) -> None:
    if owner_of(db, thread_id) != context.user_id:
        raise NotFoundError(f"no thread {thread_id}")


def page_of(
    db: sqlite3.Connection,
    table: str,
    column: str,
    value: str,
    limit: int,
    after: str | None,
    order: str,
) -> list[tuple[str, str]]:
    """Rows of one page, and one more, which tells whether there are others after it."""
    sign, direction = ("<", "DESC") if order == "desc" else (">", "ASC")
    edge = f"position {sign} (SELECT position FROM {table} WHERE {column} = ? AND id = ?)"
    sql = (
        f"SELECT id, data FROM {table} WHERE {column} = ? AND (? IS NULL OR {edge}) "
        f"ORDER BY position {direction} LIMIT ?"
    )
    return db.execute(sql, (value, after, value, after, limit + 1)).fetchall()


def cursor_of(rows: list[tuple[str, str]], limit: int) -> dict[str, Any]:
    has_more = len(rows) > limit
    return {"has_more": has_more, "after": rows[limit - 1][0] if has_more else None}


def readable(rows: list[tuple[str, str]]) -> Iterator[ThreadMetadata]:
    """One thread that cannot be read must not hide the others."""
    for thread_id, data in rows:
        try:
            yield ThreadMetadata.model_validate_json(data)
        except ValidationError:
            log.exception("thread %s cannot be read", thread_id)
