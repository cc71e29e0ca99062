"""A store whose context brings the file: who has another file cannot even ask for these threads."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

if TYPE_CHECKING:
    from server import Signed

Result = TypeVar("Result")
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
SCHEMA = """
CREATE TABLE IF NOT EXISTS thread (n INTEGER PRIMARY KEY, id TEXT UNIQUE, body TEXT);
CREATE TABLE IF NOT EXISTS item (n INTEGER PRIMARY KEY, id TEXT, thread TEXT, body TEXT,
    UNIQUE (thread, id));
"""


class File:
    """One user's file; each piece of work opens it anew, in a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, folder: Path, user: str) -> File:
        # Users may be called anything, so their names are no names of files.
        return cls(folder / f"user-{hashlib.sha256(user.encode()).hexdigest()}.db")

    async def do(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        return await asyncio.to_thread(self._do, work)

    def _do(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        with closing(sqlite3.connect(self.path, timeout=20)) as db, db:
            db.executescript(SCHEMA)
            return work(db)


class FileStore(Store["Signed"]):
    async def load_thread(self, thread_id: str, context: Signed) -> ThreadMetadata:
        sql = "SELECT body FROM thread WHERE id = ?"
        row = await context.file.do(lambda db: db.execute(sql, (thread_id,)).fetchone())
        if row is None:
            raise NotFoundError("thread")
        return ThreadMetadata.model_validate_json(row[0])

    async def save_thread(self, thread: ThreadMetadata, context: Signed) -> None:
        sql = (
            "INSERT INTO thread (id, body) VALUES (?, ?) "
            "ON CONFLICT (id) DO UPDATE SET body = excluded.body"
        )
        body = thread.model_dump_json(exclude={"items"})
        await context.file.do(lambda db: db.execute(sql, (thread.id, body)))

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Signed
    ) -> Page[ThreadMetadata]:
        sql = "SELECT id, body FROM thread ORDER BY n"
        rows = await context.file.do(lambda db: db.execute(sql).fetchall())
        return page_of(rows, limit, after, order, ThreadMetadata.model_validate_json)

    async def delete_thread(self, thread_id: str, context: Signed) -> None:
        await self.load_thread(thread_id, context)

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM item WHERE thread = ?", (thread_id,))
            db.execute("DELETE FROM thread WHERE id = ?", (thread_id,))

        await context.file.do(work)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Signed
    ) -> Page[ThreadItem]:
        sql = "SELECT id, body FROM item WHERE thread = ? ORDER BY n"
        rows = await context.file.do(lambda db: db.execute(sql, (thread_id,)).fetchall())
        return page_of(rows, limit, after, order, ITEM.validate_json)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Signed) -> None:
        sql = (
            "INSERT INTO item (id, thread, body) VALUES (?, ?, ?) "
            "ON CONFLICT (thread, id) DO UPDATE SET body = excluded.body"
        )
        row = (item.id, thread_id, item.model_dump_json())
        await context.file.do(lambda db: db.execute(sql, row))

    async def save_item(self, thread_id: str, item: ThreadItem, context: Signed) -> None:
        await self.add_thread_item(thread_id, item, context)

    async def load_item(self, thread_id: str, item_id: str, context: Signed) -> ThreadItem:
        sql = "SELECT body FROM item WHERE thread = ? AND id = ?"
        row = await context.file.do(lambda db: db.execute(sql, (thread_id, item_id)).fetchone())
        if row is None:
            raise NotFoundError("item")
        return ITEM.validate_json(row[0])

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Signed) -> None:
        sql = "DELETE FROM item WHERE thread = ? AND id = ?"
        await context.file.do(lambda db: db.execute(sql, (thread_id, item_id)))

    async def save_attachment(self, attachment: Attachment, context: Signed) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Signed) -> Attachment:
        raise NotFoundError("attachment")

    async def delete_attachment(self, attachment_id: str, context: Signed) -> None:
        raise NotFoundError("attachment")


def page_of(
    rows: list[tuple[str, str]],
    limit: int,
    after: str | None,
    order: str,
    read: Callable[[str], Any],
) -> Page[Any]:
    ordered = rows[::-1] if order == "desc" else rows
    ids = [row[0] for row in ordered]
    start = ids.index(after) + 1 if after in ids else 0
    page = ordered[start : start + limit]
    more = len(ordered) > start + limit
    return Page(
        data=[read(body) for _, body in page],
        has_more=more,
        after=page[-1][0] if more and page else None,
    )
