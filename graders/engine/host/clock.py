"""The virtual clock of the student's process; only the grader moves it.

While nothing is moved, time runs as usual. A move goes from timer to timer: the clock stands still
at each due time until the event loop and its threads have done what they do then, so a program
sees the same times as if it had really waited, to the nanosecond. ``perf_counter`` stays real, so
that costs can be measured. Must not know the wire or why the grader moves the clock.

What does not follow the clock, because nothing in Python can make it: waits with a timeout on
locks and queues between threads, and the clock of a database server. SQLite follows (``sql_time``).
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from fractions import Fraction

from graders.engine.host.dial import NANOSECONDS, Dial
from graders.engine.host.sql_time import SQLITES_WAIT, SqlTime
from graders.engine.host.workers import Job, Workers, replace

# asyncio fires a timer that is less than this ahead (the resolution of the monotonic clock).
_RESOLUTION = 1e-9
# Consecutive turns of the loop with nothing ready that count as quiet: one for what a callback
# schedules, one for what arrives by a descriptor, one to be sure.
_QUIET_TURNS = 3
# Turns that a loop may take to become quiet. One that never does (a task spinning on sleep(0))
# is met with less patience from then on.
_PATIENT_TURNS = 20_000
_IMPATIENT_TURNS = 50
# How long a job in a thread is waited for: 1,000 looks, 0.1 ms apart.
_POLLS = 1_000
_POLL_SECONDS = 0.0001
# Timers that one advance meets exactly. A program that polls would make a day of millions of
# them: the rest of the way is then made in this many equal strides, as after a laptop's sleep.
_EXACT_STEPS = 10_000
_STRIDES = 1_000
# threading refuses much longer waits; a sleeper looks again after that.
_LONGEST_WAIT = 3_600.0

# Taken at import, before any clock is installed.
_real_sleep = time.sleep


@dataclass(eq=False)
class _Sleeper:
    """A thread in ``time.sleep``; ``due`` in nanoseconds of the virtual monotonic clock."""

    due: int
    job: Job


class VirtualClock:
    """The time of one process with one event loop, in the thread that calls :meth:`install`.

    ``pump(timeout)`` is called, again and again, while ``time.sleep`` blocks the loop's own
    thread: it blocks for at most ``timeout`` seconds and may call :meth:`grant` meanwhile.
    ``lock_seconds`` is how long SQLite, which pauses in real time, may wait for a lock.
    """

    def __init__(self, *, lock_seconds: float = SQLITES_WAIT) -> None:
        self._lock_seconds = lock_seconds
        self.pump: Callable[[float], None] = _real_sleep
        self._dial = Dial()
        self._goal = 0
        self._stopped = False
        self._moved = threading.Condition()
        self._sleepers: list[_Sleeper] = []
        self._workers = Workers()
        self._loop_thread = 0
        self._watchers = 0
        self._impatient = False
        self._undo = ExitStack()

    def install(self) -> None:
        """Put this process on the virtual clock; dates follow with the first move."""
        self._loop_thread = threading.get_ident()
        self._dial = Dial()
        replace(self._undo, time, "monotonic", self.monotonic)
        replace(self._undo, time, "monotonic_ns", self.monotonic_ns)
        replace(self._undo, time, "sleep", self.sleep)
        self._workers.install(self._undo)
        SqlTime(self._dial.wall_ns, longest_wait=self._lock_seconds).install(self._undo)

    def uninstall(self) -> None:
        """Give the process its real time back, and wake all threads that sleep."""
        self._undo.close()
        with self._moved:
            self._wake(self._sleepers)
        self._release()

    def now(self) -> float:
        """Virtual seconds since the Unix epoch."""
        return self._dial.wall_ns() / NANOSECONDS

    @property
    def stands_still(self) -> bool:
        """Whether time stands still until the grader moves it."""
        return self._dial.held

    def monotonic(self) -> float:
        """Stand in for ``time.monotonic``."""
        return self._dial.monotonic_ns() / NANOSECONDS

    def monotonic_ns(self) -> int:
        """Stand in for ``time.monotonic_ns``."""
        return self._dial.monotonic_ns()

    def sleep(self, seconds: float, /) -> None:
        """Stand in for ``time.sleep``: until the clock shows so much more, moved or by itself."""
        if not seconds > 0 or math.isinf(seconds):
            _real_sleep(seconds)  # knows how to complain
            return
        due = self._dial.monotonic_ns() + round(seconds * NANOSECONDS)
        if threading.get_ident() == self._loop_thread:
            self._block_loop(due)
        else:
            self._sleep_in_thread(_Sleeper(due, self._workers.here()))

    def working(self) -> AbstractContextManager[object]:
        """Mark work outside the loop, for whose end the clock is to wait (for 0.1 s at most)."""
        return self._workers.working()

    def grant(self, seconds: float) -> None:
        """Allow the clock to move ``seconds`` further; :meth:`advance` then makes the way.

        To be called as soon as the grader's order has arrived: a ``time.sleep`` that blocks the
        loop takes from the grant what it needs, since :meth:`advance` cannot run meanwhile.
        """
        if not 0 <= seconds < math.inf:
            message = f"a clock cannot be moved by {seconds} seconds"
            raise ValueError(message)
        self._dial.lead_dates(self._undo)
        with self._moved:
            self._dial.turn_to(0)
            self._goal = max(self._goal, self._dial.monotonic_ns()) + round(seconds * NANOSECONDS)

    async def advance(self, seconds: float = 0.0, *, stop: bool = False) -> None:
        """Move the clock by ``seconds`` and by what was granted, from timer to timer.

        Returns with all done that was due by then, and time running on from there, or standing
        still until the next move.
        """
        self.grant(seconds)
        try:
            await self.quiet()
            await self._walk()
            self._move_to(self._goal)
        finally:
            self._stopped = stop
            if not stop:
                self._release()

    async def quiet(self) -> None:
        """Return when the loop only waits for descriptors, timers or threads that sleep.

        A loop that never rests, or a thread that works on, is waited for within bounds.
        """
        self._watchers += 1
        try:
            self._impatient = not await self._settled()
        finally:
            self._watchers -= 1

    def next_timer(self) -> float | None:
        """Seconds until the next timer of the running loop, or the end of a thread's sleep."""
        due = self._next_due()
        return None if due is None else max(0, due - self._dial.monotonic_ns()) / NANOSECONDS

    async def _walk(self) -> None:
        stride = (self._goal - self._dial.monotonic_ns()) // _STRIDES + 1
        for step in range(_EXACT_STEPS + _STRIDES):
            due = self._next_due()
            if due is None or due > self._goal:
                return
            now = self._dial.monotonic_ns()
            # A timer still due although the loop was given its turns: it is set anew each time.
            if step >= _EXACT_STEPS or due <= now:
                due = max(due, now + stride)
            self._move_to(min(due, self._goal))
            await self.quiet()

    async def _settled(self) -> bool:
        loop = asyncio.get_running_loop()
        still = polls = 0
        for _ in range(_IMPATIENT_TURNS if self._impatient else _PATIENT_TURNS):
            await asyncio.sleep(0)
            if _ready_count(loop) >= self._watchers:
                still = 0
            elif self._workers.busy():
                still = 0
                polls += 1
                self._poll_workers(polls)
            else:
                still += 1
            if still == _QUIET_TURNS:
                return True
        return False

    def _poll_workers(self, polls: int) -> None:
        if polls > _POLLS:
            self._workers.give_up()
        else:
            _real_sleep(_POLL_SECONDS)

    def _next_due(self) -> int | None:
        timer = _next_timer(asyncio.get_running_loop())
        dues = [sleeper.due for sleeper in tuple(self._sleepers)]
        if timer is not None and math.isfinite(timer):
            dues.append(_ns_that_fires(timer))
        return min(dues, default=None)

    def _move_to(self, ns: int) -> None:
        with self._moved:
            self._dial.turn_to(ns)
            now = self._dial.monotonic_ns()
            self._wake([sleeper for sleeper in self._sleepers if sleeper.due <= now])

    def _release(self) -> None:
        with self._moved:
            self._dial.release()
            self._moved.notify_all()

    def _wake(self, sleepers: list[_Sleeper]) -> None:
        """End these sleeps; their jobs count as running at once, before the threads come round."""
        for sleeper in tuple(sleepers):
            self._sleepers.remove(sleeper)
            sleeper.job.asleep = False
        self._moved.notify_all()

    def _sleep_in_thread(self, sleeper: _Sleeper) -> None:
        with self._moved:
            self._sleepers.append(sleeper)
            sleeper.job.asleep, sleeper.job.stuck = True, False
            while sleeper in self._sleepers:
                left = sleeper.due - self._dial.monotonic_ns()
                if self._dial.held:
                    self._moved.wait()
                elif left > 0:
                    self._moved.wait(min(left / NANOSECONDS, _LONGEST_WAIT))
                else:
                    self._wake([sleeper])

    def _block_loop(self, due: int) -> None:
        """Sleep in the loop's own thread, where nothing else can run, so one stride will do.

        A clock that the grader has stopped stays so, until it grants more: see :meth:`advance`.
        """
        while (now := self._dial.monotonic_ns()) < due:
            if now < self._goal:
                self._move_to(min(due, self._goal))
            elif self._stopped:
                self.pump(_LONGEST_WAIT)
            else:
                self._release()
                self.pump((due - now) / NANOSECONDS)


