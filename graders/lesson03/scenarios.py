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
    Stalled,
    Step,
    Stream,
    Talk,
    Turn,
    attempt,
    call_tool,
    drop,
    fail,
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


def long_chunks(talk: Talk, name: str) -> tuple[str, ...]:
    """Give an answer of eight tokens with words of its own."""
    word = talk.canary.word(f"{name} answer")
    return ("It is ", word, ", I ", "would ", "say, ", "and ", "no ", "more.")


# --- a first answer -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plain:
    """A first message and its answer, which the model gives without a pause."""

    talk: Talk
    begun: Outcome[Stream]
    ends: bool


async def play_plain(talk: Talk) -> Plain:
    """Say a first message."""
    talk.script("first")
    begun = await attempt(talk.chat.create(talk.message("first")))
    ends = begun.finding is None and await begun.value.finish_or_leave()
    return Plain(talk, begun, ends)


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


async def play_lock_step(talk: Talk) -> LockStep:
    """Hear an answer of forty tokens, one by one: ends of sentences, and words that go on."""
    words = (talk.canary.word(f"token {number}") for number in range(20))
    tokens = tuple(token for word in words for token in (f"{word}.", "And-"))
    return await _in_lock_step(talk, "first", tokens)


async def _in_lock_step(talk: Talk, name: str, tokens: Sequence[str]) -> LockStep:
    turn = talk.script(name, say_held(*tokens))
    begun = await attempt(talk.chat.create(talk.message(name)))
    if begun.finding is not None:
        return LockStep(begun, (), "".join(tokens), ends=False)
    arrivals = await _hear(talk, turn, begun.value, tokens)
    await turn.release_all()
    ends = await begun.value.finish_or_leave()
    return LockStep(begun, arrivals, "".join(tokens), ends)


async def _hear(
    talk: Talk, turn: Turn, stream: Stream, tokens: Sequence[str]
) -> tuple[Arrival, ...]:
    """Release ``tokens`` one by one, up to the first that does not come."""
    arrivals: list[Arrival] = []
    expected = len(stream.text)
    for token in tokens:
        expected += len(token)
        arrival = await _arrival(talk, turn, stream, token, expected)
        arrivals.append(arrival)
        if not arrival.came:
            break
    return tuple(arrivals)


async def _arrival(talk: Talk, turn: Turn, stream: Stream, token: str, expected: int) -> Arrival:
    clock = asyncio.get_running_loop()
    skipped, began = talk.student.skipped_seconds, clock.time()
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
        waited=talk.student.skipped_seconds - skipped,
        took=clock.time() - began,
        serial=stream.last_serial if silence is None else silence,
    )


async def play_awkward(talk: Talk) -> Mapping[str, LockStep]:
    """Hear answers of awkward tokens, each in a thread of its own."""
    return {name: await _awkward(talk, name, case) for name, case in CASES.items()}


async def _awkward(talk: Talk, name: str, case: Awkward) -> LockStep:
    if case.held:
        return await _in_lock_step(talk, name, case.tokens)
    talk.script(name, say(*case.tokens))
    begun = await attempt(talk.chat.create(talk.message(name)))
    ends = begun.finding is None and await begun.value.finish_or_leave()
    return LockStep(begun, (), case.text, ends)


# --- a slow tool ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class SlowTool:
    """A message for which the model calls the tool that takes ten seconds.

    ``progress`` is the first event that tells of it, ``waited`` the virtual seconds that had been
    skipped when it came, ``running`` whether the tool still ran then.
    """

    talk: Talk
    turn: Turn
    begun: Outcome[Stream]
    progress: ChatKitEvent | None
    waited: float
    running: bool
    ends: bool


async def play_slow_tool(talk: Talk) -> SlowTool:
    """Let the model call the tool, and stop the clock when its progress comes."""
    call = call_tool(TOOL, {"topic": talk.word("first")})
    turn = talk.script("first", call, say(*talk.chunks("first")))
    begun = await attempt(talk.chat.create(talk.message("first")))
    played = SlowTool(talk, turn, begun, None, 0.0, running=False, ends=False)
    if begun.finding is not None:
        return played
    progress = await _first_progress(begun.value)
    waited = talk.student.skipped_seconds
    await settle(talk)
    running = len(turn.requests) == 1
    if running and progress is not None:
        await attempt(talk.student.advance(10))
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

    talk: Talk
    heard: str
    given_up: bool
    items: Outcome[Reply]
    thread: Outcome[Reply]
    next: Outcome[Stream]
    items_after: Outcome[Reply]


async def play_left(talk: Talk) -> Left:
    """Go away mid-answer, under a server that tells the app so (ASGI 2.3, as uvicorn does)."""
    tokens = long_chunks(talk, "first")
    turn = talk.script("first", say_held(*tokens))
    stream = await talk.chat.create(talk.message("first"))
    await _hear(talk, turn, stream, tokens[:3])
    await stream.close()
    await settle(talk)
    await attempt(talk.student.advance(2))  # for a server that looks now and then
    await settle(talk)
    given_up = await _given_up(talk, turn)
    await turn.release_all()
    await settle(talk)
    return Left(
        talk=talk,
        heard=stream.text,
        given_up=given_up,
        items=await attempt(_items(talk, stream.thread_id)),
        thread=await attempt(talk.chat.get(stream.thread_id)),
        next=await attempt(_follow_up(talk, stream.thread_id, "second")),
        items_after=await attempt(_items(talk, stream.thread_id)),
    )


async def play_left_2_4(talk: Talk) -> Left:
    """Go away mid-answer, under a server whose ``send`` fails once the client is gone."""
    await talk.student.restart(spec_version="2.4")
    return await play_left(talk)


# --- a message into an answer ---------------------------------------------------------------------


