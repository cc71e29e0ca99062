"""A ChatKit store over SQLAlchemy's async engine and aiosqlite."""

from __future__ import annotations

from typing import Any

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter
from sqlalchemy import JSON, ForeignKey, Select, delete, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


class Base(DeclarativeBase):
    pass


class ThreadRow(Base):
    __tablename__ = "threads"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


class ItemRow(Base):
    __tablename__ = "items"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str]
    thread_id: Mapped[str] = mapped_column(ForeignKey("threads.id"), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


class SqlStore(Store[Any]):
    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def create_tables(self) -> None:
        async with self.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    async def load_thread(self, thread_id: str, context: Any) -> ThreadMetadata:
        async with self.sessions() as session:
            row = await _thread_row(session, thread_id)
        if row is None:
            raise NotFoundError(thread_id)
        return ThreadMetadata.model_validate(row.data)

    async def save_thread(self, thread: ThreadMetadata, context: Any) -> None:
        data = thread.model_dump(mode="json", exclude={"items"})
        async with self.sessions.begin() as session:
            row = await _thread_row(session, thread.id)
            if row is None:
                session.add(ThreadRow(id=thread.id, data=data))
            else:
                row.data = data

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Any
    ) -> Page[ThreadMetadata]:
        rows, has_more = await self._page(select(ThreadRow), ThreadRow, limit, after, order)
        data = [ThreadMetadata.model_validate(row.data) for row in rows]
        return Page(data=data, has_more=has_more, after=data[-1].id if has_more else None)

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        async with self.sessions.begin() as session:
            await session.execute(delete(ItemRow).where(ItemRow.thread_id == thread_id))
            await session.execute(delete(ThreadRow).where(ThreadRow.id == thread_id))

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Page[ThreadItem]:
        query = select(ItemRow).where(ItemRow.thread_id == thread_id)
        rows, has_more = await self._page(query, ItemRow, limit, after, order)
        data = [ITEM.validate_python(row.data) for row in rows]
        return Page(data=data, has_more=has_more, after=data[-1].id if has_more else None)

    async def _page(
        self, query: Select[Any], table: Any, limit: int, after: str | None, order: str
    ) -> tuple[list[Any], bool]:
        async with self.sessions() as session:
            if after is not None:
                edge = await session.scalar(query.where(table.id == after))
                newer = table.position > edge.position
                query = query.where(newer if order == "asc" else table.position < edge.position)
            by = table.position.asc() if order == "asc" else table.position.desc()
            rows = list(await session.scalars(query.order_by(by).limit(limit + 1)))
        return rows[:limit], len(rows) > limit

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        data = item.model_dump(mode="json")
        async with self.sessions.begin() as session:
            row = await _item_row(session, thread_id, item.id)
            if row is None:
                session.add(ItemRow(id=item.id, thread_id=thread_id, data=data))
            else:
                row.data = data

    async def save_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        await self.add_thread_item(thread_id, item, context)

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> ThreadItem:
        async with self.sessions() as session:
            row = await _item_row(session, thread_id, item_id)
        if row is None:
            raise NotFoundError(item_id)
        return ITEM.validate_python(row.data)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        async with self.sessions.begin() as session:
            row = await _item_row(session, thread_id, item_id)
            if row is not None:
                await session.delete(row)

    async def save_attachment(self, attachment: Attachment, context: Any) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Any) -> Attachment:
        raise NotFoundError(attachment_id)

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        raise NotFoundError(attachment_id)


async def _thread_row(session: AsyncSession, thread_id: str) -> ThreadRow | None:
    return await session.scalar(select(ThreadRow).where(ThreadRow.id == thread_id))


async def _item_row(session: AsyncSession, thread_id: str, item_id: str) -> ItemRow | None:
    query = select(ItemRow).where(ItemRow.thread_id == thread_id, ItemRow.id == item_id)
    return await session.scalar(query)
