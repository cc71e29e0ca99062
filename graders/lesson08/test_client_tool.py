"""The client tool: what the client is asked to do, and what becomes of its output."""

from __future__ import annotations

from typing import Any

from graders.engine.harness import Said, criterion, expect, needed
from graders.lesson08.scenarios import SHOW, Shown

_ITEM = "client_tool_call"


def _call(shown: Shown) -> Said:
    needed(
        shown.task_id is not None,
        "No task list has told the id of the task, so it cannot be shown.",
        by="task-list",
    )
    assert shown.call is not None, "the task has an id"
    return shown.call


def _item(said: Said) -> dict[str, Any] | None:
    """Return the client tool call that the stream has brought."""
    items = [event.item for event in said.stream.events if event.type == "thread.item.done"]
    return next((item for item in items if item.get("type") == _ITEM), None)


@criterion("client-tool", case="the client is asked")
async def test_client_is_asked_to_show_the_task(shown: Shown) -> None:
    said = _call(shown)
    item = _item(said)
    expect(
        item is not None,
        f"The model called `{SHOW}`, and the client got no item `{_ITEM}`.",
        at=said.mark,
        hint="no-call",
    )
    assert item is not None, "it came"
    expect(
        item.get("name") == SHOW,
        f"The client tool call has the name {str(item.get('name'))!r}, not `{SHOW}`.",
        at=said.mark,
        hint="form",
    )
    arguments = item.get("arguments")
    expect(
        isinstance(arguments, dict)
        and arguments.get("task_id") == shown.task_id
        and arguments.get("title") == shown.title,
        f"The client tool call for the task `{shown.title}` has the arguments {arguments!r}.",
        at=said.mark,
        hint="form",
    )
    expect(said.ends, "The stream did not end after the client tool call.", at=said.mark)


@criterion("client-tool", case="the agent waits")
async def test_agent_waits_for_the_client(shown: Shown) -> None:
    said = _called(shown)
    expect(
        shown.asked_before == 1,
        "The model was asked again before the client had sent its output.",
        at=said.mark,
        hint="not-waited",
    )


@criterion("client-tool", case="the output reaches the model")
async def test_output_of_the_client_reaches_the_model(shown: Shown) -> None:
    said = _called(shown)
    assert shown.output is not None, "the output was sent"
    stream = shown.output.value
    later = said.turn.requests[shown.asked_before :]
    expect(
        any(call.contains(shown.result) for call in later),
        f"The client sent its output (`{shown.result}`), and no request to the model had it.",
        at=stream.last_serial,
        hint="output-lost",
    )


@criterion("client-tool", case="the agent goes on")
async def test_agent_goes_on_after_the_output(shown: Shown) -> None:
    said = _called(shown)
    assert shown.output is not None, "the output was sent"
    stream = shown.output.value
    expect(
        said.answer_word in stream.finished_text and stream.error is None,
        f"The client sent its output, and got "
        f"{'an `error` event' if stream.error else 'no answer of the model'}.",
        at=stream.last_serial,
        hint="no-answer",
    )


@criterion("client-tool", case="another message comes first")
async def test_other_message_is_answered_while_the_agent_waits(shown: Shown) -> None:
    _called(shown)
    instead = shown.instead
    assert instead is not None, "something else was said"
    expect(
        instead.complete,
        "A client tool call was left without an output, the user said something else, and got "
        f"{instead.how}.",
        at=instead.mark,
        hint="left",
    )


def _called(shown: Shown) -> Said:
    """Return the message for which the client was asked: without a call nothing can go on."""
    said = _call(shown)
    expect(
        _item(said) is not None,
        f"The model called `{SHOW}`, and the client got no item `{_ITEM}`.",
        at=said.mark,
        hint="no-call",
    )
    return said
