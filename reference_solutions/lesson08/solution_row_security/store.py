"""Threads, items and tasks in PostgreSQL, which itself hides the rows of other users.

Row-level security shows a transaction only the rows of the user who is set in it, so that no query
can forget to ask. The user is set for one transaction (`set_config(..., true)`), never for the
connection: the pool gives that to another user next.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from auth import RequestContext
from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

Rows = list[asyncpg.Record]

SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL DEFAULT current_setting('app.user'),
    id text NOT NULL, last_active timestamptz NOT NULL, data text NOT NULL, UNIQUE (owner, id));
CREATE TABLE IF NOT EXISTS items (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL DEFAULT current_setting('app.user'),
    thread_id text NOT NULL, id text NOT NULL, data text NOT NULL, UNIQUE (owner, thread_id, id),
    FOREIGN KEY (owner, thread_id) REFERENCES threads (owner, id) ON DELETE CASCADE);
CREATE TABLE IF NOT EXISTS tasks (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL DEFAULT current_setting('app.user'),
    id uuid NOT NULL UNIQUE, title text NOT NULL, done boolean NOT NULL DEFAULT false);
"""
# FORCE: else the owner of the table, who this server is, sees all rows.
OWN_ROWS = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own ON {table};
CREATE POLICY own ON {table} USING (owner = current_setting('app.user', true));
"""
# Sessions end for all users at once: only then `app.oldest` is set, and no user is.
OLD_ROWS = """
DROP POLICY IF EXISTS old ON threads;
CREATE POLICY old ON threads
    USING (last_active < nullif(current_setting('app.oldest', true), '')::timestamptz);
"""
TABLES = ("threads", "items", "tasks")
PUT_THREAD = """
INSERT INTO threads (id, last_active, data) VALUES ($1, $2, $3)
ON CONFLICT (owner, id) DO UPDATE SET data = excluded.data
"""
PUT_ITEM = """
INSERT INTO items (thread_id, id, data) VALUES ($1, $2, $3)
ON CONFLICT (owner, thread_id, id) DO UPDATE SET data = excluded.data
"""
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


class Database:
    """A pool of connections; each use is one transaction."""

    def __init__(self, url: str, ttl: timedelta) -> None:
        self.url = url
        self.ttl = ttl

    async def open(self) -> None:
        self.pool = await asyncpg.create_pool(self.url, min_size=1, max_size=10)
        async with self.pool.acquire() as db, db.transaction():
            await db.execute(SCHEMA)
            for table in TABLES:
                await db.execute(OWN_ROWS.format(table=table))
            await db.execute(OLD_ROWS)

    async def close(self) -> None:
        await self.pool.close()

    @asynccontextmanager
    async def used_by(self, user_id: str) -> AsyncIterator[asyncpg.Connection]:
        """Open a transaction that sees and makes rows of one user only."""
        async with self.pool.acquire() as db, db.transaction():
            await db.execute("SELECT set_config('app.user', $1, true)", user_id)
            yield db

    async def end_old_sessions(self) -> None:
        """Delete the threads that are too old, whoever owns them; their items go with them."""
        oldest = now() - self.ttl
        async with self.pool.acquire() as db, db.transaction():
            await db.execute("SELECT set_config('app.oldest', $1, true)", oldest.isoformat())
            await db.execute("DELETE FROM threads WHERE last_active < $1", oldest)


class RowSecurityStore(Store[RequestContext]):
    """What each user has said and heard, in the order in which it was added."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def load_thread(self, thread_id: str, context: RequestContext) -> ThreadMetadata:
        async with self.database.used_by(context.user_id) as db:
            data = await db.fetchval("SELECT data FROM threads WHERE id = $1", thread_id)
        return ThreadMetadata.model_validate_json(found(data, thread_id))

    async def save_thread(self, thread: ThreadMetadata, context: RequestContext) -> None:
        # For a new thread the SDK may hand over a `Thread`, which has `items` too: leave them out.
        data = thread.model_dump_json(exclude={"items"})
        async with self.database.used_by(context.user_id) as db:
            await db.execute(PUT_THREAD, thread.id, now(), data)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: RequestContext
    ) -> Page[ThreadMetadata]:
        async with self.database.used_by(context.user_id) as db:
            rows = await page_of(db, "threads", "$1 = '*'", "*", limit, after, order)
        threads = [ThreadMetadata.model_validate_json(row["data"]) for row in rows[:limit]]
        return Page(data=threads, **cursor_of(rows, limit))

    async def delete_thread(self, thread_id: str, context: RequestContext) -> None:
        async with self.database.used_by(context.user_id) as db:
            await require_thread(db, thread_id)
            await db.execute("DELETE FROM threads WHERE id = $1", thread_id)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: RequestContext
    ) -> Page[ThreadItem]:
        async with self.database.used_by(context.user_id) as db:
            await require_thread(db, thread_id)
            rows = await page_of(db, "items", "thread_id = $1", thread_id, limit, after, order)
        items = [ITEM.validate_json(row["data"]) for row in rows[:limit]]
        return Page(data=items, **cursor_of(rows, limit))

    async def add_thread_item(
        self, thread_id: str, item: ThreadItem, context: RequestContext
    ) -> None:
        async with self.database.used_by(context.user_id) as db:
            await require_thread(db, thread_id)
            await db.execute("UPDATE threads SET last_active = $1 WHERE id = $2", now(), thread_id)
            await db.execute(PUT_ITEM, thread_id, item.id, item.model_dump_json())

    async def save_item(self, thread_id: str, item: ThreadItem, context: RequestContext) -> None:
        async with self.database.used_by(context.user_id) as db:
            await require_thread(db, thread_id)
            await db.execute(PUT_ITEM, thread_id, item.id, item.model_dump_json())

    async def load_item(self, thread_id: str, item_id: str, context: RequestContext) -> ThreadItem:
        async with self.database.used_by(context.user_id) as db:
            sql = "SELECT data FROM items WHERE thread_id = $1 AND id = $2"
            data = await db.fetchval(sql, thread_id, item_id)
        return ITEM.validate_json(found(data, item_id))

    async def delete_thread_item(
        self, thread_id: str, item_id: str, context: RequestContext
    ) -> None:
        async with self.database.used_by(context.user_id) as db:
            await require_thread(db, thread_id)
            sql = "DELETE FROM items WHERE thread_id = $1 AND id = $2"
            await db.execute(sql, thread_id, item_id)

    async def save_attachment(self, attachment: Attachment, context: RequestContext) -> None:
        raise NotImplementedError("this server takes no attachments")

    async def load_attachment(self, attachment_id: str, context: RequestContext) -> Attachment:
        raise NotFoundError(f"no attachment {attachment_id}")

    async def delete_attachment(self, attachment_id: str, context: RequestContext) -> None:
        raise NotFoundError(f"no attachment {attachment_id}")


def now() -> datetime:
    # This machine's clock, not the database's: one clock decides.
    return datetime.now(UTC)


async def require_thread(db: asyncpg.Connection, thread_id: str) -> None:
    found(await db.fetchval("SELECT id FROM threads WHERE id = $1", thread_id), thread_id)


def found(data: str | None, name: str) -> str:
    if data is None:
        raise NotFoundError(f"no {name}")
    return data


async def page_of(
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


def cursor_of(rows: Rows, limit: int) -> dict[str, Any]:
    has_more = len(rows) > limit
    return {"has_more": has_more, "after": rows[limit - 1]["id"] if has_more else None}
