"""Conversations about tasks: made, listed, completed, shown, by one user and by many.

Must not know criteria, but for the one without which a tool cannot be called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graders.engine.harness import (
    Finding,
    Outcome,
    Reply,
    Said,
    Scene,
    Stream,
    attempt,
    call_tool,
    needed,
    recorded_as,
    say,
    within_limits,
)
from graders.lesson08.task_lists import (
    COMPLETE,
    Click,
    TaskAction,
    TaskId,
    TaskList,
    press,
    task_lists_in,
    task_lists_of,
)

PAGE = 100
HOUR = 3_600.0
CREATE = "create_task"
LIST = "list_tasks"
SHOW = "show_task"
OFFERED = "tools-offered"
"""The criterion that judges whether the model is offered all tools."""
TOOLS = (CREATE, LIST, COMPLETE, SHOW)


@dataclass(frozen=True)
class ToolRun:
    """One message for which the model calls ``tool``, and what the tool gave."""

    said: Said
    tool: str

    @property
    def outputs(self) -> list[str]:
        """What the tool returned, as the model got it."""
        requests = self.said.turn.requests
        if len(requests) < 2:
            return []
        known = set(requests[0].outputs)
        return [
            item.text
            for item in requests[1].input
            if item.kind == "function_call_output" and item.call_id not in known
        ]

    @property
    def output(self) -> str:
        """What the tool returned; raises the finding that it did not run."""
        found = self.outputs
        if not found:
            self.need_tool()
            raise Finding(
                f"The model called `{self.tool}`, and did not get what it returned: the client got "
                f"{self.said.how}.",
                hint="no-output",
                mark=self.said.mark,
            )
        return "\n".join(found)

    def tells(self, title: str) -> bool:
        """Return whether the model or the client was told of a task, by its title."""
        told = any(title in each for each in self.outputs)
        return told or any(each.shows(title) for each in self.lists)

    @property
    def lists(self) -> list[TaskList]:
        """The widgets that the stream has brought."""
        return [] if self.said.begun.finding is not None else task_lists_in(self.said.stream)

    @property
    def task_list(self) -> TaskList:
        """The last widget; raises the finding that there is none."""
        if not self.lists:
            self.need_tool()
            raise Finding(
                f"The model called `{LIST}`, and the client got no widget.",
                hint="no-widget",
                mark=self.said.mark,
            )
        return self.lists[-1]

    def need_tool(self) -> None:
        """Raise what kept the tool from being called: no stream, no model call, no such tool."""
        stream, request = self.said.stream, self.said.request
        needed(
            self.tool in request.tools,
            f"The model was not offered the tool `{self.tool}`, so it could not call it.",
            by=OFFERED,
            at=stream.last_serial,
        )

    @property
    def ids(self) -> list[TaskId]:
        """The ids of the tasks that the list can complete."""
        return [*self.task_list.actions] if self.lists else []


async def run_tool(
    scene: Scene,
    key: str,
    tool: str,
    arguments: Mapping[str, Any],
    thread_id: str | None = None,
) -> ToolRun:
    """Say something for which the model calls ``tool``."""
    steps = (call_tool(tool, arguments), say(*scene.chunks(key)))
    return ToolRun(await scene.say(key, thread_id, *steps), tool)


def title_of(scene: Scene, name: str) -> str:
    """Return the title of task ``name``."""
    return f"Buy {scene.canary.word(f'task {name}')}"


async def create(scene: Scene, name: str, thread_id: str | None = None) -> ToolRun:
    """Let the agent create task ``name``."""
    return await run_tool(
        scene, f"create {name}", CREATE, {"title": title_of(scene, name)}, thread_id
    )


async def list_tasks(scene: Scene, key: str, thread_id: str | None = None) -> ToolRun:
    """Let the agent list the user's tasks."""
    return await run_tool(scene, f"list {key}", LIST, {}, thread_id)


