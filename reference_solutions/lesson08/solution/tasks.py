"""The tasks of each user, and how a list of them looks in the chat.

Tasks belong to a user, not to a thread: they are the same in all threads of a user, and outlive
them.
"""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

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

    def create(self, user_id: str, title: str) -> Task:
        task = Task(f"task_{secrets.token_hex(8)}", title, done=False)
        with self.database.transaction() as db:
            sql = "INSERT INTO tasks (id, owner, title) VALUES (?, ?, ?)"
            db.execute(sql, (task.id, user_id, title))
        return task

    def all_of(self, user_id: str) -> list[Task]:
        with self.database.transaction() as db:
            return tasks_of(db, user_id)

    def find(self, user_id: str, task_id: str) -> Task | None:
        with self.database.transaction() as db:
            return next((task for task in tasks_of(db, user_id) if task.id == task_id), None)

    def complete(self, user_id: str, task_id: str) -> Task | None:
        """Mark a task as done; None if this user has no such task."""
        with self.database.transaction() as db:
            sql = "UPDATE tasks SET done = 1 WHERE id = ? AND owner = ?"
            db.execute(sql, (task_id, user_id))
            return next((task for task in tasks_of(db, user_id) if task.id == task_id), None)


def tasks_of(db: sqlite3.Connection, user_id: str) -> list[Task]:
    sql = "SELECT id, title, done FROM tasks WHERE owner = ? ORDER BY position"
    return [Task(id, title, bool(done)) for id, title, done in db.execute(sql, (user_id,))]


def card_of(tasks: list[Task]) -> DynamicWidgetRoot:
    """A card with a row for each task, and a button for each one that is open."""
    rows = [row_of(task) for task in tasks] or [{"type": "Text", "value": "No tasks."}]
    return DynamicWidgetRoot.model_validate({"type": "Card", "children": rows})


def row_of(task: Task) -> dict[str, Any]:
    text = {"type": "Text", "value": task.title, "lineThrough": task.done}
    action = {"type": "complete_task", "payload": {"task_id": task.id}}
    button = {"type": "Button", "label": "Done", "onClickAction": action}
    return {"type": "Row", "children": [text] if task.done else [text, button]}
