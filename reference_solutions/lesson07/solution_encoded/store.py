"""Threads, items and attachments in an SQLite file, each with its owner.

Every method asks whose the thread is before it does anything. What is another user's is not there.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

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

SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL,
    data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, thread_id TEXT NOT NULL,
    data TEXT NOT NULL, UNIQUE (thread_id, id));
CREATE TABLE IF NOT EXISTS attachments (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, data TEXT NOT NULL);
"""
PUT_THREAD = """
INSERT INTO threads (id, owner, data) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET data = excluded.data
"""
PUT_ITEM = """
INSERT INTO items (id, thread_id, data) VALUES (?, ?, ?)
ON CONFLICT (thread_id, id) DO UPDATE SET data = excluded.data
"""
PUT_ATTACHMENT = """
INSERT INTO attachments (id, owner, data) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET data = excluded.data WHERE owner = excluded.owner
"""
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
ATTACHMENT: TypeAdapter[Attachment] = TypeAdapter(Attachment)


class SqliteStore(Store[RequestContext]):
    """What each user has, in the order in which it was added."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)  # every statement is kept at once
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.executescript(SCHEMA)

    async def load_thread(self, thread_id: str, context: RequestContext) -> ThreadMetadata:
        sql = "SELECT data FROM threads WHERE id = ? AND owner = ?"
        row = self.db.execute(sql, (thread_id, context.user_id)).fetchone()
        if row is None:
            raise NotFoundError(f"no thread {thread_id}")
        return ThreadMetadata.model_validate_json(row[0])

    async def save_thread(self, thread: ThreadMetadata, context: RequestContext) -> None:
        if self._owner(thread.id) is not None:
            self._require_own(thread.id, context)
        # For a new thread the SDK may hand over a `Thread`, which has `items` too: leave them out.
        data = thread.model_dump_json(exclude={"items"})
        self.db.execute(PUT_THREAD, (thread.id, context.user_id, data))

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: RequestContext
    ) -> Page[ThreadMetadata]:
        rows = self._page("threads", "owner", context.user_id, limit, after, order)
        threads = [ThreadMetadata.model_validate_json(data) for _, data in rows[:limit]]
        return Page(data=threads, **_cursor(rows, limit))

    async def delete_thread(self, thread_id: str, context: RequestContext) -> None:
        self._require_own(thread_id, context)
        self.db.execute("DELETE FROM items WHERE thread_id = ?", (thread_id,))
        self.db.execute("DELETE FROM threads WHERE id = ?", (thread_id,))

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: RequestContext
    ) -> Page[ThreadItem]:
        self._require_own(thread_id, context)
        rows = self._page("items", "thread_id", thread_id, limit, after, order)
        items = [ITEM.validate_json(data) for _, data in rows[:limit]]
        return Page(data=items, **_cursor(rows, limit))

    async def add_thread_item(
        self, thread_id: str, item: ThreadItem, context: RequestContext
    ) -> None:
        self._require_own(thread_id, context)
        self.db.execute(PUT_ITEM, (item.id, thread_id, item.model_dump_json()))

    async def save_item(self, thread_id: str, item: ThreadItem, context: RequestContext) -> None:
        self._require_own(thread_id, context)
        self.db.execute(PUT_ITEM, (item.id, thread_id, item.model_dump_json()))

    async def load_item(self, thread_id: str, item_id: str, context: RequestContext) -> ThreadItem:
        self._require_own(thread_id, context)
        sql = "SELECT data FROM items WHERE thread_id = ? AND id = ?"
        row = self.db.execute(sql, (thread_id, item_id)).fetchone()
        if row is None:
            raise NotFoundError(f"no item {item_id}")
        return ITEM.validate_json(row[0])

    async def delete_thread_item(
        self, thread_id: str, item_id: str, context: RequestContext
    ) -> None:
        self._require_own(thread_id, context)
        self.db.execute("DELETE FROM items WHERE thread_id = ? AND id = ?", (thread_id, item_id))

    async def save_attachment(self, attachment: Attachment, context: RequestContext) -> None:
        data = attachment.model_dump_json()
        self.db.execute(PUT_ATTACHMENT, (attachment.id, context.user_id, data))

    async def load_attachment(self, attachment_id: str, context: RequestContext) -> Attachment:
        sql = "SELECT data FROM attachments WHERE id = ? AND owner = ?"
        row = self.db.execute(sql, (attachment_id, context.user_id)).fetchone()
        if row is None:
            raise NotFoundError(f"no attachment {attachment_id}")
        return ATTACHMENT.validate_json(row[0])

    async def delete_attachment(self, attachment_id: str, context: RequestContext) -> None:
        await self.load_attachment(attachment_id, context)
        self.db.execute("DELETE FROM attachments WHERE id = ?", (attachment_id,))

    def _owner(self, thread_id: str) -> str | None:
        row = self.db.execute("SELECT owner FROM threads WHERE id = ?", (thread_id,)).fetchone()
        return row[0] if row else None

    def _require_own(self, thread_id: str, context: RequestContext) -> None:
        if self._owner(thread_id) != context.user_id:
            raise NotFoundError(f"no thread {thread_id}")

    def _page(
        self, table: str, column: str, value: str, limit: int, after: str | None, order: str
    ) -> list[tuple[str, str]]:
        """Rows of one page, and one more, which tells whether there are others after it."""
        sign, direction = ("<", "DESC") if order == "desc" else (">", "ASC")
        edge = f"position {sign} (SELECT position FROM {table} WHERE {column} = ? AND id = ?)"
        sql = (
            f"SELECT id, data FROM {table} WHERE {column} = ? AND (? IS NULL OR {edge}) "
            f"ORDER BY position {direction} LIMIT ?"
        )
        return self.db.execute(sql, (value, after, value, after, limit + 1)).fetchall()


class Attachments(AttachmentStore[RequestContext]):
    """Takes attachments whose content comes with a later upload, which is not shown here."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store

    async def create_attachment(
        self, input: AttachmentCreateParams, context: RequestContext
    ) -> Attachment:
        id = self.generate_attachment_id(input.mime_type, context)
        return FileAttachment(id=id, name=input.name, mime_type=input.mime_type)

    async def delete_attachment(self, attachment_id: str, context: RequestContext) -> None:
        await self.store.load_attachment(attachment_id, context)  # raises if it is not the user's


def _cursor(rows: list[tuple[str, str]], limit: int) -> dict[str, Any]:
    has_more = len(rows) > limit
    return {"has_more": has_more, "after": rows[limit - 1][0] if has_more else None}
