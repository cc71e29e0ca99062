"""One JSON file for each user, with threads, items and tasks; who has another file sees nothing.

A file is read and written between two awaits, so no request comes in between. It is written beside
itself and put in its place, so a power failure leaves the old one or the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
TTL_SECONDS = float(os.environ.get("SESSION_TTL_HOURS", "24")) * 3_600
FOLDER = Path(os.environ.get("CHATKIT_DATA_DIR", ".")) / "accounts"


class Account:
    """All that one user has: ``sub`` is any text, so it is not the file's name."""

    def __init__(self, sub: str) -> None:
        self.sub = sub
        self.path = FOLDER / f"{hashlib.sha256(sub.encode()).hexdigest()}.json"

    def read(self) -> dict[str, Any]:
        if not self.path.exists():
            return {"threads": {}, "tasks": {}}
        return json.loads(self.path.read_text("utf-8"))

    def write(self, data: dict[str, Any]) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(data), "utf-8")
        fresh.replace(self.path)

    def change(self, work: Callable[[dict[str, Any]], Any]) -> Any:
        data = self.read()
        result = work(data)
        self.write(data)
        return result


def forget_old_threads() -> None:
    """Remove what is too old from all files: users who never come back end too."""
    oldest = time.time() - TTL_SECONDS
    for path in FOLDER.glob("*.json"):
        data = json.loads(path.read_text("utf-8"))
        kept = {id: each for id, each in data["threads"].items() if each["said_at"] >= oldest}
        if len(kept) < len(data["threads"]):
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps({**data, "threads": kept}), "utf-8")
            fresh.replace(path)


class AccountStore(Store[Account]):
    async def load_thread(self, thread_id: str, context: Account) -> ThreadMetadata:
        return ThreadMetadata.model_validate(thread_in(context.read(), thread_id)["thread"])

    async def save_thread(self, thread: ThreadMetadata, context: Account) -> None:
        body = json.loads(thread.model_dump_json(exclude={"items"}))

        def work(data: dict[str, Any]) -> None:
            new = {"said_at": time.time(), "items": {}}
            data["threads"].setdefault(thread.id, new)["thread"] = body

        context.change(work)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Account
    ) -> Page[ThreadMetadata]:
        threads = {id: each["thread"] for id, each in context.read()["threads"].items()}
        return page_of(threads, limit, after, order, ThreadMetadata.model_validate)

    async def delete_thread(self, thread_id: str, context: Account) -> None:
        thread_in(context.read(), thread_id)
        context.change(lambda data: data["threads"].pop(thread_id))

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Account
    ) -> Page[ThreadItem]:
        items = thread_in(context.read(), thread_id)["items"]
        return page_of(items, limit, after, order, ITEM.validate_python)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Account) -> None:
        await self.save_item(thread_id, item, context)
        context.change(lambda data: data["threads"][thread_id].update(said_at=time.time()))

    async def save_item(self, thread_id: str, item: ThreadItem, context: Account) -> None:
        body = json.loads(item.model_dump_json())
        context.change(lambda data: thread_in(data, thread_id)["items"].update({item.id: body}))

    async def load_item(self, thread_id: str, item_id: str, context: Account) -> ThreadItem:
        items = thread_in(context.read(), thread_id)["items"]
        if item_id not in items:
            raise NotFoundError("item")
        return ITEM.validate_python(items[item_id])

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Account) -> None:
        context.change(lambda data: thread_in(data, thread_id)["items"].pop(item_id, None))

    async def save_attachment(self, attachment: Attachment, context: Account) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Account) -> Attachment:
        raise NotFoundError("attachment")

    async def delete_attachment(self, attachment_id: str, context: Account) -> None:
        raise NotFoundError("attachment")


def thread_in(data: dict[str, Any], thread_id: str) -> dict[str, Any]:
    if thread_id not in data["threads"]:
        raise NotFoundError("thread")
    return data["threads"][thread_id]


def page_of(
    bodies: dict[str, Any], limit: int, after: str | None, order: str, read: Callable[[Any], Any]
) -> Page[Any]:
    ids = list(bodies)[::-1] if order == "desc" else list(bodies)
    start = ids.index(after) + 1 if after in bodies else len(ids) if after else 0
    page = ids[start : start + limit]
    more = len(ids) > start + limit
    return Page(
        data=[read(bodies[id]) for id in page],
        has_more=more,
        after=page[-1] if more and page else None,
    )