async def complete(
    scene: Scene, key: str, task_id: TaskId, thread_id: str | None = None
) -> ToolRun:
    """Let the agent complete a task."""
    return await run_tool(scene, f"complete {key}", COMPLETE, {"task_id": task_id}, thread_id)


async def items_of_thread(scene: Scene, thread_id: str) -> Reply:
    """List the items of a thread, oldest first."""
    return await within_limits(
        scene.student, lambda: scene.chat.items(thread_id, limit=PAGE, order="asc")
    )


async def stored_list(scene: Scene, thread_id: str, item_id: str) -> TaskList | None:
    """Return the widget as it is stored, or None if no item of the thread has this id."""
    found = task_lists_of(await items_of_thread(scene, thread_id))
    return next((each for each in found if each.item_id == item_id), None)


def new_id(run: ToolRun, known: Sequence[TaskId]) -> TaskId | None:
    """Return the id of the task that has come since ``known``."""
    return next((each for each in run.ids if each not in known), None)


@dataclass(frozen=True)
class Day:
    """Two tasks of one user: created, listed, one completed by the agent and one by a click.

    ``first`` and ``second`` are their ids, as far as a list has told them; ``stored`` is the list
    of both, as the thread has it. ``elsewhere`` is the list in another thread. ``clicked`` is the
    list whose button was pressed.
    """

    scene: Scene
    created: tuple[ToolRun, ToolRun]
    listed: tuple[ToolRun, ToolRun]
    first: TaskId | None
    second: TaskId | None
    completed: ToolRun | None = None
    after_completion: ToolRun | None = None
    stored: Outcome[TaskList | None] | None = None
    elsewhere: ToolRun | None = None
    clicked: TaskList | None = None
    click: Outcome[Click] | None = None
    stored_after_click: Outcome[TaskList | None] | None = None
    after_click: ToolRun | None = None

    @property
    def titles(self) -> tuple[str, str]:
        """The titles of the two tasks."""
        return title_of(self.scene, "one"), title_of(self.scene, "two")


@recorded_as("day")
async def play_day(scene: Scene) -> Day:
    """Let Alice create, list and complete tasks, and press a button."""
    alice = scene.as_user("Alice")
    one = await create(alice, "one")
    thread = one.said.thread_id
    first_list = await list_tasks(alice, "first", thread)
    two = await create(alice, "two", thread)
    second_list = await list_tasks(alice, "second", thread)
    first = new_id(first_list, ())
    second = new_id(second_list, first_list.ids)
    day = Day(alice, (one, two), (first_list, second_list), first, second)
    if second_list.lists:
        item_id = second_list.task_list.item_id
        day = replace(day, stored=await attempt(stored_list(alice, thread, item_id)))
    if first is not None:
        done = await complete(alice, "one", first, thread)
        day = replace(
            day,
            completed=done,
            after_completion=await list_tasks(alice, "third", thread),
        )
    day = replace(day, elsewhere=await list_tasks(alice, "elsewhere"))
    return await _clicked(day, thread)


async def _clicked(day: Day, thread: str) -> Day:
    alice, last = day.scene, day.after_completion or day.listed[1]
    shown = last.lists[-1] if last.lists else None
    action = shown.actions.get(day.second) if shown and day.second is not None else None
    if shown is None or action is None:
        return day
    click = await attempt(press(alice, thread, shown.item_id, action))
    return replace(
        day,
        clicked=shown,
        click=click,
        stored_after_click=await attempt(stored_list(alice, thread, shown.item_id)),
        after_click=await list_tasks(alice, "after the click", thread),
    )


@dataclass(frozen=True)
class Outlived:
    """Tasks after `kill -9`, after their thread was deleted, and after the session has ended."""

    scene: Scene
    before: ToolRun
    started: Outcome[None]
    restarted: ToolRun
    deleted: ToolRun
    expired: ToolRun

    @property
    def titles(self) -> tuple[str, str]:
        """The titles of the two tasks; the first one was completed."""
        return title_of(self.scene, "done"), title_of(self.scene, "open")


