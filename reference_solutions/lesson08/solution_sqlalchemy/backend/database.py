"""Threads, items and tasks in three tables, each row with its owner. Tasks count from 1."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from chatkit.store import NotFoundError, Store
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter
from sqlalchemy import String, delete, event, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from .settings import settings
from .users import User

ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


class Base(DeclarativeBase):
    pass


class ThreadRow(Base):
    __tablename__ = "threads"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String, unique=True)
    owner: Mapped[str] = mapped_column(String, index=True)
    said_at: Mapped[datetime]
    data: Mapped[str]


class ItemRow(Base):
    __tablename__ = "items"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String)
    thread_id: Mapped[str] = mapped_column(String, index=True)
    owner: Mapped[str] = mapped_column(String)
    data: Mapped[str]


class TaskRow(Base):
    __tablename__ = "tasks"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    owner: Mapped[str] = mapped_column(String, index=True)
    title: Mapped[str]
    done: Mapped[bool] = mapped_column(default=False)


url = settings.database_url.replace("postgresql://", "postgresql+asyncpg://", 1)
engine = create_async_engine(url.replace("sqlite://", "sqlite+aiosqlite://", 1))
Session = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def wait_for_locks(connection: Any, _record: Any) -> None:
    # PostgreSQL waits by itself.
    if engine.dialect.name == "sqlite":
        connection.execute("PRAGMA busy_timeout = 5000")


async def open_database() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


async def forget_old_sessions() -> None:
    oldest = datetime.now() - timedelta(hours=settings.session_ttl_hours)
    async with Session.begin() as session:
        ids = list(await session.scalars(select(ThreadRow.id).where(ThreadRow.said_at < oldest)))
        if ids:
            await session.execute(delete(ItemRow).where(ItemRow.thread_id.in_(ids)))
            await session.execute(delete(ThreadRow).where(ThreadRow.id.in_(ids)))


class SqlStore(Store[User]):
    async def load_thread(self, thread_id: str, context: User) -> ThreadMetadata:
        async with Session() as session:
            row = await own_thread(session, thread_id, context)
            return ThreadMetadata.model_validate_json(row.data)

    async def save_thread(self, thread: ThreadMetadata, context: User) -> None:
        data = thread.model_dump_json(exclude={"items"})
        async with Session.begin() as session:
            row = await session.scalar(select(ThreadRow).where(ThreadRow.id == thread.id))
            if row is None:
                now = datetime.now()
                session.add(ThreadRow(id=thread.id, owner=context.id, said_at=now, data=data))
            elif row.owner == context.id:
                row.data = data
            else:
                raise NotFoundError(f"Thread {thread.id} not found")

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: User
    ) -> Page[ThreadMetadata]:
        own = select(ThreadRow).where(ThreadRow.owner == context.id)
        rows, more = await page(ThreadRow, own, limit, after, order)
        threads = [ThreadMetadata.model_validate_json(row.data) for row in rows]
        return Page(data=threads, has_more=more, after=rows[-1].id if more else None)

    async def delete_thread(self, thread_id: str, context: User) -> None:
        async with Session.begin() as session:
            row = await own_thread(session, thread_id, context)
            await session.execute(delete(ItemRow).where(ItemRow.thread_id == row.id))
            await session.delete(row)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: User
    ) -> Page[ThreadItem]:
        own = select(ItemRow).where(ItemRow.thread_id == thread_id, ItemRow.owner == context.id)
        rows, more = await page(ItemRow, own, limit, after, order)
        items = [ITEM.validate_json(row.data) for row in rows]
        return Page(data=items, has_more=more, after=rows[-1].id if more else None)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: User) -> None:
        async with Session.begin() as session:
            (await own_thread(session, thread_id, context)).said_at = datetime.now()
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: ThreadItem, context: User) -> None:
        data = item.model_dump_json()
        async with Session.begin() as session:
            await own_thread(session, thread_id, context)
            row = await session.scalar(own_item(thread_id, item.id, context))
            if row is None:
                owner = context.id
                session.add(ItemRow(id=item.id, thread_id=thread_id, owner=owner, data=data))
            else:
                row.data = data

    async def load_item(self, thread_id: str, item_id: str, context: User) -> ThreadItem:
        async with Session() as session:
            row = await session.scalar(own_item(thread_id, item_id, context))
            if row is None:
                raise NotFoundError(f"Item {item_id} not found")
            return ITEM.validate_json(row.data)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: User) -> None:
        async with Session.begin() as session:
            row = await session.scalar(own_item(thread_id, item_id, context))
            if row is not None:
                await session.delete(row)

    async def save_attachment(self, attachment: Attachment, context: User) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: User) -> Attachment:
        raise NotFoundError(f"Attachment {attachment_id} not found")

    async def delete_attachment(self, attachment_id: str, context: User) -> None:
        raise NotFoundError(f"Attachment {attachment_id} not found")


async def add_task(user: User, title: str) -> TaskRow:
    async with Session.begin() as session:
        task = TaskRow(owner=user.id, title=title, done=False)
        session.add(task)
        await session.flush()
        return task


async def tasks_of(user: User) -> list[TaskRow]:
    async with Session() as session:
        own = select(TaskRow).where(TaskRow.owner == user.id).order_by(TaskRow.id)
        return list(await session.scalars(own))


async def task_of(user: User, task_id: int) -> TaskRow | None:
    return next((task for task in await tasks_of(user) if task.id == task_id), None)


async def finish_task(user: User, task_id: int) -> TaskRow | None:
    own = (TaskRow.id == task_id, TaskRow.owner == user.id)
    async with Session.begin() as session:
        await session.execute(update(TaskRow).where(*own).values(done=True))
    return await task_of(user, task_id)


async def page(
    table: Any, own: Any, limit: int, after: str | None, order: str
) -> tuple[list[Any], bool]:
    newest_first = order == "desc"
    column = table.number
    async with Session() as session:
        if after is not None:
            edge = await session.scalar(own.where(table.id == after))
            if edge is None:
                return [], False
            own = own.where(column < edge.number if newest_first else column > edge.number)
        sorted_rows = own.order_by(column.desc() if newest_first else column.asc())
        rows = list(await session.scalars(sorted_rows.limit(limit + 1)))
    return rows[:limit], len(rows) > limit


async def own_thread(session: AsyncSession, thread_id: str, user: User) -> ThreadRow:
    own = (ThreadRow.id == thread_id, ThreadRow.owner == user.id)
    row = await session.scalar(select(ThreadRow).where(*own))
    if row is None:
        raise NotFoundError(f"Thread {thread_id} not found")
    return row


def own_item(thread_id: str, item_id: str, user: User) -> Any:
    return select(ItemRow).where(
        ItemRow.thread_id == thread_id, ItemRow.id == item_id, ItemRow.owner == user.id
    )
