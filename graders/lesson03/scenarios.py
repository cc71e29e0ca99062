"""The scenarios of lesson03, each played once on a pristine server; checks judge the record.

No time is waited for: a token is released when the one before has come, ten seconds are skipped,
and whatever the server does is awaited until it has nothing left to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from graders.engine.harness import (
    Finding,
    Outcome,
    Reply,
    Scene,
    Stalled,
    Step,
    Stream,
    Turn,
    attempt,
    call_tool,
    drop,
    fail,
    recorded_as,
    say,
    say_held,
)
from graders.engine.protocol import ChatKitEvent
from graders.lesson03.awkward import CASES, Awkward

TOOL = "analyze_documents"
BURST = ("one", "two", "three", "four", "five")
AT_ONCE = "at once: "
"""What the names of messages that come in one instant begin with."""
FAILURES: Mapping[str, Step] = {
    "an error in the stream": fail(500, message="The server failed.", after=("It is", " half")),
    "a dropped connection": drop(after=("It is", " half")),
}
_PROGRESS_ITEMS = ("workflow", "task", "widget")
_MANY = 50
_TURNS = 5
"""How often the server is let finish what it does, so that what it causes is finished too."""


# --- words ----------------------------------------------------------------------------------------


def long_chunks(scene: Scene, name: str) -> tuple[str, ...]:
    """Give an answer of eight tokens with words of its own."""
    word = scene.canary.word(f"{name} answer")
    return ("It is ", word, ", I ", "would ", "say, ", "and ", "no ", "more.")


# --- a first answer -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plain:
    """A first message and its answer, which the model gives without a pause."""

    scene: Scene
    begun: Outcome[Stream]
    ends: bool


@recorded_as("plain")
async def play_plain(scene: Scene) -> Plain:
    """Say a first message."""
    scene.script("first")
    begun = await attempt(scene.chat.create(scene.message("first")))
    ends = begun.finding is None and await begun.value.finish_or_leave()
    return Plain(scene, begun, ends)


# --- lock-step ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Arrival:
    """What became of one token that was released: whether it came before the next one was.

    ``waited`` are the virtual seconds that were skipped meanwhile, because the server waited for
    a timer; ``took`` the real seconds from its release; ``serial`` its place in the transcript, or
    that of the silence.
    """

    token: str
    came: bool
    waited: float
    took: float
    serial: int


@dataclass(frozen=True)
class LockStep:
    """An answer whose tokens were released one by one, each after the client had the last."""

    begun: Outcome[Stream]
    arrivals: tuple[Arrival, ...]
    said: str
    ends: bool

    @property
    def stream(self) -> Stream:
        """The stream of the answer."""
        return self.begun.value

    @property
    def held_back(self) -> Arrival | None:
        """The first token that did not come."""
        return next((arrival for arrival in self.arrivals if not arrival.came), None)


@recorded_as("lock_step")
async def play_lock_step(scene: Scene) -> LockStep:
    """Hear an answer of forty tokens, one by one: ends of sentences, and words that go on."""
    words = (scene.canary.word(f"token {number}") for number in range(20))
    tokens = tuple(token for word in words for token in (f"{word}.", "And-"))
    return await _in_lock_step(scene, "first", tokens)


async def _in_lock_step(scene: Scene, name: str, tokens: Sequence[str]) -> LockStep:
    turn = scene.script(name, say_held(*tokens))
    begun = await attempt(scene.chat.create(scene.message(name)))
    if begun.finding is not None:
        return LockStep(begun, (), "".join(tokens), ends=False)
    arrivals = await _hear(scene, turn, begun.value, tokens)
    await turn.release_all()
    ends = await begun.value.finish_or_leave()
    return LockStep(begun, arrivals, "".join(tokens), ends)


async def _hear(
    scene: Scene, turn: Turn, stream: Stream, tokens: Sequence[str]
) -> tuple[Arrival, ...]:
    """Release ``tokens`` one by one, up to the first that does not come."""
    arrivals: list[Arrival] = []
    expected = len(stream.text)
    for token in tokens:
        expected += len(token)
        arrival = await _arrival(scene, turn, stream, token, expected)
        arrivals.append(arrival)
        if not arrival.came:
            break
    return tuple(arrivals)


async def _arrival(scene: Scene, turn: Turn, stream: Stream, token: str, expected: int) -> Arrival:
    clock = asyncio.get_running_loop()
    skipped, began = scene.student.skipped_seconds, clock.time()
    silence: int | None = None
    await turn.release()
    try:
        while len(stream.text) < expected and await stream.next() is not None:
            pass
    except Stalled as stalled:
        silence = stalled.mark
    return Arrival(
        token=token,
        came=len(stream.text) >= expected,
        waited=scene.student.skipped_seconds - skipped,
        took=clock.time() - began,
        serial=stream.last_serial if silence is None else silence,
    )


@recorded_as("awkward")
async def play_awkward(scene: Scene) -> Mapping[str, LockStep]:
    """Hear answers of awkward tokens, each in a thread of its own."""
    return {name: await _awkward(scene, name, case) for name, case in CASES.items()}


async def _awkward(scene: Scene, name: str, case: Awkward) -> LockStep:
    if case.held:
        return await _in_lock_step(scene, name, case.tokens)
    scene.script(name, say(*case.tokens))
    begun = await attempt(scene.chat.create(scene.message(name)))
    ends = begun.finding is None and await begun.value.finish_or_leave()
    return LockStep(begun, (), case.text, ends)


# --- a slow tool ----------------------------------------------------------------------------------


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
    begun = await attempt(scene.chat.create(scene.message("first")))
    played = SlowTool(scene, turn, begun, None, 0.0, running=False, ends=False)
    if begun.finding is not None:
        return played
    progress = await _first_progress(begun.value)
    waited = scene.student.skipped_seconds
    await settle(scene)
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
    """Whether an event tells what the server does: by a progress line, a workflow or a widget."""
    if event.type == "progress_update":
        return bool(str(event.raw.get("text") or "").strip())
    return event.item_type in _PROGRESS_ITEMS or event.update_type.startswith(_PROGRESS_ITEMS)


# --- a client that goes away ----------------------------------------------------------------------


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
    next: Outcome[Stream]
    items_after: Outcome[Reply]


@recorded_as("left")
async def play_left(scene: Scene) -> Left:
    """Go away mid-answer, under a server that tells the app so (ASGI 2.3, as uvicorn does)."""
    tokens = long_chunks(scene, "first")
    turn = scene.script("first", say_held(*tokens))
    stream = await scene.chat.create(scene.message("first"))
    await _hear(scene, turn, stream, tokens[:3])
    await stream.close()
    await settle(scene)
    await attempt(scene.student.advance(2))  # for a server that looks now and then
    await settle(scene)
    given_up = await _given_up(scene, turn)
    await turn.release_all()
    await settle(scene)
    return Left(
        scene=scene,
        heard=stream.text,
        given_up=given_up,
        items=await attempt(_items(scene, stream.thread_id)),
        thread=await attempt(scene.chat.get(stream.thread_id)),
        next=await attempt(_follow_up(scene, stream.thread_id, "second")),
        items_after=await attempt(_items(scene, stream.thread_id)),
    )


@recorded_as("left_2_4")
async def play_left_2_4(scene: Scene) -> Left:
    """Go away mid-answer, under a server whose ``send`` fails once the client is gone."""
    await scene.student.restart(spec_version="2.4")
    return await play_left(scene)


# --- a message into an answer ---------------------------------------------------------------------


@dataclass(frozen=True)
class Interrupted:
    """A second message while the answer to the first still streams.

    ``went_on`` says whether the first answer had outlived a message in another thread,
    ``given_up`` whether the call of the model for it was cancelled, ``ends`` whether its stream
    ended, ``old_whole`` whether the client got all of it.
    """

    scene: Scene
    went_on: bool
    new: Outcome[Stream]
    given_up: bool
    ends: bool
    old_whole: bool
    items: Outcome[Reply]


@recorded_as("interrupted")
async def play_interrupted(scene: Scene) -> Interrupted:
    """Say a second message after three tokens of the first answer, one of them after another's."""
    tokens = long_chunks(scene, "first")
    turn = scene.script("first", say_held(*tokens))
    old = await scene.chat.create(scene.message("first"))
    await _hear(scene, turn, old, tokens[:2])
    scene.script("elsewhere")
    elsewhere = asyncio.ensure_future(attempt(_elsewhere(scene)))
    await settle(scene)
    [third] = await _hear(scene, turn, old, tokens[2:3])
    newer = scene.script("second")
    saying = asyncio.ensure_future(
        attempt(_follow_up(scene, old.thread_id, "second", scripted=True))
    )
    await settle(scene)
    if not newer.used:
        # A server may let the new answer wait for the old one: then the old one must go on.
        await turn.release_all()
    new = await saying
    await settle(scene)
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