@dataclass(frozen=True)
class Interrupted:
    """A second message while the answer to the first still streams.

    ``went_on`` says whether the first answer had outlived a message in another thread,
    ``given_up`` whether the call of the model for it was cancelled, ``ends`` whether its stream
    ended, ``old_whole`` whether the client got all of it.
    """

    talk: Talk
    went_on: bool
    new: Outcome[Stream]
    given_up: bool
    ends: bool
    old_whole: bool
    items: Outcome[Reply]


async def play_interrupted(talk: Talk) -> Interrupted:
    """Say a second message after three tokens of the first answer, one of them after another's."""
    tokens = long_chunks(talk, "first")
    turn = talk.script("first", say_held(*tokens))
    old = await talk.chat.create(talk.message("first"))
    await _hear(talk, turn, old, tokens[:2])
    talk.script("elsewhere")
    elsewhere = asyncio.ensure_future(attempt(_elsewhere(talk)))
    await settle(talk)
    [third] = await _hear(talk, turn, old, tokens[2:3])
    newer = talk.script("second")
    saying = asyncio.ensure_future(
        attempt(_follow_up(talk, old.thread_id, "second", scripted=True))
    )
    await settle(talk)
    if not newer.used:
        # A server may let the new answer wait for the old one: then the old one must go on.
        await turn.release_all()
    new = await saying
    await settle(talk)
    given_up = await _given_up(talk, turn)
    await turn.release_all()
    ends = await old.finish_or_leave()
    await elsewhere
    return Interrupted(
        talk=talk,
        went_on=third.came,
        new=new,
        given_up=given_up,
        ends=ends,
        old_whole=old.text == "".join(tokens),
        items=await attempt(_items(talk, old.thread_id)),
    )


async def _elsewhere(talk: Talk) -> None:
    """Say a message in another thread."""
    await (await talk.chat.create(talk.message("elsewhere"))).finish_or_leave()


# --- five messages at once ------------------------------------------------------------------------


@dataclass(frozen=True)
class Burst:
    """Five messages in one thread, each sent before any was answered; ``last`` is the fifth's.

    ``items`` are those of a thread in which the server had taken in each message before the next
    one came; ``items_at_once`` those of another one, in which all five came in one instant.
    """

    talk: Talk
    last: Outcome[Stream]
    items: Outcome[Reply]
    items_at_once: Outcome[Reply]


async def play_burst(talk: Talk) -> Burst:
    """Say one message, and then five; and the same again without a moment between them."""
    last, items = await _burst(talk, "", at_once=False)
    _, items_at_once = await _burst(talk, AT_ONCE, at_once=True)
    return Burst(talk, last, items, items_at_once)


async def _burst(
    talk: Talk, prefix: str, *, at_once: bool
) -> tuple[Outcome[Stream], Outcome[Reply]]:
    begun, _ = await talk.begin(f"{prefix}zero")
    names = [prefix + name for name in BURST]
    turns = [talk.script(name, say_held(*talk.chunks(name))) for name in names]
    asking: list[asyncio.Future[Outcome[Stream]]] = []
    for name in names:
        saying = attempt(talk.chat.say(begun.thread_id, talk.message(name)))
        asking.append(asyncio.ensure_future(saying))
        if not at_once:
            await settle(talk)
    for turn in turns:
        await turn.release_all()
    streams = await asyncio.gather(*asking)
    await asyncio.gather(
        *(stream.value.finish_or_leave() for stream in streams if stream.finding is None)
    )
    return streams[-1], await attempt(_items(talk, begun.thread_id))


# --- a model that fails half-way ------------------------------------------------------------------


@dataclass(frozen=True)
class FailedHalfWay:
    """An answer that the model broke off, and the retry that the client asked for."""

    talk: Talk
    stream: Stream
    ends: bool
    retried: Outcome[Stream]
    items: Outcome[Reply]


async def play_failures(talk: Talk) -> Mapping[str, Outcome[FailedHalfWay]]:
    """Let the model fail half-way in each way, each in a thread of its own, and try again."""
    return {
        name: await attempt(_failure(talk, f"{name}: first", failure))
        for name, failure in FAILURES.items()
    }


async def _failure(talk: Talk, name: str, failure: Step) -> FailedHalfWay:
    talk.script(name, failure)
    stream = await talk.chat.create(talk.message(name))
    ends = await stream.finish_or_leave()
    talk.script(name)
    return FailedHalfWay(
        talk=talk,
        stream=stream,
        ends=ends,
        retried=await attempt(_retry(talk, stream)),
        items=await attempt(_items(talk, stream.thread_id)),
    )


async def _retry(talk: Talk, failed: Stream) -> Stream:
    item = failed.user_item
    if item is None:
        raise Finding("The stream held no `thread.item.done` of the user's message.")
    stream = await talk.chat.retry(failed.thread_id, item.item_id)
    await stream.finish_or_leave()
    return stream


# --- what all use ---------------------------------------------------------------------------------


async def settle(talk: Talk) -> None:
    """Let the server do all that it has to do, and what follows from it."""
    for _ in range(_TURNS):
        await attempt(talk.student.settle())


async def _given_up(talk: Talk, turn: Turn) -> bool:
    """Whether the call was cancelled; some servers look only when the next token comes."""
    if not turn.cancelled:
        await turn.release()
        await settle(talk)
    return turn.cancelled


async def _items(talk: Talk, thread_id: str) -> Reply:
    return await talk.chat.items(thread_id, order="asc", limit=_MANY)


async def _follow_up(talk: Talk, thread_id: str, name: str, *, scripted: bool = False) -> Stream:
    if not scripted:
        talk.script(name)
    stream = await talk.chat.say(thread_id, talk.message(name))
    await stream.finish_or_leave()
    return stream
