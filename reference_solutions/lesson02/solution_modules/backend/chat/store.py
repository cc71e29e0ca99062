"""Threads and items in memory, as JSON, so that no caller can change what is stored."""

from typing import Any, Generic, TypeVar

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, Thread, ThreadItem, ThreadMetadata
from pydantic import BaseModel, TypeAdapter

ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
THREAD = TypeAdapter(ThreadMetadata)
Record = TypeVar("Record", bound=BaseModel)


class Shelf(Generic[Record]):
    """Records of one kind by id, in the order in which they were first put there."""

    def __init__(self, adapter: TypeAdapter[Record]) -> None:
        self._adapter = adapter
        self._data: dict[str, bytes] = {}

    def put(self, record_id: str, record: Record) -> None:
        self._data[record_id] = self._adapter.dump_json(record)

    def get(self, record_id: str) -> Record:
        if record_id not in self._data:
            raise NotFoundError(record_id)
        return self._adapter.validate_json(self._data[record_id])

    def drop(self, record_id: str) -> None:
        self._data.pop(record_id, None)

    def page(self, limit: int, after: str | None, order: str) -> Page[Any]:
        ids = list(self._data)
        if order == "desc":
            ids.reverse()
        if after is not None:
            ids = ids[ids.index(after) + 1 :]
        chosen = ids[:limit]
        has_more = len(ids) > limit
        data = [self.get(record_id) for record_id in chosen]
        return Page(data=data, has_more=has_more, after=chosen[-1] if has_more else None)


class ShelfStore(Store[Any]):
    def __init__(self) -> None:
        self._threads = Shelf(THREAD)
        self._items: dict[str, Shelf[Any]] = {}

    def _shelf(self, thread_id: str) -> Shelf[Any]:
        return self._items.setdefault(thread_id, Shelf(ITEM))

    async def load_thread(self, thread_id: str, context: Any) -> ThreadMetadata:
        return self._threads.get(thread_id)

    async def save_thread(self, thread: ThreadMetadata, context: Any) -> None:
        if isinstance(thread, Thread):
            thread = ThreadMetadata.model_validate(thread.model_dump(exclude={"items"}))
        self._threads.put(thread.id, thread)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Any
    ) -> Page[ThreadMetadata]:
        return self._threads.page(limit, after, order)

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        self._threads.drop(thread_id)
        self._items.pop(thread_id, None)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Page[ThreadItem]:
        return self._shelf(thread_id).page(limit, after, order)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        self._shelf(thread_id).put(item.id, item)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        self._shelf(thread_id).put(item.id, item)

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> ThreadItem:
        return self._shelf(thread_id).get(item_id)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        self._shelf(thread_id).drop(item_id)

    async def save_attachment(self, attachment: Attachment, context: Any) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Any) -> Attachment:
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        raise NotFoundError(attachment_id)
