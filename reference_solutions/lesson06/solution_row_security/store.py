"""Threads, items and attachments in PostgreSQL, which itself hides the rows of other users.

Row-level security shows a transaction only the rows of the user who is set in it, so that no query
can forget to ask. The user is set for one transaction (`set_config(..., true)`), never for the
connection: the pool gives that to another user next.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from auth import RequestContext
from chatkit.store import AttachmentStore, NotFoundError, Store
from chatkit.types import (
    Attachment,
    AttachmentCreateParams,
    FileAttachment,
    Page,
    ThreadItem,
    ThreadMetadata,
)
from pydantic import TypeAdapter

Rows = list[asyncpg.Record]

SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL DEFAULT current_setting('app.user'),
    id text NOT NULL, data text NOT NULL, UNIQUE (owner, id));
CREATE TABLE IF NOT EXISTS items (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL DEFAULT current_setting('app.user'),
    thread_id text NOT NULL, id text NOT NULL, data text NOT NULL, UNIQUE (owner, thread_id, id));
CREATE TABLE IF NOT EXISTS attachments (
    owner text NOT NULL DEFAULT current_setting('app.user'),
    id text NOT NULL, data text NOT NULL, UNIQUE (owner, id));
"""
# FORCE: else the owner of the table, who this server is, sees all rows.
POLICY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own ON {table};
CREATE POLICY own ON {table} USING (owner = current_setting('app.user'));
"""
TABLES = ("threads", "items", "attachments")
PUT_THREAD = """
INSERT INTO threads (id, data) VALUES ($1, $2)
ON CONFLICT (owner, id) DO UPDATE SET data = excluded.data
"""
PUT_ITEM = """
INSERT INTO items (thread_id, id, data) VALUES ($1, $2, $3)
ON CONFLICT (owner, thread_id, id) DO UPDATE SET data = excluded.data
"""
PUT_ATTACHMENT = """
INSERT INTO attachments (id, data) VALUES ($1, $2)
ON CONFLICT (owner, id) DO UPDATE SET data = excluded.data
"""
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
ATTACHMENT: TypeAdapter[Attachment] = TypeAdapter(Attachment)


class RowSecurityStore(Store[RequestContext]):
    """What each user has, in the order in which it was added."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def open(self) -> None:
        self.pool = await asyncpg.create_pool(self.url, min_size=1, max_size=10)
        async with self.pool.acquire() as db, db.transaction():
            await db.execute(SCHEMA)
            for table in TABLES:
                await db.execute(POLICY.format(table=table))

    async def close(self) -> None:
        await self.pool.close()

    @asynccontextmanager
    async def _as(self, context: RequestContext) -> AsyncIterator[asyncpg.Connection]:
        """A transaction that sees and makes rows of one user only."""
        async with self.pool.acquire() as db, db.transaction():
            await db.execute("SELECT set_config('app.user', $1, true)", context.user_id)
            yield db

    async def load_thread(self, thread_id: str, context: RequestContext) -> ThreadMetadata:
        async with self._as(context) as db:
            data = await db.fetchval("SELECT data FROM threads WHERE id = $1", thread_id)
        return ThreadMetadata.model_validate_json(found(data, thread_id))

    async def save_thread(self, thread: ThreadMetadata, context: RequestContext) -> None:
        # For a new thread the SDK may hand over a `Thread`, which has `items` too: leave them out.
        async with self._as(context) as db:
            await db.execute(PUT_THREAD, thread.id, thread.model_dump_json(exclude={"items"}))

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: RequestContext
    ) -> Page[ThreadMetadata]:
        async with self._as(context) as db:
            rows = await _page(db, "threads", "$1 = '*'", "*", limit, after, order)
        threads = [ThreadMetadata.model_validate_json(row["data"]) for row in rows[:limit]]
        return Page(data=threads, **_cursor(rows, limit))

    async def delete_thread(self, thread_id: str, context: RequestContext) -> None:
        async with self._as(context) as db:
            await require_thread(db, thread_id)
            await db.execute("DELETE FROM items WHERE thread_id = $1", thread_id)
            await db.execute("DELETE FROM threads WHERE id = $1", thread_id)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: RequestContext
    ) -> Page[ThreadItem]:
        async with self._as(context) as db:
            await require_thread(db, thread_id)
            rows = await _page(db, "items", "thread_id = $1", thread_id, limit, after, order)
        items = [ITEM.validate_json(row["data"]) for row in rows[:limit]]
        return Page(data=items, **_cursor(rows, limit))

    async def add_thread_item(
        self, thread_id: str, item: ThreadItem, context: RequestContext
    ) -> None:
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: RequestContext) -> None:
        async with self._as(context) as db:
            await require_thread(db, thread_id)
            await db.execute(PUT_ITEM, thread_id, item.id, item.model_dump_json())

    async def load_item(self, thread_id: str, item_id: str, context: RequestContext) -> ThreadItem:
        async with self._as(context) as db:
            sql = "SELECT data FROM items WHERE thread_id = $1 AND id = $2"
            data = await db.fetchval(sql, thread_id, item_id)
        return ITEM.validate_json(found(data, item_id))

    async def delete_thread_item(
        self, thread_id: str, item_id: str, context: RequestContext
    ) -> None:
        async with self._as(context) as db:
            await require_thread(db, thread_id)
            sql = "DELETE FROM items WHERE thread_id = $1 AND id = $2"
            await db.execute(sql, thread_id, item_id)

    async def save_attachment(self, attachment: Attachment, context: RequestContext) -> None:
        async with self._as(context) as db:
            await db.execute(PUT_ATTACHMENT, attachment.id, attachment.model_dump_json())

    async def load_attachment(self, attachment_id: str, context: RequestContext) -> Attachment:
        async with self._as(context) as db:
            sql = "SELECT data FROM attachments WHERE id = $1"
            data = await db.fetchval(sql, attachment_id)
        return ATTACHMENT.validate_json(found(data, attachment_id))

    async def delete_attachment(self, attachment_id: str, context: RequestContext) -> None:
        await self.load_attachment(attachment_id, context)
        async with self._as(context) as db:
            await db.execute("DELETE FROM attachments WHERE id = $1", attachment_id)


class Attachments(AttachmentStore[RequestContext]):
    """Takes attachments whose content comes with a later upload, which is not shown here."""

    def __init__(self, store: RowSecurityStore) -> None:
        self.store = store

    async def create_attachment(
        self, input: AttachmentCreateParams, context: RequestContext
    ) -> Attachment:
        id = self.generate_attachment_id(input.mime_type, context)
        return FileAttachment(id=id, name=input.name, mime_type=input.mime_type)

    async def delete_attachment(self, attachment_id: str, context: RequestContext) -> None:
        await self.store.load_attachment(attachment_id, context)  # raises if it is not the user's


async def require_thread(db: asyncpg.Connection, thread_id: str) -> None:
    found(await db.fetchval("SELECT id FROM threads WHERE id = $1", thread_id), thread_id)


def found(data: str | None, name: str) -> str:
    if data is None:
        raise NotFoundError(f"no {name}")
    return data


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
