"""The scenarios of lesson03 in which an answer is interrupted: by its client, or by a message.

Whatever the server does is awaited until it has nothing left to do.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from graders.engine.harness import (
    Outcome,
    Page,
    Reply,
    Said,
    Scene,
    Stalled,
    Stream,
    Turn,
    attempt,
    items_in,
    recorded_as,
    say_held,
    walk_pages,
)
from graders.lesson03.streaming import hear, long_chunks

BURST = ("one", "two", "three", "four", "five")
AT_ONCE = "at once: "
"""What the names of messages that come in one instant begin with."""
_MOST_ITEMS = 50


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
    await scene.rest()
    await attempt(scene.student.advance(2))  # for a server that looks now and then
    await scene.rest()
    given_up = await _given_up(scene, turn)
    await turn.release_all()
    await scene.rest()
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
class Held:
    """An answer of which the client has ``heard`` three tokens; the model holds the others back."""

    name: str
    turn: Turn
    stream: Stream
    thread_id: str
    tokens: tuple[str, ...]
    heard: str


async def _begin(scene: Scene, name: str, thread_id: str | None = None) -> Held:
    tokens = long_chunks(scene, name)
    turn = scene.script(name, say_held(*tokens))
    stream = await scene.send(name, thread_id)
    await hear(scene, turn, stream, tokens[:3])
    return Held(name, turn, stream, thread_id or stream.thread_id, tokens, stream.text)


@dataclass(frozen=True)
class Superseded:
    """What became of an answer when a newer message in its thread had been answered.

    ``ends`` says whether its stream ended although the model still held most of the rest back,
    ``given_up`` whether the call of the model was cancelled, ``got`` what the client got in all.
    """

    held: Held
    ends: bool
    given_up: bool
    got: str

    @property
    def got_more(self) -> bool:
        """Whether the client got more of it than it had heard before the newer message.

        A server may add words of its own, such as "(interrupted)".
        """
        return self.held.tokens[3] in self.got[len(self.held.heard) :]

    @property
    def whole(self) -> bool:
        """Whether the client got all of it."""
        return self.got_more and self.got == "".join(self.held.tokens)


@dataclass(frozen=True)
class Interrupted:
    """A second message while the answer to the first still streams.

    ``at_once`` says whether it was answered whole while the model held the first answer back.
    """

    scene: Scene
    new: Said
    at_once: bool
    old: Superseded
    items: Outcome[Reply]


@recorded_as("interrupted")
async def play_interrupted(scene: Scene) -> Interrupted:
    """Say a second message after three tokens of the first answer."""
    first = await _begin(scene, "first")
    new, at_once = await _interrupt(scene, "second", first)
    old = await _superseded(scene, first)
    return Interrupted(scene, new, at_once, old, await attempt(_items(scene, first.thread_id)))


@recorded_as("interrupted_twice")
async def play_interrupted_twice(scene: Scene) -> Superseded:
    """Interrupt an answer that has interrupted one itself, when the server is done with that one.

    Returns what became of the second answer.
    """
    first = await _begin(scene, "first")
    second = await _begin(scene, "second", first.thread_id)
    await _superseded(scene, first)
    await _interrupt(scene, "third", second)
    return await _superseded(scene, second)


async def _interrupt(scene: Scene, name: str, old: Held) -> tuple[Said, bool]:
    """Say message ``name``; return whether it was answered while the model held the old answer.

    Where the new message waits for the old answer, that one goes on in the end.
    """
    at_once = True

    async def read(stream: Stream) -> None:
        nonlocal at_once
        try:
            await stream.finish()
        except Stalled:
            at_once = scene.answer(name) in stream.finished_text
            await old.turn.release_all()
            await stream.finish_or_leave()

    said = await scene.say(name, old.thread_id, once=True, read=read)
    return said, at_once and scene.answer(name) in said.heard


async def _superseded(scene: Scene, old: Held) -> Superseded:
    """Return what became of an answer; a server may notice it at the model's next token."""
    await scene.rest()
    await _given_up(scene, old.turn)
    ends = await _comes_to_its_end(old.stream)
    await scene.rest()
    given_up = old.turn.cancelled
    await old.turn.release_all()
    if not ends:
        await old.stream.finish_or_leave()
    texts = (old.stream.text, old.stream.finished_text)
    return Superseded(old, ends, given_up, got=max(texts, key=len))


