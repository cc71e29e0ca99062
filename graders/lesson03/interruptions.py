"""The scenarios of lesson03 in which an answer is interrupted: by its client, or by a message.

Whatever the server does is awaited until it has nothing left to do.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from graders.engine.harness import (
    Outcome,
    Reply,
    Said,
    Scene,
    Stream,
    Turn,
    attempt,
    recorded_as,
    say_held,
)
from graders.lesson03.streaming import hear

BURST = ("one", "two", "three", "four", "five")
AT_ONCE = "at once: "
"""What the names of messages that come in one instant begin with."""
_MOST_ITEMS = 50


def long_chunks(scene: Scene, name: str) -> tuple[str, ...]:
    """Return an answer of eight tokens with words of its own."""
    word = scene.canary.word(f"{name} answer")
    return ("It is ", word, ", I ", "would ", "say, ", "and ", "no ", "more.")


@dataclass(frozen=True)
class Left:
    """A client that went away after three tokens of eight, and what came afterwards.

    ``heard`` is what had come by then, ``given_up`` whether the call of the model was cancelled.
    """

    scene: Scene
    heard: str
    given_up: bool
    items: Outcome[Reply]
    thread: Outcome[Reply]
    next: Said
    items_after: Outcome[Reply]


@recorded_as("left")
async def play_left(scene: Scene) -> Left:
    """Go away mid-answer, under a server that tells the app so (ASGI 2.3, as uvicorn does)."""
    tokens = long_chunks(scene, "first")
    turn = scene.script("first", say_held(*tokens))
    stream = await scene.send("first")
    await hear(scene, turn, stream, tokens[:3])
    await stream.close()
    await scene.settle()
    await attempt(scene.student.advance(2))  # for a server that looks now and then
    await scene.settle()
    given_up = await _given_up(scene, turn)
    await turn.release_all()
    await scene.settle()
    return Left(
        scene=scene,
        heard=stream.text,
        given_up=given_up,
        items=await attempt(_items(scene, stream.thread_id)),
        thread=await attempt(scene.chat.get(stream.thread_id)),
        next=await scene.say("second", stream.thread_id),
        items_after=await attempt(_items(scene, stream.thread_id)),
    )


@recorded_as("left_2_4")
async def play_left_2_4(scene: Scene) -> Left:
    """Go away mid-answer, under a server whose ``send`` fails once the client is gone."""
    await scene.student.restart(spec_version="2.4")
    return await play_left(scene)


@dataclass(frozen=True)
class Interrupted:
    """A second message while the answer to the first still streams.

    ``went_on`` says whether the first answer had outlived a message in another thread,
    ``given_up`` whether the call of the model for it was cancelled, ``ends`` whether its stream
    ended, ``old_whole`` whether the client got all of it.
    """

    scene: Scene
    went_on: bool
    new: Said
    given_up: bool
    ends: bool
    old_whole: bool
    items: Outcome[Reply]


@recorded_as("interrupted")
async def play_interrupted(scene: Scene) -> Interrupted:
    """Say a second message after three tokens of the first answer, one of them after another's."""
    tokens = long_chunks(scene, "first")
    turn = scene.script("first", say_held(*tokens))
    old = await scene.send("first")
    await hear(scene, turn, old, tokens[:2])
    elsewhere = asyncio.ensure_future(scene.say("elsewhere", once=True))
    await scene.settle()
    [third] = await hear(scene, turn, old, tokens[2:3])
    newer = scene.script("second")
    saying = asyncio.ensure_future(scene.say("second", old.thread_id, turn=newer, once=True))
    await scene.settle()
    if not newer.used:
        # A server may let the new answer wait for the old one: then the old one must go on.
        await turn.release_all()
    new = await saying
    await scene.settle()
    given_up = await _given_up(scene, turn)
    await turn.release_all()
    ends = await old.finish_or_leave()
    await elsewhere
    return Interrupted(
        scene=scene,
        went_on=third.came,
        new=new,
        given_up=given_up,
        ends=ends,
        old_whole=old.text == "".join(tokens),
        items=await attempt(_items(scene, old.thread_id)),
    )


@dataclass(frozen=True)
class Burst:
    """Five messages in one thread, each sent before any was answered; ``last`` is the fifth's.

    ``items`` are those of a thread in which the server had taken in each message before the next
    one came; ``items_at_once`` those of another one, in which all five came in one instant.
    """

    scene: Scene
    last: Outcome[Stream]
    items: Outcome[Reply]
    items_at_once: Outcome[Reply]


@recorded_as("burst")
async def play_burst(scene: Scene) -> Burst:
    """Say one message, and then five; and the same again without a moment between them."""
    last, items = await _burst(scene, "", at_once=False)
    _, items_at_once = await _burst(scene, AT_ONCE, at_once=True)
    return Burst(scene, last, items, items_at_once)


async def _burst(
    scene: Scene, prefix: str, *, at_once: bool
) -> tuple[Outcome[Stream], Outcome[Reply]]:
    thread_id = (await scene.say(f"{prefix}zero")).whole.thread_id
    names = [prefix + name for name in BURST]
    turns = [scene.script(name, say_held(*scene.chunks(name))) for name in names]
    asking: list[asyncio.Future[Outcome[Stream]]] = []
    for name in names:
        saying = attempt(scene.send(name, thread_id))
        asking.append(asyncio.ensure_future(saying))
        if not at_once:
            await scene.settle()
    for turn in turns:
        await turn.release_all()
    streams = await asyncio.gather(*asking)
    await asyncio.gather(
        *(stream.value.finish_or_leave() for stream in streams if stream.finding is None)
    )
    return streams[-1], await attempt(_items(scene, thread_id))


async def _given_up(scene: Scene, turn: Turn) -> bool:
    """Return whether the call was cancelled; some servers look only when the next token comes."""
    if not turn.cancelled:
        await turn.release()
        await scene.settle()
    return turn.cancelled


async def _items(scene: Scene, thread_id: str) -> Reply:
    return await scene.chat.items(thread_id, order="asc", limit=_MOST_ITEMS)