@recorded_as("outlived")
async def play_outlived(scene: Scene) -> Outlived:
    """Let Alice's tasks outlive their thread, the server's process, and the session."""
    alice = scene.as_user("Alice")
    begun = await create(alice, "done")
    thread = begun.said.thread_id
    ids = (await list_tasks(alice, "one", thread)).ids
    if ids:
        await complete(alice, "done", ids[0], thread)
    await create(alice, "open", thread)
    before = await list_tasks(alice, "before", thread)
    started = await attempt(alice.student.restart())
    restarted = await list_tasks(alice, "restarted", thread)
    if not restarted.outputs:
        # Threads that did not survive are another criterion's matter: the tasks may still be there.
        restarted = await list_tasks(alice, "restarted, in a new thread")
    await attempt(within_limits(alice.student, lambda: alice.chat.delete(thread)))
    deleted = await list_tasks(alice, "deleted")
    await alice.student.advance(26 * HOUR)
    expired = await list_tasks(alice, "expired")
    return Outlived(alice, before, started, restarted, deleted, expired)


@dataclass(frozen=True)
class Neighbours:
    """Alice with two tasks and Bob with one, and all that he tries with one of hers.

    ``her_id`` is the id of that one. Where ids count for each user, Bob has another task with the
    id of her first one, and none with that of her second. ``by_tool`` are what Bob's agent did with
    it, ``by_click`` what came of his clicks; ``between`` and ``after`` are Alice's list then.
    """

    alice: Scene
    bob: Scene
    hers: ToolRun
    his: ToolRun
    her_id: TaskId | None
    his_id: TaskId | None
    by_tool: Mapping[str, ToolRun]
    between: ToolRun | None
    by_click: Mapping[str, Outcome[Click]]
    after: ToolRun | None
    own_list: ToolRun | None

    @property
    def her_titles(self) -> tuple[str, str]:
        """The titles of Alice's tasks."""
        return title_of(self.alice, "hers"), title_of(self.alice, "her second")

    def told_in(self, *texts: str) -> str | None:
        """Return the title of a task of Alice's that one of the texts tells, if one does."""
        return next((each for each in self.her_titles if any(each in text for text in texts)), None)


BY_TOOL = (COMPLETE, SHOW)
OWN_LIST = "on a list of his own"
OWN_LIST_SYNC = "on a list of his own, without a stream"
HER_LIST = "on Alice's list"
HER_LIST_SYNC = "on Alice's list, without a stream"
BY_CLICK = (OWN_LIST, OWN_LIST_SYNC, HER_LIST, HER_LIST_SYNC)


@recorded_as("neighbours")
async def play_neighbours(scene: Scene) -> Neighbours:
    """Let Bob list his tasks, and try to complete and to see one of Alice's."""
    alice, bob = scene.as_user("Alice"), scene.as_user("Bob")
    her_thread = (await create(alice, "hers")).said.thread_id
    await create(alice, "her second", her_thread)
    his_thread = (await create(bob, "his")).said.thread_id
    hers = await list_tasks(alice, "hers", her_thread)
    his = await list_tasks(bob, "his", his_thread)
    her_id, his_id = new_id(hers, his.ids), new_id(his, ())
    played = Neighbours(alice, bob, hers, his, her_id, his_id, {}, None, {}, None, None)
    if her_id is None:
        return played
    by_tool = {
        name: await run_tool(bob, f"foreign {name}", name, {"task_id": her_id}, his_thread)
        for name in BY_TOOL
    }
    played = replace(
        played, by_tool=by_tool, between=await list_tasks(alice, "between", her_thread)
    )
    if not his.lists:
        return played
    action = hers.task_list.actions[her_id]
    stream, sync = replace(action, streaming=True), replace(action, streaming=False)
    own, her = (his_thread, his.task_list.item_id), (her_thread, hers.task_list.item_id)
    tried: Mapping[str, tuple[tuple[str, str], TaskAction]] = {
        OWN_LIST: (own, stream),
        OWN_LIST_SYNC: (own, sync),
        HER_LIST: (her, stream),
        HER_LIST_SYNC: (her, sync),
    }
    by_click = {
        how: await attempt(press(bob, *where, action)) for how, (where, action) in tried.items()
    }
    return replace(
        played,
        by_click=by_click,
        after=await list_tasks(alice, "after", her_thread),
        own_list=await list_tasks(bob, "own", his_thread),
    )


