"""The tasks of one user: the tools, what the model gets of them, progress, lists and clicks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from graders.engine.harness import criterion, expect, found, needed
from graders.engine.protocol import ChatKitEvent
from graders.lesson08.scenarios import (
    CREATE,
    LIST,
    TOOLS,
    Day,
    Outlived,
    ToolRun,
)
from graders.lesson08.task_lists import COMPLETE, ROOTS, TaskId, TaskList

_PROGRESS_ITEMS = ("workflow", "task")


@criterion("tools-offered")
@pytest.mark.parametrize("tool", TOOLS)
async def test_model_is_offered_the_tool(tool: str, day: Day) -> None:
    said = day.created[0].said
    offered = said.request.tools
    expect(
        tool in offered,
        f"The model was offered {_told(offered)}, and no tool `{tool}`.",
        at=said.mark,
    )


def _told(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) if names else "no tool"


@criterion("tool-results", case=CREATE)
async def test_model_hears_of_the_new_task(day: Day) -> None:
    _expect_in_output(day.created[1], day.titles[1], "the title of the new task")
    if day.second is not None:
        _expect_in_output(day.created[1], str(day.second), "the id of the new task")


@criterion("tool-results", case=LIST)
async def test_model_hears_of_all_tasks(day: Day) -> None:
    _need_created(day)
    run = day.listed[1]
    for title in day.titles:
        _expect_in_output(run, title, "the title of one of two tasks")
    for task_id in run.ids:
        _expect_in_output(run, str(task_id), "the id of one of two tasks")


@criterion("tool-results", case="open and done")
async def test_model_hears_what_is_done(day: Day) -> None:
    run = _completed(day)
    _expect_in_output(run, day.titles[0], "the title of the completed task")
    needed(
        day.first not in run.ids,
        f"The task was not completed, so nothing shows what `{LIST}` says of a task that is done.",
        by="completes",
        at=run.said.mark,
    )
    expect(
        run.output != day.listed[1].output,
        f"`{LIST}` returned the same text before and after one of the tasks was completed.",
        at=run.said.mark,
    )


@criterion("tool-results", case=COMPLETE)
async def test_model_hears_that_a_task_is_completed(day: Day) -> None:
    _completed(day)
    assert day.completed is not None, "it was completed"
    output = day.completed.output
    expect(
        day.titles[0] in output or str(day.first) in output,
        f"`{COMPLETE}` returned neither the id nor the title of the task: {output[:200]!r}.",
        at=day.completed.said.mark,
    )


def _expect_in_output(run: ToolRun, text: str, what: str) -> None:
    output = run.output
    expect(
        text in output,
        f"What the tool returned lacks {what}, `{text}`: {output[:200]!r}.",
        at=run.said.mark,
    )


def _need_created(day: Day) -> None:
    """Need two tasks, or no list could hold them."""
    for run in day.created:
        run.need_tool()
        needed(
            bool(run.outputs),
            f"The model called `{CREATE}`, and did not get what it returned.",
            by="tool-results",
            at=run.said.mark,
        )


def _completed(day: Day) -> ToolRun:
    """Return the list after the first task was completed; its id comes from the task list."""
    _need_id(day, day.first)
    assert day.after_completion is not None, "the first task has an id"
    return day.after_completion


def _need_id(day: Day, task_id: TaskId | None) -> None:
    needed(
        task_id is not None,
        "No task list has told the id of the task, so it cannot be completed.",
        by="task-list",
        at=day.listed[1].said.mark,
    )


@criterion("completes")
async def test_agent_completes_a_task(day: Day) -> None:
    run = _completed(day)
    if day.completed is not None:
        day.completed.output  # noqa: B018 - raises if the tool did not run
    needed(
        day.second is not None,
        "The task list did not tell the ids of two tasks, so nothing shows which is completed.",
        by="task-list",
        at=day.listed[1].said.mark,
    )
    left = run.task_list.actions
    other_open = day.second in left
    instead = "" if other_open else ", and the other one is not open any more"
    expect(
        day.first not in left,
        f"The model called `{COMPLETE}` for a task, and the next task list can still complete it"
        f"{instead}.",
        at=run.said.mark,
        hint=None if other_open else "other",
    )
    expect(
        other_open,
        f"The model called `{COMPLETE}` for one task, and the other is not open any more.",
        at=run.said.mark,
        hint="other",
    )


@criterion("progress")
@pytest.mark.parametrize("tool", [CREATE, LIST, COMPLETE])
async def test_tool_reports_progress(tool: str, day: Day) -> None:
    run = {CREATE: day.created[1], LIST: day.listed[1], COMPLETE: day.completed}[tool]
    if run is None:
        _need_id(day, day.first)
    assert run is not None, "the first task has an id"
    output = run.output
    for event in run.said.stream.events:
        if _is_progress(event):
            return
        if event.delta:
            found(
                f"The answer began, and `{tool}` had reported no progress.",
                at=run.said.stream.mark_of(event),
            )
    found(f"`{tool}` ran ({output[:40]!r}), and no progress came.", at=run.said.mark)


def _is_progress(event: ChatKitEvent) -> bool:
    if event.type == "progress_update":
        return bool(str(event.raw.get("text") or "").strip())
    return event.item_type in _PROGRESS_ITEMS or event.update_type.startswith(_PROGRESS_ITEMS)


@criterion("task-list", case="what it shows")
async def test_list_shows_the_open_tasks(day: Day) -> None:
    _need_created(day)
    run = day.listed[1]
    shown = run.task_list
    expect(
        shown.root in ROOTS,
        f"The root of the widget is a `{shown.root}`, not a `Card` or a `ListView`.",
        at=run.said.mark,
        hint="root",
    )
    for title in day.titles:
        expect(
            shown.shows(title),
            f"The user has two open tasks, and the widget does not show the title `{title}`.",
            at=run.said.mark,
            hint="titles",
        )


@criterion("task-list", case="a button for each open task")
async def test_list_has_a_button_for_each_open_task(day: Day) -> None:
    _need_created(day)
    run = day.listed[1]
    count = len(run.task_list.actions)
    expect(
        count == 2,
        f"The user has two open tasks, and the widget has actions `{COMPLETE}` for {count}.",
        at=run.said.mark,
        hint="buttons",
    )


@criterion("task-list", case="it is stored")
async def test_list_is_stored(day: Day) -> None:
    run = day.listed[1]
    shown = run.task_list
    assert day.stored is not None, "a list that came was looked for in the thread"
    stored = day.stored.value
    expect(
        stored is not None and stored.actions.keys() == shown.actions.keys(),
        "The widget that the client got is not in `items.list`, or with other buttons.",
        at=run.said.mark,
        hint="stored",
    )


def _clicked(day: Day) -> TaskList:
    """Return the list whose button was pressed."""
    last = day.after_completion or day.listed[1]
    needed(
        day.second is not None and bool(last.lists),
        "No task list with the open task came, so no button could be pressed.",
        by="task-list",
        at=last.said.mark,
    )
    needed(
        day.clicked is not None,
        f"The model called `{COMPLETE}` for another task, and this one has no button any more, so "
        "it could not be pressed.",
        by="completes",
        at=last.said.mark,
    )
    assert day.clicked is not None, "a button was pressed"
    return day.clicked


@criterion("click-completes")
async def test_click_completes_the_task(day: Day) -> None:
    _clicked(day)
    assert day.click is not None, "a button was pressed"
    assert day.after_click is not None, "the tasks were listed afterwards"
    click, run = day.click.value, day.after_click
    expect(
        day.second not in run.task_list.actions,
        f"The button of a task was pressed ({click.how}), and the next task list can still "
        "complete it.",
        at=click.mark,
    )


@criterion("list-updated", case="for the client")
async def test_client_sees_the_list_change(day: Day) -> None:
    shown = _clicked(day)
    assert day.click is not None, "a button was pressed"
    click = day.click.value
    expect(
        day.second not in click.after(shown).actions,
        f"The button of a task was pressed ({click.how}), and nothing that came took the button "
        "away.",
        at=click.mark,
    )


@criterion("list-updated", case="in the thread")
async def test_list_is_stored_as_it_is_now(day: Day) -> None:
    _clicked(day)
    assert day.click is not None, "a button was pressed"
    assert day.stored_after_click is not None, "the list was looked for afterwards"
    stored, mark = day.stored_after_click.value, day.click.value.mark
    expect(
        stored is not None,
        "The button of a task was pressed, and the widget is not in `items.list` any more.",
        at=mark,
        hint="gone",
    )
    expect(
        stored is not None and day.second not in stored.actions,
        "The button of a task was pressed, and `items.list` gives the widget with this button.",
        at=mark,
        hint="not-stored",
    )


@criterion("tasks-of-user", case="in another thread")
async def test_tasks_are_the_same_in_another_thread(day: Day) -> None:
    assert day.elsewhere is not None, "the tasks were listed in another thread"
    _expect_task(day.listed[1], day.titles[1], "in their thread", needs="tool-results")
    _expect_task(day.elsewhere, day.titles[1], "in another thread of the user")


@criterion("tasks-of-user", case="when the thread is deleted")
async def test_tasks_stay_when_the_thread_is_deleted(outlived: Outlived) -> None:
    _need_survival(outlived)
    _expect_task(outlived.deleted, outlived.titles[1], "after their thread was deleted")


@criterion("tasks-of-user", case="when the session has ended")
async def test_tasks_stay_when_the_session_has_ended(outlived: Outlived) -> None:
    _need_survival(outlived)
    _expect_task(outlived.deleted, outlived.titles[1], "after their thread was deleted")
    _expect_task(outlived.expired, outlived.titles[1], "two hours after the end of the session")


def _need_survival(outlived: Outlived) -> None:
    """Need the task after the restart: what is gone by then shows nothing of its thread."""
    _expect_task(outlived.before, outlived.titles[1], "before a restart", needs="tool-results")
    run = outlived.restarted
    told = f"After a restart, `{LIST}` could not be asked for."
    needed(bool(run.outputs), told, by="tasks-survive", at=run.said.mark)
    _expect_task(run, outlived.titles[1], "after a restart", needs="tasks-survive")


def _expect_task(run: ToolRun, title: str, when: str, *, needs: str | None = None) -> None:
    holds, seen = run.tells(title), f"`{LIST}` did not tell of the task `{title}` {when}."
    if needs is not None:
        needed(holds, seen, by=needs, at=run.said.mark)
    if not holds:
        run.output  # noqa: B018 - raises if the tool did not run
    expect(holds, seen, at=run.said.mark)


@criterion("tasks-survive")
async def test_tasks_survive_a_power_failure(outlived: Outlived) -> None:
    before, after = outlived.before, outlived.restarted
    _expect_task(before, outlived.titles[1], "before the restart", needs="tool-results")
    _ = outlived.started.value
    # What is done need not be shown, and whether the model is told is another criterion's matter.
    for title in filter(before.tells, outlived.titles):
        _expect_task(after, title, "after `kill -9` and a new start")
    needed(
        bool(before.ids),
        "Before the restart no task list came with a button for an open task.",
        by="task-list",
        at=before.said.mark,
    )
    expect(
        sorted(map(str, after.ids)) == sorted(map(str, before.ids)),
        f"Before `kill -9` the task list could complete {len(before.ids)} task(s), and after it "
        f"{len(after.ids)}, or others.",
        at=after.said.mark,
        hint="open",
    )
