"""A store that keeps threads and items in an SQLite file. It is complete: you need not change it.

What it is given outlives the server: each change is written at once, so even a server that is
killed loses nothing that was stored. Each call takes far less than a millisecond, so it is fine
that it does not leave the event loop.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

Context = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, thread_id TEXT NOT NULL,
    data TEXT NOT NULL, UNIQUE (thread_id, id));
"""
PUT_THREAD = """
INSERT INTO threads (id, data) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data
"""
PUT_ITEM = """
INSERT INTO items (id, thread_id, data) VALUES (?, ?, ?)
ON CONFLICT (thread_id, id) DO UPDATE SET data = excluded.data
"""
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


class SqliteStore(Store[Context]):
    """Threads with their metadata, and the items of each thread in the order they were added."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)  # every statement is kept at once
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.executescript(SCHEMA)

    async def load_thread(self, thread_id: str, context: Context) -> ThreadMetadata:
        row = self.db.execute("SELECT data FROM threads WHERE id = ?", (thread_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"no thread {thread_id}")
        return ThreadMetadata.model_validate_json(row[0])

    async def save_thread(self, thread: ThreadMetadata, context: Context) -> None:
        # For a new thread the SDK may hand over a `Thread`, which has `items` too: leave them out.
        self.db.execute(PUT_THREAD, (thread.id, thread.model_dump_json(exclude={"items"})))

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Context
    ) -> Page[ThreadMetadata]:
        rows = self._page("threads", "1 = ?", 1, limit, after, order)
        threads = [ThreadMetadata.model_validate_json(data) for _, data in rows[:limit]]
        return Page(data=threads, **_cursor(rows, limit))

    async def delete_thread(self, thread_id: str, context: Context) -> None:
        self.db.execute("DELETE FROM items WHERE thread_id = ?", (thread_id,))
        self.db.execute("DELETE FROM threads WHERE id = ?", (thread_id,))

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Context
    ) -> Page[ThreadItem]:
        rows = self._page("items", "thread_id = ?", thread_id, limit, after, order)
        items = [ITEM.validate_json(data) for _, data in rows[:limit]]
        return Page(data=items, **_cursor(rows, limit))

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        self.db.execute(PUT_ITEM, (item.id, thread_id, item.model_dump_json()))

    async def save_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        self.db.execute(PUT_ITEM, (item.id, thread_id, item.model_dump_json()))

    async def load_item(self, thread_id: str, item_id: str, context: Context) -> ThreadItem:
        sql = "SELECT data FROM items WHERE thread_id = ? AND id = ?"
        row = self.db.execute(sql, (thread_id, item_id)).fetchone()
        if row is None:
            raise NotFoundError(f"no item {item_id} in thread {thread_id}")
        return ITEM.validate_json(row[0])

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Context) -> None:
        self.db.execute("DELETE FROM items WHERE thread_id = ? AND id = ?", (thread_id, item_id))

    async def save_attachment(self, attachment: Attachment, context: Context) -> None:
        raise NotImplementedError("this server takes no attachments")

    async def load_attachment(self, attachment_id: str, context: Context) -> Attachment:
        raise NotFoundError(f"no attachment {attachment_id}")

    async def delete_attachment(self, attachment_id: str, context: Context) -> None:
        raise NotFoundError(f"no attachment {attachment_id}")

    def _page(
        self, table: str, where: str, value: Any, limit: int, after: str | None, order: str
    ) -> list[tuple[str, str]]:
        """Rows of one page, and one more, which tells whether there are others after it."""
        sign, direction = ("<", "DESC") if order == "desc" else (">", "ASC")
        edge = f"position {sign} (SELECT position FROM {table} WHERE {where} AND id = ?)"
        sql = (
            f"SELECT id, data FROM {table} WHERE {where} AND (? IS NULL OR {edge}) "
            f"ORDER BY position {direction} LIMIT ?"
        )
        return self.db.execute(sql, (value, after, value, after, limit + 1)).fetchall()


def _cursor(rows: list[tuple[str, str]], limit: int) -> dict[str, Any]:
    has_more = len(rows) > limit
    return {"has_more": has_more, "after": rows[limit - 1][0] if has_more else None}
