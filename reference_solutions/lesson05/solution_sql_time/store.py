"""Threads and messages in columns; SQL itself tells the time.

One connection in WAL mode, used by one thread at a time: every call runs in a worker thread under
a lock. What is too old is deleted at the start, and by a statement before each read.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from chatkit.store import NotFoundError, Store
from chatkit.types import (
    AssistantMessageItem,
    Attachment,
    Page,
    ThreadItem,
    ThreadMetadata,
    UserMessageItem,
)
from pydantic import TypeAdapter

SCHEMA = """
CREATE TABLE IF NOT EXISTS thread (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    title TEXT,
    metadata TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now')),
    updated_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS item (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    thread_id TEXT NOT NULL REFERENCES thread (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    text TEXT NOT NULL,
    rest TEXT NOT NULL,
    UNIQUE (thread_id, id)
);
CREATE TRIGGER IF NOT EXISTS item_renews_thread AFTER INSERT ON item BEGIN
    UPDATE thread SET updated_at = CURRENT_TIMESTAMP WHERE id = NEW.thread_id;
END;
"""
THREAD_COLUMNS = "seq, id, title, metadata, created_at"
ITEM_COLUMNS = "seq, id, type, text, rest"
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
MOST_LISTED = 8
"""Threads on a page, however many were asked for; `has_more` tells of the rest."""
T = TypeVar("T")
Row = tuple[Any, ...]


class ColumnStore(Store[Any]):
    def __init__(self, path: str, ttl_hours: float) -> None:
        self.age = f"-{ttl_hours} hours"
        self.lock = threading.Lock()
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.executescript(SCHEMA)
        self.clean_up()

    def clean_up(self) -> None:
        self.db.execute("DELETE FROM thread WHERE updated_at < datetime('now', ?)", (self.age,))

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def locked() -> T:
            with self.lock:
                self.clean_up()
                return work(self.db)

        return await asyncio.to_thread(locked)

    async def rows(self, sql: str, *args: Any) -> list[Row]:
        return await self.run(lambda db: db.execute(sql, args).fetchall())

    async def load_thread(self, thread_id: str, context: Any) -> ThreadMetadata:
        rows = await self.rows(f"SELECT {THREAD_COLUMNS} FROM thread WHERE id = ?", thread_id)
        if not rows:
            raise NotFoundError(f"thread {thread_id} does not exist")
        return thread_of(rows[0])

    async def save_thread(self, thread: ThreadMetadata, context: Any) -> None:
        await self.rows(
            "INSERT INTO thread (id, title, metadata, created_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET title = excluded.title, metadata = excluded.metadata",
            *(thread.id, thread.title, json.dumps(thread.metadata), thread.created_at.isoformat()),
        )

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Any
    ) -> Page[ThreadMetadata]:
        limit = min(limit, MOST_LISTED)
        rows = await self.page("thread", THREAD_COLUMNS, {}, limit, after, order)
        data = []
        for row in rows[:limit]:
            try:
                data.append(thread_of(row))
            except ValueError:
                continue
        return Page(data=data, has_more=len(rows) > limit, after=cursor(rows, limit))

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        await self.rows("DELETE FROM thread WHERE id = ?", thread_id)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Page[ThreadItem]:
        rows = await self.page("item", ITEM_COLUMNS, {"thread_id": thread_id}, limit, after, order)
        data = [item_of(row, thread_id) for row in rows[:limit]]
        return Page(data=data, has_more=len(rows) > limit, after=cursor(rows, limit))

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        text, rest = columns_of(item)
        await self.rows(
            "INSERT INTO item (id, thread_id, type, text, rest) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (thread_id, id) DO UPDATE SET text = excluded.text, rest = excluded.rest",
            *(item.id, thread_id, item.type, text, rest),
        )

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> ThreadItem:
        sql = f"SELECT {ITEM_COLUMNS} FROM item WHERE thread_id = ? AND id = ?"
        rows = await self.rows(sql, thread_id, item_id)
        if not rows:
            raise NotFoundError(f"item {item_id} does not exist")
        return item_of(rows[0], thread_id)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        await self.rows("DELETE FROM item WHERE thread_id = ? AND id = ?", thread_id, item_id)

    async def save_attachment(self, attachment: Attachment, context: Any) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Any) -> Attachment:
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        raise NotFoundError(attachment_id)

    async def page(
        self,
        table: str,
        columns: str,
        where: dict[str, str],
        limit: int,
        after: str | None,
        order: str,
    ) -> list[Row]:
        """The cursor is the number of the last row, so it works without that row, too."""
        clauses = [f"{name} = ?" for name in where]
        args: list[Any] = list(where.values())
        if after is not None:
            clauses.append("seq < ?" if order == "desc" else "seq > ?")
            args.append(int(after))
        condition = f"WHERE {' AND '.join(clauses)}" if clauses else ""
        sql = f"SELECT {columns} FROM {table} {condition} ORDER BY seq {order} LIMIT ?"
        return await self.rows(sql, *args, limit + 1)


def cursor(rows: list[Row], limit: int) -> str | None:
    return str(rows[limit - 1][0]) if len(rows) > limit else None


def thread_of(row: Row) -> ThreadMetadata:
    _, thread_id, title, metadata, created_at = row
    return ThreadMetadata(
        id=thread_id,
        title=title,
        metadata=json.loads(metadata),
        created_at=datetime.fromisoformat(created_at),
    )


def columns_of(item: ThreadItem) -> tuple[str, str]:
    """The text has a column of its own, and the rest is kept as it is."""
    if isinstance(item, UserMessageItem | AssistantMessageItem) and len(item.content) == 1:
        rest = item.model_dump(mode="json")
        return rest["content"][0].pop("text"), json.dumps(rest)
    return "", item.model_dump_json()


def item_of(row: Row, thread_id: str) -> ThreadItem:
    _, _, kind, text, rest = row
    data = json.loads(rest)
    if kind in {"user_message", "assistant_message"} and len(data["content"]) == 1:
        data["content"][0].setdefault("text", text)
    return ITEM.validate_python({**data, "thread_id": thread_id})
