"""The scenarios of lesson01: greetings on the student's server, lifecycles on the reference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from graders.engine.harness import (
    Outcome,
    Reply,
    Scene,
    Stream,
    attempt,
    call_tool,
    expect,
    recorded_as,
    say,
)
from graders.engine.protocol import ChatKitEvent
from graders.lesson01.lifecycle import folded, step_named

REFERENCE = Path(__file__).parents[2] / "reference_solutions" / "lesson01" / "lifecycle_server"


@dataclass(frozen=True)
class Greetings:
    """Two messages in one thread, each greeted, and the items after each."""

    scene: Scene
    begun: Outcome[Stream]
    ends: bool
    oldest_first: Outcome[Reply]
    newest_first: Outcome[Reply]
    second: Outcome[Stream]
    afterwards: Outcome[Reply]

    @property
    def stream(self) -> Stream:
        """The stream of the first greeting."""
        return self.begun.value


@recorded_as("greetings")
async def play_greetings(scene: Scene) -> Greetings:
    """Say a message, list the items both ways, say another one and list again.

    The model would answer, so that a server which asks it loses no more than it should.
    """
    for name in ("first", "second"):
        scene.script(name)
    begun = await attempt(scene.chat.create(scene.message("first")))
    ends = begun.finding is None and await begun.value.finish_or_leave()
    return Greetings(
        scene=scene,
        begun=begun,
        ends=ends,
        oldest_first=await attempt(_items(scene, begun, "asc")),
        newest_first=await attempt(_items(scene, begun, "desc")),
        second=await attempt(_second(scene, begun)),
        afterwards=await attempt(_items(scene, begun, "asc")),
    )


async def _items(scene: Scene, begun: Outcome[Stream], order: Literal["asc", "desc"]) -> Reply:
    return await scene.chat.items(begun.value.thread_id, order=order, limit=20)


async def _second(scene: Scene, begun: Outcome[Stream]) -> Stream:
    stream = await scene.chat.say(begun.value.thread_id, scene.message("second"))
    await stream.finish_or_leave()
    return stream


@dataclass(frozen=True)
class Lifecycles:
    """What the installed SDK sends in the three conversations, as steps."""

    first_message: list[str]
    follow_up: list[str]
    progress: list[str]


async def play_lifecycles(scene: Scene) -> Lifecycles:
    """Have the three conversations of the assignment, one after the other in one thread."""
    first, _ = await scene.begin("first")
    follow_up, _ = await scene.go_on(first.thread_id, "second")
    steps = (call_tool("search_documents", {}), say(*scene.chunks("third")))
    progress, turn = await scene.go_on(first.thread_id, "third", *steps)
    for stream in (first, follow_up, progress):
        expect(stream.error is None and stream.answered, "a conversation was not answered")
    expect(len(turn.requests) == 2, "the tool was not called")
    return Lifecycles(*(_steps(each.events) for each in (first, follow_up, progress)))


def _steps(events: list[ChatKitEvent]) -> list[str]:
    return folded(step_named(event.label) for event in events)
