"""The tools without the Agents SDK: a schema and a coroutine each; tasks are rows of a table.

A tool yields what the client gets, and returns by `Returned` what the model gets.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auth import RequestContext
from chatkit.types import (
    ClientToolCallItem,
    ProgressUpdateEvent,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    WidgetItem,
)
from chatkit.widgets import DynamicWidgetRoot
from store import Database


@dataclass(frozen=True)
class Returned:
    """What the model gets; None while the client has not answered."""

    output: str | None


Steps = AsyncIterator[ThreadStreamEvent | Returned]


@dataclass(frozen=True)
class Call:
    id: str
    name: str
    arguments: dict[str, Any]


class Toolbox:
    def __init__(self, database: Database, new_id: Callable[..., str]) -> None:
        self.database = database
        self.new_id = new_id

    def rows(self, user: str) -> list[tuple[str, str, bool]]:
        with self.database.transaction() as db:
            sql = "SELECT id, title, done FROM tasks WHERE owner = ? ORDER BY position"
            return [(id, title, bool(done)) for id, title, done in db.execute(sql, (user,))]

    def finish(self, user: str, task_id: str) -> bool:
        with self.database.transaction() as db:
            sql = "UPDATE tasks SET done = 1 WHERE id = ? AND owner = ?"
            return db.execute(sql, (task_id, user)).rowcount == 1

    def widget(self, user: str) -> DynamicWidgetRoot:
        rows = [self.row(*each) for each in self.rows(user)]
        return DynamicWidgetRoot.model_validate({"type": "ListView", "children": rows})

    def row(self, task_id: str, title: str, done: bool) -> dict[str, Any]:
        action = {"type": "complete_task", "payload": {"task_id": task_id}}
        button = {"type": "Button", "iconStart": "check", "onClickAction": action}
        text = {"type": "Text", "value": f"{title} (done)" if done else title}
        return {"type": "ListViewItem", "children": [text] if done else [text, button]}

    async def run(self, call: Call, thread: ThreadMetadata, context: RequestContext) -> Steps:
        user = context.user_id
        task_id = str(call.arguments.get("task_id", ""))
        found = next((row for row in self.rows(user) if row[0] == task_id), None)
        match call.name:
            case "create_task":
                yield ProgressUpdateEvent(text="Creating a task")
                title = str(call.arguments["title"])
                new = uuid.uuid4().hex
                with self.database.transaction() as db:
                    sql = "INSERT INTO tasks (id, owner, title) VALUES (?, ?, ?)"
                    db.execute(sql, (new, user, title))
                yield Returned(f'Task {new} is "{title}".')
            case "list_tasks":
                yield ProgressUpdateEvent(text="Listing")
                item = WidgetItem(
                    id=self.new_id("message", thread, context),
                    thread_id=thread.id,
                    created_at=datetime.now(),
                    widget=self.widget(user),
                )
                yield ThreadItemDoneEvent(item=item)
                yield Returned(json.dumps([{"id": i, "title": t, "done": d}
                                           for i, t, d in self.rows(user)]))  # fmt: skip
            case "complete_task":
                yield ProgressUpdateEvent(text="Completing")
                done = self.finish(user, task_id)
                yield Returned(f"{task_id} is done" if done else "This task does not exist.")
            case "show_task" if found is not None:
                yield ThreadItemDoneEvent(
                    item=ClientToolCallItem(
                        id=self.new_id("tool_call", thread, context),
                        thread_id=thread.id,
                        created_at=datetime.now(),
                        call_id=call.id,
                        name="show_task",
                        arguments={"task_id": found[0], "title": found[1]},
                    )
                )
                yield Returned(None)
            case _:
                yield Returned("This task does not exist.")


def schema(name: str, description: str, *parameters: str) -> dict[str, Any]:
    properties = {each: {"type": "string"} for each in parameters}
    return {
        "type": "function",
        "name": name,
        "description": description,
        "parameters": {
            "type": "object",
            "properties": properties,
            "required": list(parameters),
            "additionalProperties": False,
        },
        "strict": True,
    }


SCHEMAS = [
    schema("create_task", "Create a task.", "title"),
    schema("list_tasks", "List the tasks and show them."),
    schema("complete_task", "Complete a task.", "task_id"),
    schema("show_task", "Show a task in the page.", "task_id"),
]
