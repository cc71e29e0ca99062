"""A tool that takes ten seconds, on the virtual clock."""

from __future__ import annotations

from graders.engine.harness import criterion, expect
from graders.lesson03.slow_tool import TOOL, SlowTool

MOST_WAIT = 3.0
"""Virtual seconds that progress may take: far from the ten that the tool takes."""


@criterion("tool-result")
async def test_tool_runs_and_the_model_gets_its_result(slow_tool: SlowTool) -> None:
    stream, turn = slow_tool.begun.value, slow_tool.turn
    expect(
        TOOL in turn.request.tools,
        f"The model was not offered a tool `{TOOL}`, but "
        f"{', '.join(f'`{name}`' for name in turn.request.tools) or 'none at all'}.",
        at=stream.last_serial,
        hint="no-tool",
    )
    expect(
        stream.error is None,
        "After the model had called the tool, an `error` event came.",
        at=stream.mark_of(stream.error),
        hint="error-event",
    )
    ran = slow_tool.progress is not None
    expect(
        len(turn.requests) > 1,
        "The model called the tool and the tool ran, but its result was never sent to the model."
        if ran
        else "The model called the tool, and never got a result.",
        at=stream.last_serial,
        hint="not-sent" if ran else None,
    )
    answer = slow_tool.scene.answer("first")
    expect(
        answer in stream.finished_text,
        f"After the tool the model said {answer!r}, the client got {stream.finished_text!r}.",
        at=stream.last_serial,
    )


@criterion("tool-progress")
async def test_progress_is_seen_while_the_tool_runs(slow_tool: SlowTool) -> None:
    stream, progress = slow_tool.begun.value, slow_tool.progress
    if progress is None:
        late = "No progress reached the client before the answer."
        expect(False, late, at=stream.last_serial, hint="none")
        return
    mark = stream.mark_of(progress)
    expect(
        slow_tool.waited <= MOST_WAIT,
        "The progress came only after the server had waited for the tool: not while it ran.",
        at=mark,
        hint="late",
    )
    expect(
        slow_tool.running,
        "The progress came when the model had the tool's result already.",
        at=mark,
        hint="over",
    )