@dataclass(frozen=True)
class Shown:
    """A task that the client shows: the agent's call, and what came of the client's output.

    ``asked_before`` is how often the model was asked for the message before the output came.
    ``left`` is a second call, whose output never came, since the user said something ``instead``.
    """

    scene: Scene
    task_id: TaskId | None
    call: Said | None = None
    asked_before: int = 0
    output: Outcome[Stream] | None = None
    stored: Outcome[Reply] | None = None
    left: Said | None = None
    instead: Said | None = None

    @property
    def title(self) -> str:
        """The title of the task."""
        return title_of(self.scene, "shown")

    @property
    def result(self) -> str:
        """The word in the client's output."""
        return self.scene.canary.word("client's output")


@recorded_as("shown")
async def play_shown(scene: Scene) -> Shown:
    """Let the agent show a task of Alice's, and hand in the output; then leave one unanswered."""
    alice = scene.as_user("Alice")
    thread = (await create(alice, "shown")).said.thread_id
    task_id = new_id(await list_tasks(alice, "shown", thread), ())
    played = Shown(alice, task_id)
    if task_id is None:
        return played
    call = await _show(alice, "show", task_id, thread)
    played = replace(played, call=call, asked_before=len(call.turn.requests))
    call.turn.client_answers()
    output = await attempt(_hand_in(alice, thread, {"seen": played.result}))
    stored = await attempt(items_of_thread(alice, thread))
    left = await _show(alice, "show again", task_id, thread)
    instead = await alice.say("instead", thread)
    return replace(played, output=output, stored=stored, left=left, instead=instead)


async def _show(scene: Scene, key: str, task_id: TaskId, thread_id: str) -> Said:
    return (await run_tool(scene, key, SHOW, {"task_id": task_id}, thread_id)).said


async def _hand_in(scene: Scene, thread_id: str, result: Any) -> Stream:
    stream = await within_limits(
        scene.student, lambda: scene.chat.client_tool_output(thread_id, result)
    )
    await stream.finish_or_leave()
    return stream


USERS = 20


@dataclass(frozen=True)
class Member:
    """One of twenty users: what they said at once with all others, before and after a restart."""

    scene: Scene
    name: str
    created: ToolRun
    listed: ToolRun
    items: Outcome[Reply]

    @property
    def title(self) -> str:
        """The title of this user's task."""
        return title_of(self.scene, self.name)


@recorded_as("crowd")
async def play_crowd(scene: Scene) -> list[Member]:
    """Let twenty users create a task at once, start the server again, and let all list theirs."""
    people = {f"user-{n}": scene.as_user(f"User-{n}") for n in range(1, USERS + 1)}
    created = await asyncio.gather(*(create(user, name) for name, user in people.items()))
    await scene.student.restart()
    listed = await asyncio.gather(
        *(
            list_tasks(user, name, run.said.begun.value.new_thread_id or None)
            if run.said.begun.finding is None
            else list_tasks(user, name)
            for run, (name, user) in zip(created, people.items(), strict=True)
        )
    )
    items = [
        await attempt(_items_of_first(user, run))
        for run, user in zip(created, people.values(), strict=True)
    ]
    return [
        Member(user, name, created[n], listed[n], items[n])
        for n, (name, user) in enumerate(people.items())
    ]


async def _items_of_first(user: Scene, run: ToolRun) -> Reply:
    return await items_of_thread(user, run.said.thread_id)