def _ready_count(loop: asyncio.AbstractEventLoop) -> int:
    # asyncio has no public way to ask whether callbacks wait to be run. The name has been the
    # same in every release of the pure Python loops.
    return len(loop._ready)  # type: ignore[attr-defined]  # noqa: SLF001 - see above


def _next_timer(loop: asyncio.AbstractEventLoop) -> float | None:
    # Nor is there a public list of timers. It is a heap, from whose top asyncio itself removes
    # the cancelled ones, so that the slow way is rare.
    timers: list[asyncio.TimerHandle] = loop._scheduled  # type: ignore[attr-defined]  # noqa: SLF001 - see above
    if timers and not timers[0].cancelled():
        return timers[0].when()
    return min((timer.when() for timer in timers if not timer.cancelled()), default=None)


def _ns_that_fires(when: float) -> int:
    """Return the time nearest to ``when`` at which asyncio fires a timer set for ``when``.

    The loop compares floats, whose steps after months of uptime are coarser than a nanosecond;
    those of a timer that is set for ever (``sys.maxsize`` seconds) are many minutes.
    """
    if math.ulp(when) * NANOSECONDS > 1:
        return math.ceil(Fraction(math.nextafter(when, math.inf)) * NANOSECONDS)
    ns = round(when * NANOSECONDS)
    while ns / NANOSECONDS + _RESOLUTION <= when:
        ns += 1
    return ns
