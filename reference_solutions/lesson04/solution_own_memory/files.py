"""A ChatKit store with one JSON file for each thread, which holds its items too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


class FileStore(Store[None]):
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "threads"
        self.folder.mkdir(parents=True, exist_ok=True)

    def _file(self, thread_id: str) -> Path:
        if not thread_id.replace("_", "").isalnum():
            raise NotFoundError(thread_id)
        return self.folder / f"{thread_id}.json"

    def _read(self, thread_id: str) -> dict[str, Any]:
        file = self._file(thread_id)
        if not file.exists():
            raise NotFoundError(thread_id)
        data: dict[str, Any] = json.loads(file.read_text())
        return data

    def _write(self, thread_id: str, data: dict[str, Any]) -> None:
        fresh = self._file(thread_id).with_suffix(".new")
        fresh.write_text(json.dumps(data))
        fresh.replace(self._file(thread_id))

    def _items(self, thread_id: str) -> list[ThreadItem]:
        return [ITEM.validate_python(item) for item in self._read(thread_id)["items"]]

    def _put_items(self, thread_id: str, items: list[ThreadItem]) -> None:
        data = self._read(thread_id)
        data["items"] = [item.model_dump(mode="json") for item in items]
        self._write(thread_id, data)

    async def load_thread(self, thread_id: str, context: None) -> ThreadMetadata:
        return ThreadMetadata.model_validate(self._read(thread_id)["thread"])

    async def save_thread(self, thread: ThreadMetadata, context: None) -> None:
        exists = self._file(thread.id).exists()
        items = self._read(thread.id)["items"] if exists else []
        metadata = thread.model_dump(mode="json", exclude={"items"})
        self._write(thread.id, {"thread": metadata, "items": items})

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: None
    ) -> Page[ThreadMetadata]:
        files = sorted(self.folder.glob("*.json"), key=lambda file: file.stat().st_ctime_ns)
        threads = [await self.load_thread(file.stem, context) for file in files]
        return cut(threads, limit, after, order)

    async def delete_thread(self, thread_id: str, context: None) -> None:
        self._file(thread_id).unlink(missing_ok=True)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: None
    ) -> Page[ThreadItem]:
        return cut(self._items(thread_id), limit, after, order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: None) -> None:
        self._put_items(thread_id, [*self._items(thread_id), item])

    async def save_item(self, thread_id: str, item: ThreadItem, context: None) -> None:
        items = [item if old.id == item.id else old for old in self._items(thread_id)]
        self._put_items(thread_id, items)

    async def load_item(self, thread_id: str, item_id: str, context: None) -> ThreadItem:
        for item in self._items(thread_id):
            if item.id == item_id:
                return item
        raise NotFoundError(item_id)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: None) -> None:
        self._put_items(thread_id, [i for i in self._items(thread_id) if i.id != item_id])

    async def save_attachment(self, attachment: Attachment, context: None) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: None) -> Attachment:
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: None) -> None:
        raise NotFoundError(attachment_id)


def cut(records: list[Any], limit: int, after: str | None, order: str) -> Page[Any]:
    """The page of `records` (oldest first) that comes after the record with id `after`."""
    rest = records[::-1] if order == "desc" else records[:]
    if after is not None:
        rest = rest[[record.id for record in rest].index(after) + 1 :]
    has_more = len(rest) > limit
    return Page(data=rest[:limit], has_more=has_more, after=rest[limit - 1].id if has_more else None)
