"""The scenario of lesson03 in which the model calls a tool that takes ten seconds.

They pass on the virtual clock, which is moved when the tool's progress has come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from graders.engine.harness import (
    Finding,
    Outcome,
    Scene,
    Stream,
    Turn,
    attempt,
    call_tool,
    recorded_as,
    say,
)
from graders.engine.protocol import ChatKitEvent

TOOL = "analyze_documents"
_PROGRESS_ITEMS = ("workflow", "task", "widget")


@dataclass(frozen=True)
class SlowTool:
    """A message for which the model calls the tool that takes ten seconds.

    ``progress`` is the first event that tells of it, ``waited`` the virtual seconds that had been
    skipped when it came, ``running`` whether the tool still ran then.
    """

    scene: Scene
    turn: Turn
    begun: Outcome[Stream]
    progress: ChatKitEvent | None
    waited: float
    running: bool
    ends: bool


@recorded_as("slow_tool")
async def play_slow_tool(scene: Scene) -> SlowTool:
    """Let the model call the tool, and stop the clock when its progress comes."""
    call = call_tool(TOOL, {"topic": scene.word("first")})
    turn = scene.script("first", call, say(*scene.chunks("first")))
    begun = await attempt(scene.send("first"))
    played = SlowTool(scene, turn, begun, None, 0.0, running=False, ends=False)
    if begun.finding is not None:
        return played
    progress = await _first_progress(begun.value)
    waited = scene.student.skipped_seconds
    await scene.rest()
    running = len(turn.requests) == 1
    if running and progress is not None:
        await attempt(scene.student.advance(10))
    ends = await begun.value.finish_or_leave()
    return replace(played, progress=progress, waited=waited, running=running, ends=ends)


async def _first_progress(stream: Stream) -> ChatKitEvent | None:
    """Read up to the first event that tells of progress; ``None`` at the end or at the answer."""
    try:
        while (event := await stream.next()) is not None:
            if is_progress(event):
                return event
            if event.delta:
                return None
    except Finding:
        pass
    return None


def is_progress(event: ChatKitEvent) -> bool:
    """Return whether an event shows progress: by a line of it, a workflow or a widget."""
    if event.type == "progress_update":
        return bool(str(event.raw.get("text") or "").strip())
    return event.item_type in _PROGRESS_ITEMS or event.update_type.startswith(_PROGRESS_ITEMS)
