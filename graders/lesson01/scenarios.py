"""The scenarios of lesson01: greetings on the student's server, lifecycles on the reference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from graders.engine.harness import (
    Order,
    Outcome,
    Reply,
    Said,
    Scene,
    Stream,
    attempt,
    call_tool,
    expect,
    needed,
    recorded_as,
    say,
)
from graders.engine.protocol import ChatKitEvent
from graders.lesson01.lifecycle import folded, step_named

REFERENCE = Path(__file__).parents[2] / "reference_solutions" / "lesson01" / "lifecycle_server"


@dataclass(frozen=True)
class Greetings:
    """Two messages in one thread, each greeted, and the items after each."""

    first: Said
    oldest_first: Outcome[Reply]
    newest_first: Outcome[Reply]
    second: Outcome[Said]
    afterwards: Outcome[Reply]

    @property
    def begun(self) -> Stream:
        """The first stream, in which ChatKit events came, whatever they are."""
        begun = self.first.begun
        needed(
            begun.finding is None
            and begun.value.status == 200
            and any(event.type for event in begun.value.events),
            "The first message got no stream of ChatKit events.",
            by="server-answers",
        )
        return begun.value

    @property
    def finished(self) -> list[str]:
        """The texts of the finished greetings, of which there is one at least."""
        texts = [
            event.text
            for event in self.first.stream.events
            if event.type == "thread.item.done" and event.item_type == "assistant_message"
        ]
        needed(any(texts), "No greeting with a text was finished.", by="one-greeting")
        return texts


@recorded_as("greetings")
async def play_greetings(scene: Scene) -> Greetings:
    """Say a message, list the items both ways, say another one and list again.

    The model would answer, so that a server which asks it loses no more than it should.
    """
    first = await scene.say("first")
    return Greetings(
        first=first,
        oldest_first=await attempt(_items(first, "asc")),
        newest_first=await attempt(_items(first, "desc")),
        second=await attempt(_go_on(first)),
        afterwards=await attempt(_items(first, "asc")),
    )


async def _items(first: Said, order: Order) -> Reply:
    """List the items, also where `thread.created` did not come: its own criterion judges that."""
    return await first.scene.chat.items(first.stream.any_thread_id, order=order, limit=20)


async def _go_on(first: Said) -> Said:
    return await first.scene.say("second", first.stream.any_thread_id)


@dataclass(frozen=True)
class Lifecycles:
    """What the installed SDK sends in the three conversations, as steps."""

    first_message: list[str]
    follow_up: list[str]
    progress: list[str]


async def play_lifecycles(scene: Scene) -> Lifecycles:
    """Play the three conversations of the assignment, one after the other in one thread."""
    first = await scene.say("first")
    steps = (call_tool("search_documents", {}), say(*scene.chunks("third")))
    said = [first, await first.go_on("second"), await first.go_on("third", *steps)]
    for each in said:
        expect(each.answered, "a conversation was not answered")
    expect(len(said[-1].turn.requests) == 2, "the tool was not called")
    return Lifecycles(*(_steps(each.whole.events) for each in said))


def _steps(events: list[ChatKitEvent]) -> list[str]:
    return folded(step_named(event.label) for event in events)
