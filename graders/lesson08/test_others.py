"""The tasks of others: what one user gets of another's, and twenty users at once."""

from __future__ import annotations

import pytest

from graders.engine.harness import AppCrashed, criterion, expect, found, lacking, needed
from graders.lesson08.scenarios import BY_CLICK, BY_TOOL, LIST, Day, Member, Neighbours, ToolRun
from graders.lesson08.task_lists import COMPLETE


@criterion("own-tasks-only", case="what the model gets")
async def test_model_gets_own_tasks_only(neighbours: Neighbours) -> None:
    _need_lists(neighbours)
    run = neighbours.his
    told = neighbours.told_in(run.output)
    expect(
        told is None,
        f"Bob's agent called `{LIST}` and got `{told}`, a task of Alice's.",
        at=run.said.mark,
    )


@criterion("own-tasks-only", case="what the client gets")
async def test_client_gets_own_tasks_only(neighbours: Neighbours) -> None:
    _need_lists(neighbours)
    run = neighbours.his
    told = next(filter(run.task_list.shows, neighbours.her_titles), None)
    expect(told is None, f"Bob's task list shows `{told}`, a task of Alice's.", at=run.said.mark)
    expect(
        len(run.ids) == 1,
        f"Bob has one task, and his task list has buttons for {len(run.ids)}.",
        at=run.said.mark,
    )


def _need_lists(neighbours: Neighbours) -> None:
    """Need both lists: a server that lists nothing keeps users apart for free."""
    for name, run in (("Alice", neighbours.hers), ("Bob", neighbours.his)):
        needed(
            bool(run.ids),
            f"{name}'s task list has no button for a task, so nothing shows whose tasks are in it.",
            by="task-list",
            at=run.said.mark,
        )


def _need_task(neighbours: Neighbours) -> None:
    """Need a task of Alice's whose id is that of no task of Bob's."""
    _need_lists(neighbours)
    needed(
        neighbours.her_id is not None,
        "Bob's task list has a button for every task of Alice's.",
        by="own-tasks-only",
        at=neighbours.his.said.mark,
    )


@criterion("foreign-tasks-refused")
@pytest.mark.parametrize("tool", BY_TOOL)
async def test_agent_gets_nothing_of_a_foreign_task(tool: str, neighbours: Neighbours) -> None:
    _need_task(neighbours)
    run = neighbours.by_tool[tool]
    streamed = bytes(run.said.stream.body).decode("utf-8", "replace")
    told = neighbours.told_in(*run.outputs, streamed)
    expect(
        told is None,
        f"Bob's agent called `{tool}` with the id of a task of Alice's, and it told `{told}`.",
        at=run.said.mark,
        hint="told",
    )
    if tool != COMPLETE:
        return
    _expect_open(neighbours, neighbours.between, f"Bob's agent called `{COMPLETE}` with its id")


@criterion("clicks-refused")
@pytest.mark.parametrize("how", BY_CLICK)
async def test_click_on_a_foreign_task_tells_nothing(how: str, neighbours: Neighbours) -> None:
    _need_task(neighbours)
    played = neighbours.by_click[how]
    if isinstance(played.finding, AppCrashed):
        return  # nothing came: `uvicorn` answers for such an app with status 500
    click = played.value
    told = neighbours.told_in(click.shown)
    expect(
        told is None,
        f"Bob sent a click with the id of a task of Alice's {how}, and it told him `{told}`.",
        at=click.mark,
        hint="told",
    )


@criterion("clicks-refused", case="nothing is completed")
async def test_click_completes_no_foreign_task(neighbours: Neighbours) -> None:
    _need_task(neighbours)
    _need_open_before(neighbours)
    _expect_open(neighbours, neighbours.after, "Bob sent clicks with its id")


@criterion("clicks-refused", case="the server goes on")
async def test_server_goes_on_after_foreign_clicks(neighbours: Neighbours) -> None:
    _need_task(neighbours)
    run = neighbours.own_list
    assert run is not None, "Bob has listed his tasks again"
    needed(
        neighbours.his_id is not None,
        "Bob's first task list did not tell of his task.",
        by="task-list",
        at=neighbours.his.said.mark,
    )
    expect(
        neighbours.his_id in run.task_list.actions,
        "After clicks with the id of Alice's task, Bob's own task is not open any more.",
        at=run.said.mark,
    )


def _need_open_before(neighbours: Neighbours) -> None:
    run = neighbours.between
    assert run is not None, "Alice has listed her tasks before the clicks"
    needed(
        neighbours.her_id in run.ids,
        "Alice's task was not open any more before Bob clicked.",
        by="foreign-tasks-refused",
        at=run.said.mark,
    )


def _expect_open(neighbours: Neighbours, run: ToolRun | None, what: str) -> None:
    assert run is not None, "Alice has listed her tasks afterwards"
    expect(
        neighbours.her_id in run.task_list.actions,
        f"{what}, and Alice's task is not open any more.",
        at=run.said.mark,
        hint="completed",
    )


@criterion("crowd", case="tasks")
async def test_twenty_users_have_their_tasks(crowd: list[Member], day: Day) -> None:
    _need_tools(day)
    _expect_members(crowd)
    for member in crowd:
        listed = member.listed
        expect(
            listed.tells(member.title),
            f"{member.name} created the task `{member.title}` while nineteen others created "
            "theirs; after a new start of the server it is not among their tasks.",
            at=listed.said.mark,
            hint="lost",
        )
        output = "\n".join(listed.outputs)
        others = [other for other in crowd if other is not member and other.title in output]
        if others:
            found(
                f"{member.name} was told of `{others[0].title}`, a task of {others[0].name}.",
                at=listed.said.mark,
                hint="mixed",
            )


@criterion("crowd", case="messages")
async def test_twenty_users_have_their_messages(crowd: list[Member], day: Day) -> None:
    _need_tools(day)
    _expect_members(crowd)
    for member in crowd:
        page = member.items.value
        words = [word for run in (member.created, member.listed) for word in run.said.words]
        lost = lacking(page, words)
        expect(
            not lost,
            f"The thread of {member.name} lacks {len(lost)} of 2 messages and 2 answers.",
            at=page.serial,
            hint="lost",
        )
        shown = page.body.decode("utf-8", "replace")
        for other in crowd:
            if other is not member and other.created.said.word in shown:
                found(
                    f"The thread of {member.name} holds a message of {other.name}.",
                    at=page.serial,
                    hint="mixed",
                )


def _need_tools(day: Day) -> None:
    """Need what one user alone gets: what they do not get shows nothing of many."""
    created, listed = day.created[1].said, day.listed[1]
    needed(
        created.complete,
        f"One user who created a task alone got {created.how}.",
        by="tool-results",
        at=created.mark,
    )
    needed(
        listed.tells(day.titles[1]),
        f"`{LIST}` did not tell one user, who was alone, of their task.",
        by="tool-results",
        at=listed.said.mark,
    )


def _expect_members(crowd: list[Member]) -> None:
    expect(bool(crowd), "There were no users.")
    unanswered = [each for each in crowd if not each.created.said.complete]
    expect(
        not unanswered,
        f"Of 20 users who created a task at once, {len(unanswered)} got no whole answer.",
        at=unanswered[0].created.said.mark if unanswered else None,
        hint="unanswered",
    )
