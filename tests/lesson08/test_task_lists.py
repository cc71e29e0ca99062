"""What a client sees of a task list: its buttons, and what the events of a click change."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from graders.engine.harness import Reply
from graders.engine.protocol import parse_event
from graders.lesson08.task_lists import (
    TaskList,
    task_lists_of,
    task_lists_of_update,
)


def button(task_id: Any, **more: Any) -> dict[str, Any]:
    """Return a button that completes a task."""
    action = {"type": "complete_task", "payload": {"task_id": task_id}, **more}
    return {"type": "Button", "id": f"b{task_id}", "onClickAction": action}


def card(*children: Any) -> dict[str, Any]:
    """Return a card in whose row these stand."""
    return {"type": "Card", "children": [{"type": "Row", "children": list(children)}]}


def reply(body: Any) -> Reply:
    """Return an answer with this body."""
    return Reply(200, httpx.Headers(), json.dumps(body).encode(), 1)


TWO = TaskList("itm_1", card(button("a"), button(7, streaming=False)))


def test_buttons_are_found_wherever_they_are() -> None:
    assert list(TWO.actions) == ["a", 7]
    assert [action.streaming for action in TWO.actions.values()] == [True, False]


@pytest.mark.parametrize(
    "widget",
    [
        None,
        "text",
        card(),
        card({"onClickAction": {"type": "other", "payload": {"task_id": "a"}}}),
        card({"onClickAction": {"type": "complete_task", "payload": None}}),
        card(button(None)),
        card(button([1])),
        card(button(True)),
    ],
)
def test_what_names_no_task_completes_none(widget: Any) -> None:
    assert TaskList("itm_1", widget).actions == {}


def test_title_is_found_in_any_text() -> None:
    shown = TaskList("itm_1", card({"type": "Text", "value": "1. Buy milk"}))
    assert shown.shows("Buy milk")
    assert not shown.shows("Buy bread")
    assert (shown.root, TaskList("itm_1", None).root) == ("Card", "")


def changed(event: dict[str, Any]) -> list[Any]:
    """Return the tasks that the list can complete after an event."""
    return list(TWO.changed_by(parse_event(json.dumps(event))).actions)


def test_events_of_a_click_change_the_list() -> None:
    item = {"id": "itm_1", "type": "widget", "widget": card(button("a"))}
    root = {"type": "widget.root.updated", "widget": card()}
    part = {"type": "widget.component.updated", "component_id": "ba", "component": card()}
    update = {"type": "thread.item.updated", "item_id": "itm_1"}
    assert changed({"type": "thread.item.replaced", "item": item}) == ["a"]
    assert changed({"type": "thread.item.done", "item": item}) == ["a"]
    assert changed({**update, "update": root}) == []
    assert changed({**update, "update": part}) == [7]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "thread.item.replaced", "item": {"id": "itm_2", "type": "widget"}},
        {"type": "thread.item.updated", "item_id": "itm_1", "update": {"type": "other"}},
        {"type": "progress_update", "text": "Done."},
    ],
)
def test_other_events_leave_the_list_as_it_is(event: dict[str, Any]) -> None:
    assert changed(event) == ["a", 7]


def test_stored_lists_are_read_from_a_page() -> None:
    page = {"data": [{"id": "itm_1", "type": "widget", "widget": card(button("a"))}, {"id": "x"}]}
    (found,) = task_lists_of(reply(page))
    assert (found.item_id, list(found.actions)) == ("itm_1", ["a"])
    assert task_lists_of(reply({"data": None})) == []
    assert task_lists_of(Reply(200, httpx.Headers(), b"no JSON", 1)) == []


def test_answer_to_a_sync_action_may_hold_the_list() -> None:
    item = {"id": "itm_1", "type": "widget", "widget": card()}
    found = task_lists_of_update(reply({"updated_item": item}))
    assert found is not None
    assert found.actions == {}
    assert task_lists_of_update(reply({"updated_item": None})) is None
    assert task_lists_of_update(Reply(500, httpx.Headers(), b"", 1)) is None
