"""Threads and items in PostgreSQL, by asyncpg: a pool of connections, a transaction for each call.

The time is this process's: every moment that is stored or compared comes from `now()` below, with
its time zone. A connection that breaks is replaced by the pool, so nothing stays broken.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg
from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter, ValidationError

Context = dict[str, Any]
Rows = list[asyncpg.Record]

SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text UNIQUE NOT NULL,
    last_active timestamptz NOT NULL,
    data text NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    thread_id text NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
    id text NOT NULL,
    data text NOT NULL,
    UNIQUE (thread_id, id));
"""
PUT_THREAD = """
INSERT INTO threads (id, last_active, data) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET data = excluded.data
"""
PUT_ITEM = """
INSERT INTO items (thread_id, id, data) VALUES ($1, $2, $3)
ON CONFLICT (thread_id, id) DO UPDATE SET data = excluded.data
"""
POOL = 10
THREAD: TypeAdapter[ThreadMetadata] = TypeAdapter(ThreadMetadata)
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
T = TypeVar("T")
log = logging.getLogger(__name__)


class UnreadableError(Exception):
    """A row does not hold what was stored in it."""


class PostgresStore(Store[Context]):
    """A thread is a session: it is forgotten when nothing was said in it for ``ttl``."""

    def __init__(self, url: str, ttl: timedelta) -> None:
        self.url = url
        self.ttl = ttl

    async def open(self) -> None:
        self.pool = await asyncpg.create_pool(self.url, min_size=1, max_size=POOL)
        async with self.pool.acquire() as db:
            await db.execute(SCHEMA)

    async def close(self) -> None:
        await self.pool.close()

    async def load_thread(self, thread_id: str, context: Context) -> ThreadMetadata:
        async with self._changing() as db:
            data = await db.fetchval("SELECT data FROM threads WHERE id = $1", thread_id)
        if data is None:
            raise NotFoundError(f"no thread {thread_id}")
        return parsed(THREAD, data)

    async def save_thread(self, thread: ThreadMetadata, context: Context) -> None:
        # For a new thread the SDK may hand over a `Thread`, which has `items` too: leave them out.
        data = thread.model_dump_json(exclude={"items"})
        async with self._changing() as db:
            await db.execute(PUT_THREAD, thread.id, now(), data)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Context
    ) -> Page[ThreadMetadata]:
        async with self._changing() as db:
            rows = await _page(db, "threads", "$1 = '*'", "*", limit, after, order)
        threads = [thread for row in rows[:limit] if (thread := _readable(row))]
        return Page(data=threads, **_cursor(rows, limit))

    async def delete_thread(self, thread_id: str, context: Context) -> None:
        async with self._changing() as db:
            await db.execute("DELETE FROM threads WHERE id = $1", thread_id)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Context
    ) -> Page[ThreadItem]:
        async with self._changing() as db:
            rows = await _page(db, "items", "thread_id = $1", thread_id, limit, after, order)
        items = [parsed(ITEM, row["data"]) for row in rows[:limit]]
        return Page(data=items, **_cursor(rows, limit))

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        async with self._changing() as db:
            sql = "UPDATE threads SET last_active = $1 WHERE id = $2 RETURNING id"
            if await db.fetchval(sql, now(), thread_id) is None:
                raise NotFoundError(f"no thread {thread_id}")
            await db.execute(PUT_ITEM, thread_id, item.id, item.model_dump_json())

    async def load_item(self, thread_id: str, item_id: str, context: Context) -> ThreadItem:
        async with self._changing() as db:
            sql = "SELECT data FROM items WHERE thread_id = $1 AND id = $2"
            data = await db.fetchval(sql, thread_id, item_id)
        if data is None:
            raise NotFoundError(f"no item {item_id} in thread {thread_id}")
        return parsed(ITEM, data)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Context) -> None:
        async with self._changing() as db:
            sql = "DELETE FROM items WHERE thread_id = $1 AND id = $2"
            await db.execute(sql, thread_id, item_id)

    async def save_attachment(self, attachment: Attachment, context: Context) -> None:
        raise NotImplementedError("this server takes no attachments")

    async def load_attachment(self, attachment_id: str, context: Context) -> Attachment:
        raise NotFoundError(f"no attachment {attachment_id}")

    async def delete_attachment(self, attachment_id: str, context: Context) -> None:
        raise NotFoundError(f"no attachment {attachment_id}")

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[asyncpg.Connection]:
        """One transaction on a connection of the pool, in which no session is too old."""
        async with self.pool.acquire() as db, db.transaction():
            old = "SELECT 1 FROM threads WHERE last_active < $1"
            oldest = now() - self.ttl
            # Reading first: while the database is read-only, what is stored can still be read.
            if await db.fetchval(old, oldest) is not None:
                await db.execute("DELETE FROM threads WHERE last_active < $1", oldest)
            yield db


def now() -> datetime:
    return datetime.now(UTC)


async def _page(
    db: asyncpg.Connection,
    table: str,
    where: str,
    value: str,
    limit: int,
    after: str | None,
    order: str,
) -> Rows:
    """Rows of one page, and one more, which tells whether there are others after it."""
    sign, direction = ("<", "DESC") if order == "desc" else (">", "ASC")
    edge = f"position {sign} (SELECT position FROM {table} WHERE {where} AND id = $2)"
    sql = (
        f"SELECT id, data FROM {table} WHERE {where} AND ($2::text IS NULL OR {edge}) "
        f"ORDER BY position {direction} LIMIT $3"
    )
    return await db.fetch(sql, value, after, limit + 1)


def _cursor(rows: Rows, limit: int) -> dict[str, Any]:
    has_more = len(rows) > limit
    return {"has_more": has_more, "after": rows[limit - 1]["id"] if has_more else None}


def _readable(row: asyncpg.Record) -> ThreadMetadata | None:
    """One thread that cannot be read must not hide the others."""
    try:
        return parsed(THREAD, row["data"])
    except UnreadableError:
        log.exception("thread %s cannot be read", row["id"])
        return None


def parsed(adapter: TypeAdapter[T], data: str) -> T:
    try:
        return adapter.validate_json(data)
    except ValidationError as error:
        raise UnreadableError(str(error)) from error
