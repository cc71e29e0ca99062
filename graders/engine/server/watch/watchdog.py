"""Tells a server that waits from one that hangs, by what it does and not by how long it takes.

A server that owes an answer is *stalled* when the kernel says that all its threads sleep and that
nothing has run from one look to the next, and its event loop says that it has nothing left to do,
several times in turn. The two are never asked at once: a question to the loop is work for it. A
timer that is still to fire (a back-off, a sleep) is not waited for: the virtual clock is moved to
it, at once where the one before was met by a server that did nothing else. What a server says only
to keep a connection alive is no progress, so the virtual time without progress is limited; once it
is over the clock stands still, and only what works in real time can still help. A server that
blocks its own event loop cannot answer; it is given some virtual time in case it sleeps, and then
what the kernel says counts, over more looks. Only when neither can be asked does a plain time limit
decide, and the finding says so. A server that neither works nor sleeps waits for the machine: that
is not decided here (``deadlines`` has the last word on it).

Must not know what is being waited for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from graders.engine.core.errors import Finding
from graders.engine.core.limits import WireLimits
from graders.engine.server.trouble import Blocked, RanAway, Stalled
from graders.engine.server.watch.partner import Partner, activity_with_partner
from graders.engine.server.watch.process_state import Activity

_LOOK_SECONDS = 0.02
_QUIET_ROUNDS = 8
"""Rounds in a row, each a look at the kernel and a question to the loop, until it is stalled.

About 1.2 s.
"""
_STILL_LOOKS = 6
"""Looks in a row that must show nothing before the next question in such a row.

While a question is open, what runs may be the answer to it, so nobody sees whether a thread woke
up as well. SQLite looks at a locked table every 100 ms at least (``sqliteDefaultBusyCallback``): so
much time must lie between two questions, or on a slow machine each of its looks may hide in one.
"""
_BLIND_ROUNDS = 250
"""The same where the kernel cannot be asked: ten seconds."""
_BLOCKED_LOOKS = 30
"""Looks in a row at a server that sleeps while something blocks its event loop."""
_KNOWN_BLOCKED_LOOKS = 3
"""The same at a server that was found blocked before, and whose loop has not answered since."""
_GRANT_LOOKS = 5
"""So many of them before it is given more virtual time, in case it is `time.sleep` that blocks."""
_EXACT_WAITS = 16
"""Timers in a row to which the clock is moved exactly; a server that sets more is polling.

From then on each move is an eighth of the time waited so far, if that is more: a server that looks
every millisecond for what never comes is known after a hundred moves, not after 120,000. All its
timers still fire, each at its own time.
"""
_LEAST_POLL_STRIDE = 0.01
"""Virtual seconds of each of these moves at least, even if it says that its timer is due now."""
_ASLEEP_LOOKS = 15
"""Looks in a row at a server that wakes up between them and is always asleep again.

Its event loop is asked then, too: a loop that looks for something every few milliseconds of real
time leaves no two looks alike. Only a timer nearer than ``_POLL_SECONDS`` shows that; any other
belongs to something that may be at work elsewhere, as SQLite is at a locked table.
"""
_POLL_SECONDS = 1.0
_MOST_WAITS = 10
"""So many times what it may wait without progress, an answer may wait in all."""
_LEAST_STRIDE = 0.25
"""Virtual seconds that such a server is moved on at least."""
_ADVANCE_SECONDS = 5.0
"""How long a move of the clock is waited for before the looks go on."""
_REACTION_TURNS = 50
"""Turns of the grader's own event loop in which client and scripted model react to what was said.

A token that has come lets the model give the next one: the clock must not be moved before that.
"""
_FALLS_ASLEEP_LOOKS = 5
_FALLS_ASLEEP_SECONDS = 0.001
"""Looks, and the time between them, until a server that has just answered must be asleep."""
_MOST_LOOKS = 6_000
"""Two minutes: the last resort against a server that says nothing, where the kernel does not."""


@dataclass
class _Observed:
    """What has been seen since either side last made progress; ``messages`` counts what did.

    ``still`` counts looks in a row that showed nothing, ``quiet`` rounds, ``blocked`` looks,
    ``waits`` the timers that were waited for, ``asleep`` looks in a row at a server that slept;
    ``polls`` says that it was asked because of these;
    ``pong`` is the question to the event loop that is open, ``grant`` the virtual time that a
    blocked server gets next, in seconds. ``virtual_seconds`` is what it was given since the last
    progress, ``answer_seconds`` since the last request; ``held`` says that both are used up, and
    that the clock stands still. ``only_timers`` says that it did nothing but wait for the last one.
    """

    requests: int
    messages: int
    first: Activity | None
    last: Activity | None = None
    pong: asyncio.Future[float | None] | None = None
    looks: int = 0
    waits: int = 0
    asleep: int = 0
    polls: bool = False
    still: int = 0
    quiet: int = 0
    blocked: int = 0
    grant: float = 1.0
    virtual_seconds: float = 0.0
    answer_seconds: float = 0.0
    held: bool = False
    only_timers: bool = False

    def wait_for_timer(self, seconds: float) -> None:
        """Note that the server was given so much virtual time."""
        self.virtual_seconds += seconds
        self.answer_seconds += seconds

    def look_again(self) -> None:
        """Forget what makes a verdict: somebody waits anew, though nothing has been said."""
        self.looks = self.asleep = self.still = self.quiet = self.blocked = 0
        self.polls = False
        self.grant = 1.0


class WatchedServer(Protocol):
    """The server that is watched, by what can be asked of it and done to it."""

    @property
    def awaited(self) -> bool:
        """Whether anybody waits for it."""

    @property
    def ready(self) -> bool:
        """Whether it has started."""

    @property
    def request_count(self) -> int:
        """How many requests were made."""

    @property
    def message_count(self) -> int:
        """How many messages made progress, in either direction: none of those below does."""

    def ping(self) -> asyncio.Future[float | None]:
        """Ask its event loop; the future's result is the seconds to its next timer."""

    def skip(self, seconds: float, *, hold: bool = False) -> asyncio.Future[float | None]:
        """Move its clock, and let it stand still if it is to ``hold``.

        The future's result is the seconds to the next timer.
        """

    def free(self, seconds: float) -> None:
        """Move its clock, so that a sleep which blocks its event loop ends."""

    def look(self) -> Exception | None:
        """Return what ends it for another reason."""


