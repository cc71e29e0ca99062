"""The scenarios of lesson03 in which an answer streams, token by token.

No time is waited for: a token is released when the one before has come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graders.engine.harness import (
    Outcome,
    Said,
    Scene,
    Stalled,
    Stream,
    Turn,
    attempt,
    recorded_as,
    say,
    say_held,
)
from graders.lesson03.awkward import CASES, Awkward


@recorded_as("plain")
async def play_plain(scene: Scene) -> Said:
    """Say a first message, which the model answers without a pause."""
    return await scene.say("first")


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


@recorded_as("delays")
async def play_delays(scene: Scene) -> LockStep:
    """Hear an answer token by token while the server's clock stands still, to see it wait.

    So a wait is known exactly: no real time passes on the server's clock.
    """
    tokens = long_chunks(scene, "first")
    turn = scene.script("first", say_held(*tokens))
    begun = await attempt(scene.send("first"))
    arrivals: list[Arrival] = []
    if begun.finding is None:
        for token in tokens:
            await attempt(scene.student.stop_clock())
            arrivals += await hear(scene, turn, begun.value, [token])
        await turn.release_all()
        await begun.value.finish_or_leave()
    return LockStep(begun, tuple(arrivals), "".join(tokens), ends=begun.finding is None)


def long_chunks(scene: Scene, name: str) -> tuple[str, ...]:
    """Return an answer of eight tokens with words of its own.

    No token has spaces: what becomes of those is judged where tokens are awkward.
    """
    word = scene.canary.word(f"{name} answer")
    return ("It-is-", word, "-I-", "would-", "say-", "and-", "no-", "more.")


async def _in_lock_step(scene: Scene, name: str, tokens: Sequence[str]) -> LockStep:
    turn = scene.script(name, say_held(*tokens))
    begun = await attempt(scene.send(name))
    if begun.finding is not None:
        return LockStep(begun, (), "".join(tokens), ends=False)
    arrivals = await hear(scene, turn, begun.value, tokens)
    await turn.release_all()
    ends = await begun.value.finish_or_leave()
    return LockStep(begun, arrivals, "".join(tokens), ends)


async def hear(
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
    """Hear answers of awkward tokens, each in a thread of its own.

    The bytes of the model's stream are cut anywhere, as by a network.
    """
    scene.model.cut_streams(scene.canary.seed)
    return {name: await _awkward(scene, name, case) for name, case in CASES.items()}


async def _awkward(scene: Scene, name: str, case: Awkward) -> LockStep:
    if case.held:
        played = await _in_lock_step(scene, name, case.tokens)
        if played.begun.finding is None:
            return played
        # A server that holds everything back has its text judged all the same.
        name = f"{name} in a row"
    said = await scene.say(name, None, say(*case.tokens))
    return LockStep(said.begun, (), case.text, said.ends)
