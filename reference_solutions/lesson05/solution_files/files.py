"""One JSON file for each thread, with its items; written beside and renamed, so never half."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
T = TypeVar("T")
Document = dict[str, Any]
log = logging.getLogger("files")


class FileStore(Store[Any]):
    def __init__(self, folder: Path, ttl_hours: float) -> None:
        self.folder = folder
        # Without it, a disk that is not mounted looks like a folder in which nothing is stored.
        self.mark = folder / "mounted"
        # A little less: what has been promised to be gone by then is never there too long.
        self.ttl_seconds = ttl_hours * 3600 - 50 * 60
        self.mark.touch()

    async def load_thread(self, thread_id: str, context: Any) -> ThreadMetadata:
        return ThreadMetadata.model_validate(self.read(thread_id)["thread"])

    async def save_thread(self, thread: ThreadMetadata, context: Any) -> None:
        data = thread.model_dump(mode="json", exclude={"items"})
        path = self.path_of(thread.id)
        new = {"items": [], "made": time.time_ns(), "used": time.time()}
        old = self.read(thread.id) if path.exists() else new
        self.write(thread.id, {**old, "thread": data})

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Any
    ) -> Page[ThreadMetadata]:
        found = sorted(self.readable(), key=lambda each: (each["made"], each["thread"]["id"]))
        threads = [ThreadMetadata.model_validate(each["thread"]) for each in found]
        return page_of(threads, limit, after, order)

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        self.path_of(thread_id).unlink(missing_ok=True)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Page[ThreadItem]:
        items = [ITEM.validate_python(each) for each in self.read(thread_id)["items"]]
        return page_of(items, limit, after, order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        with self.changing(thread_id) as items:
            items.append(item.model_dump(mode="json"))

    async def save_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        data = item.model_dump(mode="json")
        with self.changing(thread_id) as items:
            ids = [each["id"] for each in items]
            if item.id in ids:
                items[ids.index(item.id)] = data
            else:
                items.append(data)

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> ThreadItem:
        for each in self.read(thread_id)["items"]:
            if each["id"] == item_id:
                return ITEM.validate_python(each)
        raise NotFoundError(item_id)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        with self.changing(thread_id) as items:
            items[:] = [each for each in items if each["id"] != item_id]

    async def save_attachment(self, attachment: Attachment, context: Any) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Any) -> Attachment:
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        raise NotFoundError(attachment_id)

    # --- files -------------------------------------------------------------------------------

    def path_of(self, thread_id: str) -> Path:
        if not thread_id.replace("_", "").isalnum():
            raise NotFoundError(thread_id)
        return self.folder / f"{thread_id}.json"

    def read(self, thread_id: str) -> Document:
        path = self.path_of(thread_id)
        if not self.mark.exists():
            raise OSError("the data folder is away")
        if not path.exists():
            raise NotFoundError(thread_id)
        document: Document = json.loads(path.read_text("utf-8"))
        if document["used"] < time.time() - self.ttl_seconds:
            path.unlink()
            raise NotFoundError(thread_id)
        return document

    def write(self, thread_id: str, document: Document) -> None:
        path = self.path_of(thread_id)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(document), "utf-8")
        os.replace(new, path)

    @contextmanager
    def changing(self, thread_id: str) -> Iterator[list[Document]]:
        """No `await` between reading and writing, so no other request comes in between."""
        document = self.read(thread_id)
        yield document["items"]
        self.write(thread_id, {**document, "used": time.time()})

    def readable(self) -> Iterator[Document]:
        if not self.mark.exists():
            raise OSError("the data folder is away")
        for path in self.folder.glob("*.json"):
            try:
                yield self.read(path.stem)
            except NotFoundError:
                continue
            except (ValueError, KeyError):
                log.exception("%s cannot be read", path.name)


def page_of(entries: list[T], limit: int, after: str | None, order: str) -> Page[T]:
    ordered = entries[::-1] if order == "desc" else entries
    ids = [entry.id for entry in ordered]  # type: ignore[attr-defined]
    if after is not None and after not in ids:
        return Page(data=[])
    start = 0 if after is None else ids.index(after) + 1
    data = ordered[start : start + limit]
    more = start + limit < len(ordered)
    return Page(data=data, has_more=more, after=ids[start + limit - 1] if more else None)