class Watchdog:
    """Watches one server, whose process is ``pid``, while somebody waits for it.

    ``partner`` is what works for it elsewhere.
    """

    def __init__(
        self, pid: int, limits: WireLimits, server: WatchedServer, partner: Partner | None = None
    ) -> None:
        self._pid = pid
        self._partner = partner
        self._limits = limits
        self._server = server
        self._observed: _Observed | None = None
        self._looked = 0.0
        self._unanswered: asyncio.Future[float | None] | None = None

    async def watch(self) -> Exception | None:
        """Return what ends the waiting: the server is stalled, runs away, or is ended.

        ``None`` if nobody waits any more. May be called again, whenever somebody waits.
        """
        try:
            self._take_up()
            return await self._watch()
        finally:
            self._let_go()

    async def _watch(self) -> Exception | None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if not self._server.awaited:
                return None
            if trouble := self._look_outside():
                return trouble
            observed = self._up_to_date()
            self._look(observed)
            if observed.pong is not None and observed.pong.done():
                await self._take_answer(observed, observed.pong.result())
            if finding := self._verdict(observed):
                return finding
            if observed.only_timers and (trouble := await self._meet_timers()):
                return trouble

    def _take_up(self) -> None:
        """Go on from what was seen before, if nothing has been said since."""
        before = self._observed
        if self._up_to_date() is before:
            before.look_again()
            self._recall(before)

    def seen(self) -> Activity | None:
        """Return what the server and its partner are doing; ``None`` as :func:`activity` does."""
        return activity_with_partner(self._pid, self._partner)

    def _up_to_date(self) -> _Observed:
        """Return what counts now: it begins anew with each progress, and with each request."""
        server, observed = self._server, self._observed
        said = (server.request_count, server.message_count)
        if observed is not None and (observed.requests, observed.messages) == said:
            return observed
        self._let_go()
        return self._observe_anew(observed)

    def _observe_anew(self, old: _Observed | None) -> _Observed:
        requests = self._server.request_count
        now = _Observed(requests, self._server.message_count, self.seen())
        if old is not None and old.requests == requests:
            now.answer_seconds = old.answer_seconds
            now.only_timers = old.only_timers
        self._recall(now)
        self._observed = now
        return now

    def _recall(self, observed: _Observed) -> None:
        """Begin near the end where the event loop has not run since it was found blocked."""
        if self._unanswered is not None and not self._unanswered.done():
            observed.pong = self._unanswered
            # It may have worked since, to tell in which line it is.
            observed.last = self.seen()
            observed.blocked = _BLOCKED_LOOKS - _KNOWN_BLOCKED_LOOKS

    def _let_go(self) -> None:
        """Let the clock run on, where it was held."""
        if self._observed is not None and self._observed.held:
            self._observed.held = False
            self._server.skip(0.0)

    def _look_outside(self) -> Exception | None:
        self._looked = asyncio.get_running_loop().time()
        return self._server.look()

    async def _meet_timers(self) -> Exception | None:
        """Move the clock from timer to timer, as long as the server does nothing but wait for them.

        Nothing is waited for here but the server's own answers, so a timer costs a millisecond.
        Whatever else is seen is left to the looks.
        """
        loop = asyncio.get_running_loop()
        while True:
            observed = await self._after_reactions()
            if observed.held or not self._server.awaited:
                return None
            if loop.time() - self._looked > _LOOK_SECONDS and (trouble := self._look_outside()):
                return trouble
            observed.pong = observed.pong or self._server.ping()
            await asyncio.wait({observed.pong}, timeout=_LOOK_SECONDS)
            if await self._after_reactions() is not observed:
                # Something was said meanwhile, so the answer may be of an earlier state.
                continue
            if observed.pong is None or not observed.pong.done() or not await self._sleeps():
                observed.only_timers = False
                return None
            next_timer = observed.pong.result()
            observed.pong = None
            if next_timer is None:
                observed.only_timers = False
                return None
            await self._move_to(observed, next_timer)

    async def _after_reactions(self) -> _Observed:
        """Let the grader's own side react to what has come."""
        for _ in range(_REACTION_TURNS):
            await asyncio.sleep(0)
        return self._up_to_date()

    async def _sleeps(self) -> bool:
        """Return whether all threads of the server are asleep, or are so in a moment."""
        for _ in range(_FALLS_ASLEEP_LOOKS):
            now = self.seen()
            if now is None or now.asleep:
                return now is not None
            await asyncio.sleep(_FALLS_ASLEEP_SECONDS)
        return False

    def _look(self, observed: _Observed) -> None:
        now = self.seen()
        still = now is not None and now.asleep and now == observed.last
        observed.looks += 1
        observed.still = observed.still + 1 if still else 0
        observed.asleep = observed.asleep + 1 if now is not None and now.asleep else 0
        observed.last = now
        if observed.pong is None:
            observed.polls = observed.asleep >= _ASLEEP_LOOKS and not still
            enough = _STILL_LOOKS if observed.quiet else 1
            if observed.polls or now is None or observed.still >= enough:
                observed.pong = self._server.ping()
            elif not still:
                observed.quiet = 0
        elif not observed.pong.done():
            observed.blocked = observed.blocked + 1 if still else 0
            self._grant(observed)

    async def _take_answer(self, observed: _Observed, next_timer: float | None) -> None:
        """Move on to the next timer, if there is one: the event loop has nothing left to do."""
        observed.pong = None
        observed.blocked = observed.asleep = 0
        if observed.polls and (next_timer is None or next_timer > _POLL_SECONDS):
            return
        if next_timer is None:
            observed.quiet += 1
            return
        await self._move_to(observed, next_timer)
        observed.only_timers = observed.last is not None and not observed.held

    async def _move_to(self, observed: _Observed, next_timer: float) -> None:
        """Move the clock to the next timer; where that is too far, hold it at the last moment."""
        if observed.held:
            observed.quiet += 1
            return
        left = self._left(observed)
        observed.quiet = 0
        observed.waits += 1
        observed.held = next_timer > left
        seconds = left if observed.held else min(max(next_timer, _stride(observed)), left)
        observed.wait_for_timer(seconds)
        moved = self._server.skip(seconds, hold=observed.held)
        await asyncio.wait({moved}, timeout=_ADVANCE_SECONDS)

    def _left(self, observed: _Observed) -> float:
        """Return how much virtual time the server may still be given."""
        limit = self._limits.answer_clock_seconds
        return max(
            0.0,
            min(limit - observed.virtual_seconds, _MOST_WAITS * limit - observed.answer_seconds),
        )

    def _grant(self, observed: _Observed) -> None:
        """Let a `time.sleep` that blocks the event loop end; what it does not need is little."""
        seconds = min(observed.grant, self._left(observed))
        if observed.blocked % _GRANT_LOOKS != _GRANT_LOOKS - 1 or seconds <= 0:
            return
        observed.grant *= 2
        observed.wait_for_timer(seconds)
        self._server.free(seconds)

    def _verdict(self, observed: _Observed) -> Finding | None:
        limits = self._limits
        if observed.quiet >= (_QUIET_ROUNDS if observed.last else _BLIND_ROUNDS):
            return Stalled(_told_quiet(observed, limits))
        if observed.blocked >= _BLOCKED_LOOKS:
            self._unanswered = observed.pong
            return Blocked(
                "the server's event loop is blocked: a call in it waits and lets nothing else run"
            )
        most = limits.answer_cpu_seconds if self._server.ready else limits.start_cpu_seconds
        if _cpu_since(observed) > most * 1_000_000_000:
            return RanAway(f"the server computed for {most:,} s without an answer")
        if observed.last is None and observed.looks > _MOST_LOOKS:
            return Stalled("the server gave no answer within the last-resort limit of two minutes")
        return None


def _stride(observed: _Observed) -> float:
    """Return the virtual seconds that a server which keeps setting timers is moved on at least."""
    if observed.polls:
        return max(_LEAST_STRIDE, observed.virtual_seconds / 4)
    if observed.waits <= _EXACT_WAITS:
        return 0.0
    return max(_LEAST_POLL_STRIDE, observed.virtual_seconds / 8)


def _told_quiet(observed: _Observed, limits: WireLimits) -> str:
    if observed.held:
        return (
            f"the server only waits for timers, for more than {limits.answer_clock_seconds:,} s of "
            "its clock, and the answer is not complete"
        )
    return "the server has nothing left to do, and the answer is not complete"


def _cpu_since(observed: _Observed) -> int:
    if observed.first is None or observed.last is None:
        return 0
    return observed.last.cpu_ns - observed.first.cpu_ns
