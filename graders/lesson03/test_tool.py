"""A tool that takes ten seconds, on the virtual clock."""

from __future__ import annotations

from graders.engine.harness import criterion, expect
from graders.lesson03.slow_tool import TOOL, SlowTool

WAITED = 3.0
"""Virtual seconds after which a server has waited for the tool, and not for anything of its own."""


@criterion("tool-offered")
async def test_model_is_offered_the_tool(slow_tool: SlowTool) -> None:
    stream, offered = slow_tool.begun.value, slow_tool.turn.request.tools
    expect(
        TOOL in offered,
        f"The model was not offered a tool `{TOOL}`, but "
        f"{', '.join(f'`{name}`' for name in offered) or 'none at all'}.",
        at=stream.last_serial,
    )


@criterion("tool-result")
async def test_tool_runs_and_the_model_gets_its_result(slow_tool: SlowTool) -> None:
    stream, turn = slow_tool.begun.value, slow_tool.turn
    answer = slow_tool.scene.answer("first")
    whole = answer in stream.finished_text
    expect(
        whole or stream.error is None,
        "After the model had called the tool, an `error` event came.",
        at=stream.mark_of(stream.error),
        hint="error-event",
    )
    expect(
        len(turn.requests) > 1,
        "The model called the tool, and the tool's result never went back to the model.",
        at=stream.last_serial,
        hint="no-result",
    )
    expect(
        whole,
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
        slow_tool.running,
        "The progress came only when the ten seconds were over: not while the tool ran."
        if slow_tool.waited > WAITED
        else "The progress came, and the tool was over at once.",
        at=mark,
        hint="late" if slow_tool.waited > WAITED else "over",
    )
