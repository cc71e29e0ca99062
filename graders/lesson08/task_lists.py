"""A task list as the client sees it: the widget's texts, the tasks that it can complete, a click.

Must not know which tasks ought to be there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graders.engine.harness import Reply, Scene, Stream, within_limits
from graders.engine.protocol import ChatKitEvent

COMPLETE = "complete_task"
ROOTS = ("Card", "ListView")
TaskId = str | int


@dataclass(frozen=True)
class TaskAction:
    """What is sent when the button of a task is pressed."""

    task_id: TaskId
    payload: Any
    streaming: bool


@dataclass(frozen=True)
class TaskList:
    """One widget item: ``widget`` is its content, ``item_id`` its place in the thread."""

    item_id: str
    widget: Any

    @property
    def root(self) -> str:
        """The type of the widget's root, empty if it says none."""
        return str(self.widget.get("type", "")) if isinstance(self.widget, dict) else ""

    @cached_property
    def actions(self) -> dict[TaskId, TaskAction]:
        """What completes a task, by the task's id; the first of several for one task."""
        found: dict[TaskId, TaskAction] = {}
        for action in _actions_in(self.widget):
            found.setdefault(action.task_id, action)
        return found

    def shows(self, text: str) -> bool:
        """Return whether ``text`` stands somewhere in the widget."""
        return any(text in each for each in _strings_in(self.widget))

    def changed_by(self, event: ChatKitEvent) -> TaskList:
        """Return the list as a client shows it after ``event``."""
        if event.item_id != self.item_id:
            return self
        if event.item_type == "widget":
            return TaskList(self.item_id, event.item.get("widget"))
        update = event.update
        if event.update_type == "widget.root.updated":
            return TaskList(self.item_id, update.get("widget"))
        if event.update_type == "widget.component.updated":
            changed = _replaced(self.widget, update.get("component_id"), update.get("component"))
            return TaskList(self.item_id, changed)
        return self


def task_lists_in(stream: Stream) -> list[TaskList]:
    """Return the widgets that a stream has brought, as they were when they were finished."""
    done = (event for event in stream.events if event.label == "thread.item.done/widget")
    return [TaskList(event.item_id, event.item.get("widget")) for event in done]


def task_lists_of(reply: Reply) -> list[TaskList]:
    """Return the widgets of a page of items, or none if it is no page."""
    try:
        page = reply.json
    except Exception:  # noqa: BLE001 - what is no JSON has no widgets
        return []
    data = page.get("data") if isinstance(page, dict) else None
    items = data if isinstance(data, list) else []
    widgets = [item for item in items if isinstance(item, dict) and item.get("type") == "widget"]
    return [TaskList(str(item.get("id", "")), item.get("widget")) for item in widgets]


@dataclass(frozen=True)
class Click:
    """What came back for a click: a stream, or an answer that does not stream."""

    answer: Stream | Reply

    @property
    def mark(self) -> int:
        """Where the transcript tells of it."""
        answer = self.answer
        return answer.serial if isinstance(answer, Reply) else answer.last_serial

    @property
    def shown(self) -> str:
        """All that the client could read of it."""
        body = self.answer.body
        return bytes(body).decode("utf-8", "replace")

    @property
    def how(self) -> str:
        """What came of it, in a few words."""
        answer = self.answer
        if answer.status != 200:
            return f"status {answer.status}"
        if isinstance(answer, Stream) and answer.error is not None:
            return "an `error` event"
        if isinstance(answer, Stream) and answer.broke is not None:
            return "a stream that broke off"
        return "an answer without an error"

    def after(self, before: TaskList) -> TaskList:
        """Return the list as the client shows it after the click."""
        if isinstance(self.answer, Stream):
            for event in self.answer.events:
                before = before.changed_by(event)
            return before
        found = task_lists_of_update(self.answer)
        return found if found is not None and found.item_id == before.item_id else before


def task_lists_of_update(reply: Reply) -> TaskList | None:
    """Return the widget in the answer to a sync action, if it holds one."""
    try:
        answer = reply.json
    except Exception:  # noqa: BLE001 - what is no JSON has no widget
        return None
    item = answer.get("updated_item") if isinstance(answer, dict) else None
    if not isinstance(item, dict) or item.get("type") != "widget":
        return None
    return TaskList(str(item.get("id", "")), item.get("widget"))


async def press(
    scene: Scene, thread_id: str, item_id: str, action: TaskAction, *, payload: Any = None
) -> Click:
    """Press the button of a task as the client does; ``payload`` stands in for that of the button.

    Whether the click streams is the button's own choice.
    """
    sent = action.payload if payload is None else payload

    async def send() -> Stream | Reply:
        if action.streaming:
            return await scene.chat.custom_action(thread_id, COMPLETE, sent, item_id=item_id)
        params = {
            "thread_id": thread_id,
            "item_id": item_id,
            "action": {"type": COMPLETE, "payload": sent},
        }
        return await scene.chat.ask("threads.sync_custom_action", params)

    answer = await within_limits(scene.student, send)
    if isinstance(answer, Stream):
        await answer.finish_or_leave()
    return Click(answer)


def _actions_in(node: Any) -> Iterator[TaskAction]:
    if isinstance(node, dict):
        payload = node.get("payload")
        if node.get("type") == COMPLETE and isinstance(payload, dict):
            task_id = payload.get("task_id")
            if isinstance(task_id, str | int) and not isinstance(task_id, bool):
                yield TaskAction(task_id, payload, node.get("streaming", True) is not False)
    for child in _children_of(node):
        yield from _actions_in(child)


def _strings_in(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    for child in _children_of(node):
        yield from _strings_in(child)


def _children_of(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _replaced(node: Any, component_id: Any, component: Any) -> Any:
    """Return the widget with the component of this id in place of the one that has it."""
    if isinstance(node, dict):
        if component_id is not None and node.get("id") == component_id:
            return component
        return {key: _replaced(value, component_id, component) for key, value in node.items()}
    if isinstance(node, list):
        return [_replaced(value, component_id, component) for value in node]
    return node
