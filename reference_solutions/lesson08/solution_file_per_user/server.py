"""All in one file: a server, an agent and an SQLite file for each user, made when the user comes.

There is no owner anywhere: no object knows of two users. The widget's rows have ids, and a click
changes one of them. What goes wrong is left as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import Any

import jwt
from agents import Agent, RunContextWrapper, Runner, function_tool
from agents.agent import ToolsToFinalOutputResult
from chatkit.agents import (
    AgentContext,
    ClientToolCall,
    simple_to_agent_input,
    stream_agent_response,
)
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    Action,
    Attachment,
    Page,
    ProgressUpdateEvent,
    ThreadItem,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetComponentUpdated,
    WidgetItem,
)
from chatkit.widgets import DynamicWidgetComponent, DynamicWidgetRoot
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from pydantic import TypeAdapter

DATA = Path(os.environ.get("CHATKIT_DATA_DIR", "."))
TTL_SECONDS = 3_600 * float(os.environ.get("SESSION_TTL_HOURS", "24"))
ITEM: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)
SCHEMA = """
CREATE TABLE IF NOT EXISTS thread (n INTEGER PRIMARY KEY, id TEXT UNIQUE, at REAL, body TEXT);
CREATE TABLE IF NOT EXISTS item (n INTEGER PRIMARY KEY, id TEXT, thread TEXT, body TEXT,
    UNIQUE (thread, id));
CREATE TABLE IF NOT EXISTS task (id INTEGER PRIMARY KEY, title TEXT, done INTEGER DEFAULT 0);
"""
PUT_THREAD = """
INSERT INTO thread (id, at, body) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET body = excluded.body
"""
PUT_ITEM = """
INSERT INTO item (id, thread, body) VALUES (?, ?, ?)
ON CONFLICT (thread, id) DO UPDATE SET body = excluded.body
"""


class OwnStore(Store[None]):
    """The file of one user."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(sqlite3.connect(path)) as db:
            db.executescript(SCHEMA)

    def do(self, sql: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self.path, timeout=10)) as db, db:
            return db.execute(sql, values).fetchall()

    def forget_old(self) -> None:
        oldest = time.time() - TTL_SECONDS
        self.do("DELETE FROM item WHERE thread IN (SELECT id FROM thread WHERE at < ?)", oldest)
        self.do("DELETE FROM thread WHERE at < ?", oldest)

    async def load_thread(self, thread_id: str, context: None) -> ThreadMetadata:
        rows = self.do("SELECT body FROM thread WHERE id = ?", thread_id)
        if not rows:
            raise NotFoundError("thread")
        return ThreadMetadata.model_validate_json(rows[0][0])

    async def save_thread(self, thread: ThreadMetadata, context: None) -> None:
        body = thread.model_dump_json(exclude={"items"})
        self.do(PUT_THREAD, thread.id, time.time(), body)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: None
    ) -> Page[ThreadMetadata]:
        rows = self.do("SELECT id, body FROM thread ORDER BY n")
        return page_of(rows, limit, after, order, ThreadMetadata.model_validate_json)

    async def delete_thread(self, thread_id: str, context: None) -> None:
        await self.load_thread(thread_id, context)
        self.do("DELETE FROM item WHERE thread = ?", thread_id)
        self.do("DELETE FROM thread WHERE id = ?", thread_id)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: None
    ) -> Page[ThreadItem]:
        rows = self.do("SELECT id, body FROM item WHERE thread = ? ORDER BY n", thread_id)
        return page_of(rows, limit, after, order, ITEM.validate_json)

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: None) -> None:
        await self.save_item(thread_id, item, context)
        self.do("UPDATE thread SET at = ? WHERE id = ?", time.time(), thread_id)

    async def save_item(self, thread_id: str, item: ThreadItem, context: None) -> None:
        await self.load_thread(thread_id, context)
        self.do(PUT_ITEM, item.id, thread_id, item.model_dump_json())

    async def load_item(self, thread_id: str, item_id: str, context: None) -> ThreadItem:
        rows = self.do("SELECT body FROM item WHERE thread = ? AND id = ?", thread_id, item_id)
        if not rows:
            raise NotFoundError("item")
        return ITEM.validate_json(rows[0][0])

    async def delete_thread_item(self, thread_id: str, item_id: str, context: None) -> None:
        self.do("DELETE FROM item WHERE thread = ? AND id = ?", thread_id, item_id)

    async def save_attachment(self, attachment: Attachment, context: None) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: None) -> Attachment:
        raise NotFoundError("attachment")

    async def delete_attachment(self, attachment_id: str, context: None) -> None:
        raise NotFoundError("attachment")


@cache
def store_of(path: Path) -> OwnStore:
    """Return the store of one file, whose tables are made once in a process."""
    return OwnStore(path)


