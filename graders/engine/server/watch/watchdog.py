"""Tells a server that waits from one that hangs, by what it does and not by how long it takes.

A server that owes an answer is *stalled* when the kernel says that all its threads sleep and that
nothing has run from one look to the next, and its event loop says that it has nothing left to do,
several times in turn. The two are never asked at once: a question to the loop is work for it. A
timer that is still to fire (a back-off, a sleep) is not waited for: the virtual clock is moved to
it. A server that blocks its own event loop cannot answer; it is given some virtual time in case it
sleeps, and then what the kernel says counts, over more looks. Only when neither can be asked does a
plain time limit decide, and the finding says so. A server that neither works nor sleeps waits for
the machine: that is not decided here (``deadlines`` has the last word on it).

Must not know what is being waited for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from graders.engine.core.errors import Finding
from graders.engine.core.limits import WireLimits
from graders.engine.server.trouble import RanAway, Stalled
from graders.engine.server.watch.process_state import Activity, activity

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
_GRANT_LOOKS = 5
"""So many of them before it is given more virtual time, in case it is `time.sleep` that blocks."""
_EXACT_WAITS = 16
"""Timers in a row to which the clock is moved exactly; a server that sets more is polling.

From then on each move is an eighth of the time waited so far, if that is more: a server that looks
every millisecond for what never comes is known after a hundred moves, not after 120,000. All its
timers still fire, each at its own time.
"""
_ASLEEP_LOOKS = 15
"""Looks in a row at a server that wakes up between them and is always asleep again.

Its event loop is asked then, too: a loop that looks for something every few milliseconds of real
time leaves no two looks alike. Only a timer nearer than ``_POLL_SECONDS`` shows that; any other
belongs to something that may be at work elsewhere, as SQLite is at a locked table.
"""
_POLL_SECONDS = 1.0
_LEAST_STRIDE = 0.25
"""Virtual seconds that such a server is moved on at least."""
_ADVANCE_SECONDS = 5.0
"""How long a move of the clock is waited for before the looks go on."""
_MOST_LOOKS = 6_000
"""Two minutes: the last resort against a server that says nothing, where the kernel does not."""


@dataclass
class _Observed:
    """What has been seen since either side last said anything; ``messages`` counts what was said.

    ``still`` counts looks in a row that showed nothing, ``quiet`` rounds, ``blocked`` looks,
    ``waits`` the timers that were waited for, ``asleep`` looks in a row at a server that slept;
    ``polls`` says that it was asked because of these;
    ``pong`` is the question to the event loop that is open, ``grant`` the virtual time that a
    blocked server gets next, in seconds; ``out_of_time`` says that its next timer is too far away.
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
    out_of_time: bool = False


class WatchedServer(Protocol):
    """The server that is watched, by what can be asked of it and done to it."""

    @property
    def awaited(self) -> bool:
        """Whether anybody waits for it."""

    @property
    def request_count(self) -> int:
        """How many requests were made."""

    @property
    def message_count(self) -> int:
        """How many messages went in either direction, other than those of the next two."""

    def ping(self) -> asyncio.Future[float | None]:
        """Ask its event loop; the future's result is the seconds to its next timer."""

    def skip(self, seconds: float) -> asyncio.Future[float | None]:
        """Move its clock; the future's result is the seconds to the next timer."""

    def free(self, seconds: float) -> None:
        """Move its clock, so that a sleep which blocks its event loop ends."""

    def look(self) -> Exception | None:
        """Return what ends it for another reason."""


class Watchdog:
    """Watches one server, whose process is ``pid``, while somebody waits for it."""

    def __init__(self, pid: int, limits: WireLimits, server: WatchedServer) -> None:
        self._pid = pid
        self._limits = limits
        self._server = server

    async def watch(self) -> Exception | None:
        """Return what ends the waiting: the server is stalled, runs away, or is ended.

        ``None`` if nobody waits any more.
        """
        observed = self._observe_anew()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if not self._server.awaited:
                return None
            if trouble := self._server.look():
                return trouble
            if observed.messages != self._server.message_count:
                observed = self._observe_anew(observed)
            self._look(observed)
            if observed.pong is not None and observed.pong.done():
                await self._take_answer(observed, observed.pong.result())
            if finding := self._verdict(observed):
                return finding

    def _observe_anew(self, old: _Observed | None = None) -> _Observed:
        requests = self._server.request_count
        spent = old.virtual_seconds if old is not None and old.requests == requests else 0.0
        return _Observed(
            requests, self._server.message_count, activity(self._pid), virtual_seconds=spent
        )

    def _look(self, observed: _Observed) -> None:
        now = activity(self._pid)
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
        left = self._limits.answer_clock_seconds - observed.virtual_seconds
        if next_timer > left:
            observed.out_of_time = True
            observed.quiet += _QUIET_ROUNDS if observed.polls else 1
            return
        observed.quiet = 0
        observed.waits += 1
        seconds = min(max(next_timer, _stride(observed)), left)
        observed.virtual_seconds += seconds
        await asyncio.wait({self._server.skip(seconds)}, timeout=_ADVANCE_SECONDS)

    def _grant(self, observed: _Observed) -> None:
        """Let a `time.sleep` that blocks the event loop end; what it does not need is little."""
        left = self._limits.answer_clock_seconds - observed.virtual_seconds
        seconds = min(observed.grant, left)
        if observed.blocked % _GRANT_LOOKS != _GRANT_LOOKS - 1 or seconds <= 0:
            return
        observed.grant *= 2
        observed.virtual_seconds += seconds
        self._server.free(seconds)

    def _verdict(self, observed: _Observed) -> Finding | None:
        limits = self._limits
        if observed.quiet >= (_QUIET_ROUNDS if observed.last else _BLIND_ROUNDS):
            return Stalled(_told_quiet(observed, limits))
        if observed.blocked >= _BLOCKED_LOOKS:
            return Stalled(
                "the server's event loop is blocked: a call in it waits and lets nothing else run"
            )
        if _cpu_since(observed) > limits.answer_cpu_seconds * 1_000_000_000:
            return RanAway(
                f"the server computed for {limits.answer_cpu_seconds:,} s without an answer"
            )
        if observed.last is None and observed.looks > _MOST_LOOKS:
            return Stalled("the server gave no answer within the last-resort limit of two minutes")
        return None


def _stride(observed: _Observed) -> float:
    """Return the virtual seconds that a server which keeps setting timers is moved on at least."""
    if observed.polls:
        return max(_LEAST_STRIDE, observed.virtual_seconds / 4)
    return observed.virtual_seconds / 8 if observed.waits > _EXACT_WAITS else 0.0


def _told_quiet(observed: _Observed, limits: WireLimits) -> str:
    if observed.out_of_time:
        return (
            f"the server only waits for timers, for more than {limits.answer_clock_seconds:,} s of "
            "its clock, and the answer is not complete"
        )
    return "the server has nothing left to do, and the answer is not complete"


def _cpu_since(observed: _Observed) -> int:
    if observed.first is None or observed.last is None:
        return 0
    return observed.last.cpu_ns - observed.first.cpu_ns