async def _elsewhere(scene: Scene) -> None:
    """Say a message in another thread."""
    await (await scene.chat.create(scene.message("elsewhere"))).finish_or_leave()


# --- five messages at once ------------------------------------------------------------------------


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
    begun, _ = await scene.begin(f"{prefix}zero")
    names = [prefix + name for name in BURST]
    turns = [scene.script(name, say_held(*scene.chunks(name))) for name in names]
    asking: list[asyncio.Future[Outcome[Stream]]] = []
    for name in names:
        saying = attempt(scene.chat.say(begun.thread_id, scene.message(name)))
        asking.append(asyncio.ensure_future(saying))
        if not at_once:
            await settle(scene)
    for turn in turns:
        await turn.release_all()
    streams = await asyncio.gather(*asking)
    await asyncio.gather(
        *(stream.value.finish_or_leave() for stream in streams if stream.finding is None)
    )
    return streams[-1], await attempt(_items(scene, begun.thread_id))


# --- a model that fails half-way ------------------------------------------------------------------


@dataclass(frozen=True)
class FailedHalfWay:
    """An answer that the model broke off, and the retry that the client asked for."""

    scene: Scene
    stream: Stream
    ends: bool
    retried: Outcome[Stream]
    items: Outcome[Reply]


@recorded_as("failures")
async def play_failures(scene: Scene) -> Mapping[str, Outcome[FailedHalfWay]]:
    """Let the model fail half-way in each way, each in a thread of its own, and try again."""
    return {
        name: await attempt(_failure(scene, f"{name}: first", failure))
        for name, failure in FAILURES.items()
    }