def page_of(
    rows: list[Any], limit: int, after: str | None, order: str, read: Callable[[str], Any]
) -> Page[Any]:
    ordered = rows[::-1] if order == "desc" else rows
    ids = [row[0] for row in ordered]
    start = ids.index(after) + 1 if after in ids else len(ids) if after else 0
    page = ordered[start : start + limit]
    more = len(ordered) > start + limit
    after = page[-1][0] if more and page else None
    return Page(data=[read(body) for _, body in page], has_more=more, after=after)


Run = RunContextWrapper[AgentContext[None]]


def row_of(number: int, title: str, done: int) -> dict[str, Any]:
    """Keep the place of the button: each part of a widget that has an id stays."""
    action = {"type": "complete_task", "payload": {"task_id": str(number)}}
    button = {"type": "Button", "id": f"b{number}", "label": "Done", "onClickAction": action}
    gone = {"type": "Caption", "id": f"b{number}", "value": "done"}
    title_text = {"type": "Text", "value": title}
    return {"type": "Row", "children": [title_text, gone if done else button]}


class OneUsersServer(ChatKitServer[None]):
    """One user's threads, tasks and agent."""

    def __init__(self, user: str) -> None:
        name = hashlib.sha256(user.encode()).hexdigest()
        self.own = store_of(DATA / f"user-{name}.db")
        super().__init__(self.own)
        self.agent = Agent[AgentContext[None]](
            name="Secretary",
            instructions=f"You are the secretary of {user}.",
            model="gpt-5-mini",
            tools=[self.create_tool(), self.list_tool(), self.complete_tool(), self.show_tool()],
            tool_use_behavior=self.waits_for_client,
        )

    def waits_for_client(self, run: Run, results: list[Any]) -> ToolsToFinalOutputResult:
        return ToolsToFinalOutputResult(is_final_output=run.context.client_tool_call is not None)

    def tasks(self, where: str = "1", *values: Any) -> list[Any]:
        return self.own.do(f"SELECT id, title, done FROM task WHERE {where} ORDER BY id", *values)

    def widget(self) -> DynamicWidgetRoot:
        heading = [{"type": "Title", "value": "Tasks"}]
        rows = [*heading, *(row_of(*task) for task in self.tasks())]
        return DynamicWidgetRoot.model_validate({"type": "Card", "children": rows})

    def create_tool(self) -> Any:
        @function_tool
        async def create_task(run: Run, title: str) -> str:
            """Create a task."""
            await run.context.stream(ProgressUpdateEvent(text="Creating"))
            (task,) = self.own.do("INSERT INTO task (title) VALUES (?) RETURNING id, title", title)
            return json.dumps(task)

        return create_task

    def list_tool(self) -> Any:
        @function_tool
        async def list_tasks(run: Run) -> str:
            """List the tasks."""
            await run.context.stream(ProgressUpdateEvent(text="Listing"))
            await run.context.stream_widget(self.widget())
            return json.dumps(self.tasks())

        return list_tasks

    def complete_tool(self) -> Any:
        @function_tool
        async def complete_task(run: Run, task_id: str) -> str:
            """Complete a task."""
            await run.context.stream(ProgressUpdateEvent(text="Completing"))
            self.own.do("UPDATE task SET done = 1 WHERE id = ?", task_id)
            return json.dumps(self.tasks("id = ?", task_id) or "no such task")

        return complete_task

    def show_tool(self) -> Any:
        @function_tool
        async def show_task(run: Run, task_id: str) -> str:
            """Show a task."""
            for number, title, _ in self.tasks("id = ?", task_id):
                arguments = {"task_id": str(number), "title": title}
                run.context.client_tool_call = ClientToolCall(name="show_task", arguments=arguments)
                return "asked"
            return "no such task"

        return show_task

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: None
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        agent_input = await simple_to_agent_input(page.data[::-1])
        result = Runner.run_streamed(self.agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: None,
    ) -> AsyncIterator[ThreadStreamEvent]:
        number = action.payload["task_id"]
        self.own.do("UPDATE task SET done = 1 WHERE id = ?", number)
        for task in self.tasks("id = ?", number):
            if sender is None:
                return
            sender.widget = self.widget()
            await self.store.save_item(thread.id, sender, context)
            component = DynamicWidgetComponent.model_validate(row_of(*task)["children"][1])
            update = WidgetComponentUpdated(component_id=f"b{task[0]}", component=component)
            yield ThreadItemUpdatedEvent(item_id=sender.id, update=update)


decode = partial(
    jwt.decode,
    key=os.environ["JWT_SECRET"],
    algorithms=["HS256"],
    audience="chatkit",
    leeway=60,
    options={"require": ["exp"]},
)
servers: dict[str, OneUsersServer] = {}
app = FastAPI()


def user_of(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        return decode(token.strip()).get("sub")
    except jwt.PyJWTError:
        return None


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    user = user_of(request)
    if not user:
        return PlainTextResponse("Who are you?", 401, headers={"www-authenticate": "bearer"})
    if user not in servers:
        servers[user] = OneUsersServer(user)
    for path in DATA.glob("user-*.db"):
        store_of(path).forget_old()
    result = await servers[user].process(await request.body(), None)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
