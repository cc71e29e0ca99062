"""A store over SQLAlchemy: a session for each call, which sees only what is not too old."""

from __future__ import annotations

import logging
from typing import Any

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from database import TTL, ItemRow, ThreadRow, now, sessions

ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
log = logging.getLogger("store")


class AlchemyStore(Store[Any]):
    async def load_thread(self, thread_id: str, context: Any) -> ThreadMetadata:
        async with sessions() as session:
            row = await the_thread(session, thread_id)
            return ThreadMetadata.model_validate(row.body)

    async def save_thread(self, thread: ThreadMetadata, context: Any) -> None:
        body = ThreadMetadata.model_validate(thread.model_dump()).model_dump(mode="json")
        async with sessions.begin() as session:
            row = await session.scalar(select(ThreadRow).where(ThreadRow.id == thread.id))
            if row is None:
                session.add(ThreadRow(id=thread.id, body=body))
            else:
                row.body = body

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Any
    ) -> Page[ThreadMetadata]:
        numbers = select(ThreadRow.number).where(is_young())
        behind = select(ThreadRow.number).where(ThreadRow.id == after).scalar_subquery()
        numbers = paged(numbers, ThreadRow.number, after, behind, limit, order)
        async with sessions() as session:
            found = list(await session.scalars(numbers))
            data = [await readable(session, number) for number in found[:limit]]
            last = await session.scalar(
                select(ThreadRow.id).where(ThreadRow.number == (found[:limit] or [0])[-1])
            )
        more = len(found) > limit
        return Page(data=[t for t in data if t], has_more=more, after=last if more else None)

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        async with sessions.begin() as session:
            await session.execute(delete(ThreadRow).where(ThreadRow.id == thread_id))

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Page[ThreadItem]:
        own = ItemRow.thread_id == thread_id
        behind = select(ItemRow.number).where(own, ItemRow.id == after).scalar_subquery()
        query = paged(select(ItemRow).where(own), ItemRow.number, after, behind, limit, order)
        async with sessions() as session:
            await the_thread(session, thread_id)
            rows = list(await session.scalars(query))
        more = len(rows) > limit
        data = [ITEM.validate_python(row.body) for row in rows[:limit]]
        return Page(data=data, has_more=more, after=rows[limit - 1].id if more else None)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        body = item.model_dump(mode="json")
        async with sessions.begin() as session:
            thread = await the_thread(session, thread_id)
            thread.used_at = now()
            row = await session.scalar(
                select(ItemRow).where(ItemRow.thread_id == thread_id, ItemRow.id == item.id)
            )
            if row is None:
                session.add(ItemRow(id=item.id, thread_id=thread_id, body=body))
            else:
                row.body = body

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> ThreadItem:
        query = select(ItemRow).where(ItemRow.thread_id == thread_id, ItemRow.id == item_id)
        async with sessions() as session:
            row = await session.scalar(query)
        if row is None:
            raise NotFoundError(item_id)
        return ITEM.validate_python(row.body)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        query = delete(ItemRow).where(ItemRow.thread_id == thread_id, ItemRow.id == item_id)
        async with sessions.begin() as session:
            await session.execute(query)

    async def save_attachment(self, attachment: Attachment, context: Any) -> None:
        raise NotImplementedError("no attachments")

    async def load_attachment(self, attachment_id: str, context: Any) -> Attachment:
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        raise NotFoundError(attachment_id)


def is_young() -> ColumnElement[bool]:
    return ThreadRow.used_at >= now() - TTL


async def the_thread(session: AsyncSession, thread_id: str) -> ThreadRow:
    row = await session.scalar(select(ThreadRow).where(ThreadRow.id == thread_id, is_young()))
    if row is None:
        raise NotFoundError(f"no thread {thread_id}")
    return row


async def readable(session: AsyncSession, number: int) -> ThreadMetadata | None:
    """One thread of a list; a bad one is left out, which a query for all could not do."""
    try:
        body = await session.scalar(select(ThreadRow.body).where(ThreadRow.number == number))
        return ThreadMetadata.model_validate(body)
    except ValueError:
        log.exception("thread number %s cannot be read", number)
        return None


def paged(
    query: Select[Any],
    number: Any,
    after: str | None,
    behind: Any,
    limit: int,
    order: str,
) -> Select[Any]:
    down = order == "desc"
    if after is not None:
        query = query.where(number < behind if down else number > behind)
    return query.order_by(number.desc() if down else number.asc()).limit(limit + 1)