async def _failure(scene: Scene, name: str, failure: Step) -> FailedHalfWay:
    scene.script(name, failure)
    stream = await scene.chat.create(scene.message(name))
    ends = await stream.finish_or_leave()
    scene.script(name)
    return FailedHalfWay(
        scene=scene,
        stream=stream,
        ends=ends,
        retried=await attempt(_retry(scene, stream)),
        items=await attempt(_items(scene, stream.thread_id)),
    )


async def _retry(scene: Scene, failed: Stream) -> Stream:
    item = failed.user_item
    if item is None:
        raise Finding("The stream held no `thread.item.done` of the user's message.")
    stream = await scene.chat.retry(failed.thread_id, item.item_id)
    await stream.finish_or_leave()
    return stream


# --- what all use ---------------------------------------------------------------------------------


async def settle(scene: Scene) -> None:
    """Let the server do all that it has to do, and what follows from it."""
    for _ in range(_TURNS):
        await attempt(scene.student.settle())


async def _given_up(scene: Scene, turn: Turn) -> bool:
    """Whether the call was cancelled; some servers look only when the next token comes."""
    if not turn.cancelled:
        await turn.release()
        await settle(scene)
    return turn.cancelled


async def _items(scene: Scene, thread_id: str) -> Reply:
    return await scene.chat.items(thread_id, order="asc", limit=_MANY)


async def _follow_up(scene: Scene, thread_id: str, name: str, *, scripted: bool = False) -> Stream:
    if not scripted:
        scene.script(name)
    stream = await scene.chat.say(thread_id, scene.message(name))
    await stream.finish_or_leave()
    return stream
