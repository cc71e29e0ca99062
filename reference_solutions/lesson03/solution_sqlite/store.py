"""A ChatKit store over raw `sqlite3`, each call in a worker thread so that the loop goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

SCHEMA = """
CREATE TABLE IF NOT EXISTS threads (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, thread_id TEXT NOT NULL,
    data TEXT NOT NULL, UNIQUE (thread_id, id));
"""
UPSERT_THREAD = """
INSERT INTO threads (id, data) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data
"""
UPSERT_ITEM = """
INSERT INTO items (id, thread_id, data) VALUES (?, ?, ?)
ON CONFLICT (thread_id, id) DO UPDATE SET data = excluded.data
"""
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
Value = TypeVar("Value")


class SqliteStore(Store[Any]):
    """One short connection for each call: simple, and safe from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._connection() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(SCHEMA)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=10)) as db, db:
            yield db

    async def _run(self, work: Callable[[sqlite3.Connection], Value]) -> Value:
        def in_thread() -> Value:
            with self._connection() as db:
                return work(db)

        return await asyncio.to_thread(in_thread)

    async def _write(self, sql: str, *values: str) -> None:
        await self._run(lambda db: db.execute(sql, values).rowcount)

    async def _rows(self, sql: str, *values: Any) -> list[tuple[str, str]]:
        return await self._run(lambda db: db.execute(sql, values).fetchall())

    async def load_thread(self, thread_id: str, context: Any) -> ThreadMetadata:
        rows = await self._rows("SELECT id, data FROM threads WHERE id = ?", thread_id)
        if not rows:
            raise NotFoundError(thread_id)
        return ThreadMetadata.model_validate_json(rows[0][1])

    async def save_thread(self, thread: ThreadMetadata, context: Any) -> None:
        data = thread.model_dump_json(exclude={"items"})
        await self._write(UPSERT_THREAD, thread.id, data)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Any
    ) -> Page[ThreadMetadata]:
        rows = await self._page_rows("threads", "1 = ?", 1, limit, after, order)
        threads = [ThreadMetadata.model_validate_json(data) for _, data in rows[:limit]]
        return Page(data=threads, **_cursor(rows, limit))

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        await self._write("DELETE FROM items WHERE thread_id = ?", thread_id)
        await self._write("DELETE FROM threads WHERE id = ?", thread_id)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Page[ThreadItem]:
        rows = await self._page_rows("items", "thread_id = ?", thread_id, limit, after, order)
        items = [ITEM.validate_json(data) for _, data in rows[:limit]]
        return Page(data=items, **_cursor(rows, limit))

    async def _page_rows(
        self, table: str, where: str, value: Any, limit: int, after: str | None, order: str
    ) -> list[tuple[str, str]]:
        """One row more than `limit`, so that the caller knows whether there are more."""
        sign, direction = ("<", "DESC") if order == "desc" else (">", "ASC")
        edge = f"position {sign} (SELECT position FROM {table} WHERE {where} AND id = ?)"
        sql = (
            f"SELECT id, data FROM {table} WHERE {where} AND (? IS NULL OR {edge}) "
            f"ORDER BY position {direction} LIMIT ?"
        )
        return await self._rows(sql, value, after, value, after, limit + 1)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        await self._write(UPSERT_ITEM, item.id, thread_id, item.model_dump_json())

    async def save_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        await self.add_thread_item(thread_id, item, context)

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> ThreadItem:
        sql = "SELECT id, data FROM items WHERE thread_id = ? AND id = ?"
        rows = await self._rows(sql, thread_id, item_id)
        if not rows:
            raise NotFoundError(item_id)
        return ITEM.validate_json(rows[0][1])

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        await self._write("DELETE FROM items WHERE thread_id = ? AND id = ?", thread_id, item_id)

    async def save_attachment(self, attachment: Attachment, context: Any) -> None:
        raise NotImplementedError("no attachments")

    async def load_attachment(self, attachment_id: str, context: Any) -> Attachment:
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        raise NotFoundError(attachment_id)


def _cursor(rows: list[tuple[str, str]], limit: int) -> dict[str, Any]:
    has_more = len(rows) > limit
    return {"has_more": has_more, "after": rows[limit - 1][0] if has_more else None}
