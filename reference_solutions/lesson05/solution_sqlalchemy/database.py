"""Tables and settings: SQLAlchemy's asyncio extension over aiosqlite, or psycopg for PostgreSQL."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, DateTime, ForeignKey, String, delete, event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import NullPool

TTL = timedelta(hours=float(os.environ.get("SESSION_TTL_HOURS", "24")))
URL = os.environ.get("DATABASE_URL", "sqlite:///chat.db").replace("sqlite:", "sqlite+aiosqlite:")
URL = URL.replace("postgresql:", "postgresql+psycopg:")

# A file is opened anew each time; connections to a server are kept, and tried before they are used.
POOL: dict[str, Any] = {"poolclass": NullPool} if "sqlite" in URL else {"pool_pre_ping": True}
engine = create_async_engine(URL, **POOL)
sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def use_foreign_keys(connection: Any, _record: Any) -> None:
    # PostgreSQL always does.
    if engine.dialect.name == "sqlite":
        connection.execute("PRAGMA foreign_keys = ON")


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    pass


class ThreadRow(Base):
    __tablename__ = "threads"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String, unique=True)
    used_at: Mapped[datetime] = mapped_column(DateTime, default=now, index=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


class ItemRow(Base):
    __tablename__ = "items"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String, index=True)
    thread_id: Mapped[str] = mapped_column(ForeignKey("threads.id", ondelete="CASCADE"))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


async def create_tables() -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


async def delete_old() -> None:
    async with sessions.begin() as session:
        await session.execute(delete(ThreadRow).where(ThreadRow.used_at < now() - TTL))
