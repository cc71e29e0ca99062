"""The scenarios of lesson03 in which the model fails in the middle of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graders.engine.harness import (
    Finding,
    Outcome,
    Reply,
    Said,
    Scene,
    Step,
    Stream,
    attempt,
    drop,
    fail,
    recorded_as,
)

FAILURES: Mapping[str, Step] = {
    "an error in the stream": fail(500, message="The server failed.", after=("It is", " half")),
    "a dropped connection": drop(after=("It is", " half")),
}


@dataclass(frozen=True)
class FailedHalfWay:
    """An answer that the model broke off, and the retry that the client asked for."""

    said: Said
    retried: Outcome[Stream]
    items: Outcome[Reply]


@recorded_as("failures")
async def play_failures(scene: Scene) -> Mapping[str, FailedHalfWay]:
    """Let the model fail half-way in each way, each in a thread of its own, and try again."""
    return {name: await _failure(scene, name, failure) for name, failure in FAILURES.items()}


async def _failure(scene: Scene, name: str, failure: Step) -> FailedHalfWay:
    said = await scene.say(f"{name}: first", None, failure)
    scene.script(said.name)
    return FailedHalfWay(
        said=said,
        retried=await attempt(_retry(said)),
        items=await attempt(said.items(order="asc", limit=50)),
    )


async def _retry(failed: Said) -> Stream:
    item = failed.stream.user_item
    if item is None:
        raise Finding("The stream held no `thread.item.done` of the user's message.")
    stream = await failed.scene.chat.retry(failed.thread_id, item.item_id)
    await stream.finish_or_leave()
    return stream
