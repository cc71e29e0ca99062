"""The tasks of each user, and how a list of them looks in the chat.

Tasks belong to a user, not to a thread: they are the same in all threads of a user, and outlive
them. No query names the user: PostgreSQL shows a transaction the rows of its user only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from chatkit.widgets import DynamicWidgetRoot
from store import Database


@dataclass(frozen=True)
class Task:
    id: str
    title: str
    done: bool

    @property
    def line(self) -> str:
        """How the agent reads it."""
        return f"{self.id}: {self.title} ({'done' if self.done else 'open'})"


class Tasks:
    """What all users have to do; every call names the user whose tasks are meant."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def create(self, user_id: str, title: str) -> Task:
        id = uuid4()
        async with self.database.used_by(user_id) as db:
            await db.execute("INSERT INTO tasks (id, title) VALUES ($1, $2)", id, title)
        return Task(str(id), title, done=False)

    async def all_of(self, user_id: str) -> list[Task]:
        async with self.database.used_by(user_id) as db:
            rows = await db.fetch("SELECT id, title, done FROM tasks ORDER BY position")
        return [task_in(row) for row in rows]

    async def find(self, user_id: str, task_id: str) -> Task | None:
        async with self.database.used_by(user_id) as db:
            sql = "SELECT id, title, done FROM tasks WHERE id = $1"
            row = await db.fetchrow(sql, uuid_in(task_id))
        return task_in(row) if row else None

    async def complete(self, user_id: str, task_id: str) -> Task | None:
        """Mark a task as done; None if this user has no such task."""
        async with self.database.used_by(user_id) as db:
            sql = "UPDATE tasks SET done = true WHERE id = $1 RETURNING id, title, done"
            row = await db.fetchrow(sql, uuid_in(task_id))
        return task_in(row) if row else None


def task_in(row: asyncpg.Record) -> Task:
    return Task(str(row["id"]), row["title"], row["done"])


def uuid_in(text: str) -> UUID | None:
    """The id that the model or a click sends; None, which no task has, if it is none of ours."""
    try:
        return UUID(text)
    except ValueError:
        return None


def card_of(tasks: list[Task]) -> DynamicWidgetRoot:
    """A card with a row for each task, and a button for each one that is open."""
    rows = [row_of(task) for task in tasks] or [{"type": "Text", "value": "No tasks."}]
    return DynamicWidgetRoot.model_validate({"type": "Card", "children": rows})


def row_of(task: Task) -> dict[str, Any]:
    text = {"type": "Text", "value": task.title, "lineThrough": task.done}
    action = {"type": "complete_task", "payload": {"task_id": task.id}}
    button = {"type": "Button", "label": "Done", "onClickAction": action}
    return {"type": "Row", "children": [text] if task.done else [text, button]}
