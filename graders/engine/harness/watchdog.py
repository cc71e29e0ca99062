"""Tells waiting from hanging, by what the server does and not by how long it takes.

A server that owes an answer is *stalled* when its event loop says that it has nothing left to do,
the kernel says that all its threads sleep, and nothing changes from one look to the next. A timer
that is still to fire (a back-off, a sleep) is not waited for: the virtual clock is moved to it. A
server that blocks its own event loop cannot answer; then the kernel's word is taken, over more
looks. Only when neither can be asked does a plain time limit decide, and the finding says so.

Must not know what is being waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from graders.engine.core.errors import Finding
from graders.engine.harness.process_state import Activity, activity
from graders.engine.harness.trouble import RanAway, Stalled

_LOOK_SECONDS = 0.02
_QUIET_LOOKS = 3
"""Looks in a row with a quiet event loop and sleeping threads before a server is stalled."""
_BLOCKED_LOOKS = 30
"""The same for a server that does not answer because something blocks its event loop."""
_BLIND_LOOKS = 500
"""The same where the kernel cannot be asked: ten seconds."""
_MOST_VIRTUAL_SECONDS = 300.0
"""How far the clock is moved for one answer; openai's back-offs stay far below it."""
_MOST_CPU_NS = 15_000_000_000
_MOST_LOOKS = 6_000
"""Two minutes: the last resort against a server that neither works nor sleeps."""


@dataclass
class _Patience:
    """What has been seen since the server last said anything."""

    looks: int = 0
    quiet: int = 0
    blocked: int = 0
    virtual_seconds: float = 0.0
    first: Activity | None = None
    last: Activity | None = None


class Watchdog:
    """Watches one server while somebody waits for it.

    ``waiting`` says whether anybody still does, ``heard`` counts the frames that came (other than
    its own answers), ``ping`` asks the event loop and gives the seconds to its next timer,
    ``advance`` moves its clock.
    """

    def __init__(
        self,
        pid: int,
        *,
        waiting: Callable[[], bool],
        heard: Callable[[], int],
        ping: Callable[[], asyncio.Future[float | None]],
        advance: Callable[[float], Awaitable[object]],
    ) -> None:
        self._pid = pid
        self._waiting = waiting
        self._heard = heard
        self._ping = ping
        self._advance = advance

    async def watch(self) -> Finding | None:
        """Return the finding once the server is stalled or runs away; ``None`` if nobody waits."""
        patience = _Patience(first=activity(self._pid))
        heard = self._heard()
        pong: asyncio.Future[float | None] | None = None
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if not self._waiting():
                return None
            if self._heard() != heard:
                heard, pong = self._heard(), None
                patience = _Patience(
                    virtual_seconds=patience.virtual_seconds, first=activity(self._pid)
                )
                continue
            pong = pong or self._ping()
            if finding := self._look(patience, pong):
                return finding
            if pong.done():
                await self._skip_to_timer(patience, pong.result())
                pong = None

    def _look(self, patience: _Patience, pong: asyncio.Future[float | None]) -> Finding | None:
        now = activity(self._pid)
        still = now is not None and now.asleep and now == patience.last
        patience.looks += 1
        patience.last = now
        if pong.done():
            patience.blocked = 0
            patience.quiet = patience.quiet + 1 if still or now is None else 0
        else:
            patience.blocked = patience.blocked + 1 if still else 0
        return _verdict(patience, pong)

    async def _skip_to_timer(self, patience: _Patience, next_timer: float | None) -> None:
        if next_timer is None or patience.quiet < 1:
            return
        if patience.virtual_seconds + next_timer > _MOST_VIRTUAL_SECONDS:
            return
        patience.quiet = 0
        patience.virtual_seconds += next_timer
        await self._advance(next_timer)


def _verdict(patience: _Patience, pong: asyncio.Future[float | None]) -> Finding | None:
    if pong.done() and patience.quiet >= (_QUIET_LOOKS if patience.last else _BLIND_LOOKS):
        return Stalled("the server has nothing left to do, and the answer is not complete")
    if patience.blocked >= _BLOCKED_LOOKS:
        return Stalled(
            "the server's event loop is blocked: a call in it waits and lets nothing else run"
        )
    used = _cpu_since(patience)
    if used > _MOST_CPU_NS:
        return RanAway(f"the server computed for {used // 1_000_000_000} s without an answer")
    if patience.looks > _MOST_LOOKS:
        return Stalled("the server gave no answer within the last-resort limit of two minutes")
    return None


def _cpu_since(patience: _Patience) -> int:
    if patience.first is None or patience.last is None:
        return 0
    return patience.last.cpu_ns - patience.first.cpu_ns