async def _comes_to_its_end(stream: Stream) -> bool:
    try:
        await stream.finish()
    except Stalled:
        return False
    return True


@dataclass(frozen=True)
class Beside:
    """One of two answers that streamed at once, in two threads.

    ``late`` is the first token that did not come when the model gave it, if there was one.
    """

    held: Held
    late: str | None
    items: Outcome[Reply]


@recorded_as("side_by_side")
async def play_side_by_side(scene: Scene) -> tuple[Beside, Beside]:
    """Hear two answers in two threads, token by token in turns; the older one ends first."""
    left, right = await _begin(scene, "left"), await _begin(scene, "right")
    late: dict[str, str] = {}
    for number in range(3, len(left.tokens)):
        for held in (left, right):
            if held.name not in late:
                token = held.tokens[number]
                [arrival] = await hear(scene, held.turn, held.stream, [token])
                late.update({} if arrival.came else {held.name: token})
    return (
        await _beside(scene, left, late.get(left.name)),
        await _beside(scene, right, late.get(right.name)),
    )


async def _beside(scene: Scene, held: Held, late: str | None) -> Beside:
    await held.turn.release_all()
    await held.stream.finish_or_leave()
    return Beside(held, late, await attempt(_items(scene, held.thread_id)))


@dataclass(frozen=True)
class Burst:
    """Five messages in one thread, each sent before any was answered; ``last`` is the fifth's.

    ``items`` are the pages of a thread in which the server had taken in each message before the
    next one came; ``items_at_once`` those of another one, in which all five came in one instant.
    """

    scene: Scene
    last: Outcome[Stream]
    items: Outcome[list[Page]]
    items_at_once: Outcome[list[Page]]


@recorded_as("burst")
async def play_burst(scene: Scene) -> Burst:
    """Say one message, and then five; and the same again without a moment between them."""
    last, items = await _burst(scene, "", at_once=False)
    _, items_at_once = await _burst(scene, AT_ONCE, at_once=True)
    return Burst(scene, last, items, items_at_once)


async def _burst(
    scene: Scene, prefix: str, *, at_once: bool
) -> tuple[Outcome[Stream], Outcome[list[Page]]]:
    thread_id = (await scene.say(f"{prefix}zero")).whole.thread_id
    names = [prefix + name for name in BURST]
    turns = [scene.script(name, say_held(*scene.chunks(name))) for name in names]
    asking: list[asyncio.Future[Outcome[Stream]]] = []
    for name in names:
        saying = attempt(scene.send(name, thread_id))
        asking.append(asyncio.ensure_future(saying))
        if not at_once:
            await scene.rest()
    for turn in turns:
        await turn.release_all()
    streams = await asyncio.gather(*asking)
    await asyncio.gather(
        *(stream.value.finish_or_leave() for stream in streams if stream.finding is None)
    )
    return streams[-1], await attempt(_all_items(scene, thread_id))


async def _given_up(scene: Scene, turn: Turn) -> bool:
    """Return whether the call was cancelled; some servers look only when the next token comes."""
    if not turn.cancelled:
        await turn.release()
        await scene.rest()
    return turn.cancelled


async def _items(scene: Scene, thread_id: str) -> Reply:
    return await scene.chat.items(thread_id, order="asc", limit=_MOST_ITEMS)


async def _all_items(scene: Scene, thread_id: str) -> list[Page]:
    """Read all pages, which may be short; what comes after one that has nothing new is not read."""
    known: set[str] = set()

    def following(page: Page) -> str | None:
        is_new = not known.issuperset(page.ids)
        known.update(page.ids)
        return page.next if is_new else None

    items = items_in(scene.chat, thread_id)
    return await walk_pages(lambda after: items.page(_MOST_ITEMS, "asc", after), following)
