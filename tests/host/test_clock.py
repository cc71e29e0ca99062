"""The virtual clock: all times agree, and everything happens at the time it was set for.

Each test runs its own event loop under its own clock; none of them waits for real time.
"""

import asyncio
import concurrent.futures
import itertools
import math
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import aiosqlite
import anyio
import anyio.to_thread
import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.engine.host import clock as clock_module
from graders.engine.host.clock import VirtualClock

HOUR = 3_600
DAY = 24 * HOUR


T = TypeVar("T")


def play(story: Callable[[VirtualClock], Awaitable[T]]) -> T:
    """Run ``story`` in a fresh loop under a fresh clock."""
    clock = VirtualClock()

    async def run() -> T:
        clock.install()
        return await story(clock)

    try:
        return asyncio.run(run())
    finally:
        clock.uninstall()


class Log:
    """What happened, and how many seconds after ``start`` was called."""

    def __init__(self) -> None:
        self.entries: list[tuple[float, str]] = []
        self._start_ns = 0

    def start(self) -> None:
        """Count seconds from now."""
        self._start_ns = time.monotonic_ns()

    def add(self, name: str = "") -> None:
        """Note that something happened now."""
        self.entries.append(((time.monotonic_ns() - self._start_ns) / 1e9, name))

    @property
    def times(self) -> list[float]:
        """Give the seconds of all entries."""
        return [when for when, _ in self.entries]


async def advance_with(
    clock: VirtualClock, seconds: float, story: Callable[[Log], Awaitable[object]]
) -> Log:
    """Start ``story`` one second into an advance, where the clock stands still: times are exact."""
    log = Log()
    tasks: list[asyncio.Task[object]] = []

    async def begin() -> object:
        log.start()
        return await story(log)

    def spawn() -> None:
        tasks.append(asyncio.get_running_loop().create_task(begin()))

    asyncio.get_running_loop().call_later(1, spawn)
    await clock.advance(1 + seconds + 0.001)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return log


def test_times_all_agree_at_each_moment() -> None:
    async def story(clock: VirtualClock) -> list[tuple[int, ...]]:
        readings: list[tuple[int, ...]] = []

        def read() -> None:
            wall = time.time_ns()
            date = datetime.now(UTC)
            micros = int(date.timestamp()) * 1_000_000 + date.microsecond
            seconds = int(time.mktime(time.localtime()))
            readings.append((wall - time.monotonic_ns(), wall // 1000 - micros))
            readings.append((int(time.time()) - seconds, int(clock.now()) - wall // 10**9))
            assert time.strftime("%H:%M", time.gmtime()) == date.strftime("%H:%M")

        asyncio.get_running_loop().call_later(HOUR, read)
        asyncio.get_running_loop().call_later(DAY, read)
        await clock.advance(2 * DAY)
        return readings

    first, second, third, fourth = play(story)
    assert first == third
    assert first[1] == 0
    assert second == fourth == (0, 0)


def test_dates_move_as_far_as_the_clock() -> None:
    async def story(clock: VirtualClock) -> tuple[float, float, float]:
        wall, mono, date = time.time(), time.monotonic(), datetime.now(UTC)
        await clock.advance(30 * DAY)
        moved = datetime.now(UTC) - date
        return time.time() - wall, time.monotonic() - mono, moved.total_seconds()

    assert [moved // DAY for moved in play(story)] == [30, 30, 30]


def test_dates_are_left_alone_until_the_first_move() -> None:
    async def story(clock: VirtualClock) -> tuple[bool, bool]:
        before = time_machine.escape_hatch.is_travelling()
        await clock.advance(1)
        return before, time_machine.escape_hatch.is_travelling()

    assert play(story) == (False, True)


def test_uninstall_gives_back_everything_it_took() -> None:
    def doors() -> list[object]:
        connection = aiosqlite.Connection
        return [
            *(time.monotonic, time.monotonic_ns, time.sleep, anyio.to_thread.run_sync),
            *(asyncio.BaseEventLoop.run_in_executor, connection.close, connection._execute),
        ]

    async def story(clock: VirtualClock) -> list[object]:
        await clock.advance(1)
        return doors()

    before = doors()
    assert not set(play(story)) & set(before)
    assert doors() == before
    assert not time_machine.escape_hatch.is_travelling()


def test_perf_counter_stays_real() -> None:
    before = time.perf_counter

    async def story(clock: VirtualClock) -> float:
        start = time.perf_counter()
        await clock.advance(DAY)
        return time.perf_counter() - start

    assert play(story) < DAY
    assert time.perf_counter is before


def test_names_imported_from_time_follow() -> None:
    async def story(clock: VirtualClock) -> float:
        from time import monotonic, sleep

        start = monotonic()
        clock.grant(HOUR)
        sleep(HOUR)  # noqa: ASYNC251 - the student's blocking call
        return monotonic() - start

    assert play(story) == pytest.approx(HOUR, abs=1)


def test_advance_ten_sleeps_in_a_row_see_every_second() -> None:
    async def sleeps(log: Log) -> None:
        for _ in range(10):
            await asyncio.sleep(1)
            log.add()

    log = play(lambda clock: advance_with(clock, 10, sleeps))
    assert log.times == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_a_stopped_clock_stands_still_until_it_is_moved() -> None:
    async def story(clock: VirtualClock) -> tuple[set[int], bool]:
        await clock.advance(HOUR, stop=True)
        shown = set()
        for _ in range(1_000):
            await asyncio.sleep(0)
            shown.add(time.time_ns())
        await clock.advance(1)
        later = time.time_ns()
        return shown, later < time.time_ns()

    shown, runs_on = play(story)
    assert len(shown) == 1
    assert runs_on


def test_advance_stops_short_of_later_timers() -> None:
    async def sleeps(log: Log) -> None:
        for _ in range(10):
            await asyncio.sleep(1)
            log.add()

    assert play(lambda clock: advance_with(clock, 4, sleeps)).times == [1, 2, 3, 4]


def test_advance_in_parts_is_the_same_as_at_once() -> None:
    async def story(clock: VirtualClock) -> list[int]:
        done: list[int] = []
        loop = asyncio.get_running_loop()
        for second in range(1, 11):
            loop.call_later(second, done.append, second)
        seen = []
        for _ in range(5):
            await clock.advance(2)
            seen.append(len(done))
        return seen

    assert play(story) == [2, 4, 6, 8, 10]


def test_advance_timeouts_fire_at_their_time() -> None:
    async def waits(log: Log) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 2)
        log.add("wait_for")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await asyncio.Event().wait()
        log.add("timeout")
        with anyio.move_on_after(4):
            await anyio.sleep_forever()
        log.add("move_on_after")
        await asyncio.wait_for(anyio.sleep(1), 2)
        log.add("anyio.sleep")

    log = play(lambda clock: advance_with(clock, 10, waits))
    expected = [(2, "wait_for"), (5, "timeout"), (9, "move_on_after"), (10, "anyio.sleep")]
    assert log.entries == expected


def test_advance_passes_over_cancelled_timers() -> None:
    async def story(clock: VirtualClock) -> tuple[list[str], float | None, float | None]:
        loop = asyncio.get_running_loop()
        happened: list[str] = []
        loop.call_later(1, happened.append, "cancelled").cancel()
        loop.call_later(100, happened.append, "kept")
        before = clock.next_timer()
        await clock.advance(100)
        return happened, before, clock.next_timer()

    happened, before, after = play(story)
    assert happened == ["kept"]
    assert before is not None
    assert 1 < before <= 100
    assert after is None


def test_advance_a_day_takes_few_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    moves = itertools.count()
    original = VirtualClock._move_to
    monkeypatch.setattr(
        VirtualClock, "_move_to", lambda self, ns: (next(moves), original(self, ns))
    )

    async def story(clock: VirtualClock) -> None:
        asyncio.get_running_loop().call_later(HOUR, lambda: None)
        await clock.advance(DAY)

    play(story)
    assert next(moves) == 2


def test_advance_over_a_program_that_polls_goes_on_in_strides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock_module, "_EXACT_STEPS", 20)
    monkeypatch.setattr(clock_module, "_STRIDES", 10)

    async def polls(log: Log) -> None:
        while True:
            await asyncio.sleep(1)
            log.add()

    log = play(lambda clock: advance_with(clock, DAY, polls))
    assert log.times[:19] == list(range(1, 20))
    assert len(log.times) <= 30
    assert log.times[-1] > DAY * 0.9


@pytest.mark.parametrize("spin", ["turns", "timers"])
def test_advance_ends_although_a_task_never_rests(
    spin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_module, "_PATIENT_TURNS", 20)
    monkeypatch.setattr(clock_module, "_IMPATIENT_TURNS", 5)
    monkeypatch.setattr(clock_module, "_STRIDES", 10)

    async def spins(log: Log) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(HOUR, log.add)
        if spin == "timers":
            loop.call_later(0, again := lambda: loop.call_later(0, again))
        while spin == "turns":  # noqa: ASYNC110 - the bad habit itself
            await asyncio.sleep(0)

    log = play(lambda clock: advance_with(clock, DAY, spins))
    assert len(log.entries) == 1


def test_advance_backwards_is_refused() -> None:
    async def story(clock: VirtualClock) -> None:
        with pytest.raises(ValueError, match="cannot be moved by -1 seconds"):
            await clock.advance(-1)

    play(story)


def test_two_advances_at_once_add_up() -> None:
    async def story(clock: VirtualClock) -> list[int]:
        done: list[int] = []
        for second in (10, 20):
            asyncio.get_running_loop().call_later(second, done.append, second)
        await asyncio.gather(clock.advance(15), clock.advance(5))
        return done

    assert play(story) == [10, 20]


def run_in_executor(seconds: float) -> Awaitable[object]:
    return asyncio.get_running_loop().run_in_executor(None, time.sleep, seconds)


@pytest.mark.parametrize(
    "sleep",
    [
        pytest.param(run_in_executor, id="run_in_executor"),
        pytest.param(lambda seconds: asyncio.to_thread(time.sleep, seconds), id="to_thread"),
        pytest.param(lambda seconds: anyio.to_thread.run_sync(time.sleep, seconds), id="anyio"),
    ],
)
def test_sleep_in_worker_threads_is_exact(sleep: Callable[[float], Awaitable[object]]) -> None:
    async def sleeps(log: Log) -> None:
        for seconds in (1, 2, 3.5):
            await sleep(seconds)
            log.add()

    assert play(lambda clock: advance_with(clock, 10, sleeps)).times == [1, 3, 6.5]


def test_sleep_in_a_thread_of_the_students_own_is_exact() -> None:
    async def story(clock: VirtualClock) -> list[float]:
        log = Log()
        ready = threading.Event()

        def beat() -> None:
            log.start()
            ready.set()
            for _ in range(3):
                time.sleep(HOUR)
                log.add()

        thread = threading.Thread(target=beat)
        thread.start()
        ready.wait()
        while clock.next_timer() is None:
            pass
        await clock.advance(DAY)
        thread.join()
        return log.times

    assert play(story) == pytest.approx([HOUR, 2 * HOUR, 3 * HOUR], abs=1)


def test_sleep_ends_by_itself_while_the_clock_is_not_moved() -> None:
    async def story(_clock: VirtualClock) -> None:
        await asyncio.to_thread(time.sleep, 0.001)
        time.sleep(0.001)  # noqa: ASYNC251 - the student's blocking call

    play(story)


def test_sleep_refuses_what_the_real_one_refuses() -> None:
    async def story(_clock: VirtualClock) -> None:
        time.sleep(0)  # noqa: ASYNC251 - the student's blocking call
        with pytest.raises(ValueError, match="non-negative"):
            time.sleep(-1)  # noqa: ASYNC251 - the student's blocking call
        with pytest.raises(OverflowError):
            time.sleep(float("inf"))  # noqa: ASYNC251 - the student's blocking call

    play(story)


def test_uninstall_wakes_threads_that_still_sleep() -> None:
    clock = VirtualClock()
    clock.install()
    thread = threading.Thread(target=time.sleep, args=(DAY,))
    thread.start()
    while not clock._sleepers:
        pass
    clock.uninstall()
    thread.join()


def test_blocked_loop_reads_the_wire_and_takes_what_it_needs() -> None:
    async def story(clock: VirtualClock) -> tuple[float, list[str], float | None]:
        timeouts: list[float] = []

        def pump(timeout: float) -> None:
            timeouts.append(timeout)
            clock.grant(8)

        clock.pump = pump
        happened: list[str] = []
        asyncio.get_running_loop().call_later(15, happened.append, "timer")
        start = time.monotonic()
        time.sleep(10)  # noqa: ASYNC251 - the student's blocking call
        slept = time.monotonic() - start
        assert [round(timeout) for timeout in timeouts] == [10, 2]
        assert happened == []
        await clock.advance()
        return slept, happened, clock.next_timer()

    slept, happened, left = play(story)
    assert slept == pytest.approx(10, abs=0.5)
    assert (happened, left) == (["timer"], None)


def test_sleep_that_blocks_the_loop_ends_only_with_a_grant_while_the_clock_is_stopped() -> None:
    async def story(clock: VirtualClock) -> tuple[list[float], float]:
        timeouts: list[float] = []

        def pump(timeout: float) -> None:
            timeouts.append(timeout)
            if len(timeouts) == 3:
                clock.grant(1)

        await clock.advance(0, stop=True)
        clock.pump = pump
        start = time.monotonic()
        time.sleep(0.000_001)  # noqa: ASYNC251 - the student's blocking call
        return timeouts, time.monotonic() - start

    timeouts, slept = play(story)
    assert timeouts == [3_600, 3_600, 3_600]
    # Seconds since the machine's start, as a float, are not exact to more than this.
    assert slept == pytest.approx(0.000_001, abs=1e-9)


def test_blocked_loop_within_an_advance_moves_on_at_once() -> None:
    async def blocks(log: Log) -> None:
        for _ in range(3):
            time.sleep(2)  # noqa: ASYNC251 - the student's blocking call
            log.add()
            await asyncio.sleep(1)

    assert play(lambda clock: advance_with(clock, 10, blocks)).times == [2, 5, 8]


def test_quiet_waits_for_chains_of_callbacks_and_threads() -> None:
    async def story(clock: VirtualClock) -> list[str]:
        done: list[str] = []

        async def chain() -> None:
            for _ in range(100):
                await asyncio.sleep(0)
            await asyncio.to_thread(done.append, "thread")
            await asyncio.sleep(0)
            done.append("end")

        task = asyncio.create_task(chain())
        await asyncio.gather(clock.quiet(), clock.quiet())
        assert task.done()
        return done

    assert play(story) == ["thread", "end"]


def test_quiet_gives_up_on_a_thread_that_waits_for_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock_module, "_POLLS", 3)

    async def story(clock: VirtualClock) -> None:
        door = threading.Event()
        waiting = asyncio.create_task(asyncio.to_thread(door.wait))
        await clock.quiet()
        monkeypatch.setattr(clock_module, "_real_sleep", pytest.fail)
        await clock.advance(DAY)
        assert not waiting.done()
        door.set()
        await waiting

    play(story)


def test_working_holds_the_clock_until_it_ends() -> None:
    async def story(clock: VirtualClock) -> list[float]:
        log = Log()
        answered = asyncio.Event()

        async def ask_then_sleep() -> None:
            log.start()
            with clock.working():
                threading.Thread(target=lambda: loop.call_soon_threadsafe(answered.set)).start()
                await answered.wait()
            await asyncio.sleep(1)
            log.add()

        loop = asyncio.get_running_loop()
        task: list[asyncio.Task[None]] = []
        loop.call_later(1, lambda: task.append(loop.create_task(ask_then_sleep())))
        await clock.advance(HOUR)
        return log.times

    assert play(story) == [1]


def test_advance_waits_for_the_database_between_timers() -> None:
    async def hourly(log: Log) -> None:
        async with aiosqlite.connect(":memory:") as database:
            await database.execute("CREATE TABLE beats (n)")
            for n in range(24):
                await asyncio.sleep(HOUR)
                await database.execute("INSERT INTO beats VALUES (?)", (n,))
                await database.commit()
                log.add()

    log = play(lambda clock: advance_with(clock, DAY, hourly))
    assert log.times == [n * HOUR for n in range(1, 25)]


class InlineExecutor(concurrent.futures.Executor):
    """Not a thread pool, as a process pool is not: its work is not ours to wrap."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Answer with what was handed in."""
        future: concurrent.futures.Future[object] = concurrent.futures.Future()
        future.set_result((fn, args, kwargs))
        return future


def test_other_executors_get_their_work_unwrapped() -> None:
    async def story(_clock: VirtualClock) -> object:
        return await asyncio.get_running_loop().run_in_executor(InlineExecutor(), len, "abc")

    assert play(story) == (len, ("abc",), {})


if hasattr(os, "fork"):

    def test_clock_made_in_a_forked_child_works_there() -> None:
        child = os.fork()
        if child == 0:
            try:
                os._exit(
                    0 if play(lambda clock: advance_with(clock, 3, one_sleep)).times == [2] else 1
                )
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


async def one_sleep(log: Log) -> None:
    await asyncio.to_thread(time.sleep, 2)
    log.add()


@pytest.mark.parametrize("when", [0.1, 1234.000000001, 2.0**25 + 0.1, 2.0**31 + 0.7, 2.0**63])
def test_ns_that_fires_satisfies_the_loops_comparison(when: float) -> None:
    ns = clock_module._ns_that_fires(when)
    assert when < ns / 10**9 + 1e-9
    assert abs(ns / 10**9 - when) <= max(1e-6, math.ulp(when))


@dataclass(frozen=True)
class Nap:
    """A task: sleeps of some kind in a row (in eighths of a second), then several tasks at once."""

    kind: str
    eighths: tuple[int, ...]
    after: tuple["Nap", ...] = ()


KINDS: dict[str, Callable[[float], Awaitable[object]]] = {
    "asyncio": asyncio.sleep,
    "anyio": anyio.sleep,
    "thread": run_in_executor,
}
delays = st.lists(st.integers(1, 40), min_size=1, max_size=4).map(tuple)
leaves = st.builds(Nap, st.sampled_from(sorted(KINDS)), delays)
trees = st.recursive(
    leaves,
    lambda inner: st.builds(
        Nap, st.sampled_from(sorted(KINDS)), delays, st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=8,
)


def reference(nap: Nap, path: str = "r", start: int = 0) -> Iterator[tuple[float, str]]:
    """Say when each sleep of ``nap`` ends, by sums alone."""
    ends = list(itertools.accumulate(nap.eighths, initial=start))
    yield from ((end / 8, f"{path}:{number}") for number, end in enumerate(ends[1:]))
    for number, child in enumerate(nap.after):
        yield from reference(child, f"{path}.{number}", ends[-1])


async def take(nap: Nap, log: Log, path: str = "r") -> None:
    for number, eighths in enumerate(nap.eighths):
        await KINDS[nap.kind](eighths / 8)
        log.add(f"{path}:{number}")
    children = enumerate(nap.after)
    await asyncio.gather(*(take(child, log, f"{path}.{number}") for number, child in children))


@settings(deadline=None, max_examples=40)
@given(tree=trees)
def test_trees_of_sleeps_end_as_a_simulation_says(tree: Nap) -> None:
    async def story(clock: VirtualClock) -> Log:
        # As many threads as there can be sleepers: a full pool delays work for real.
        pool = concurrent.futures.ThreadPoolExecutor(64)
        asyncio.get_running_loop().set_default_executor(pool)
        return await advance_with(clock, HOUR, lambda log: take(tree, log))

    happened = [(round(when, 6), name) for when, name in play(story).entries]
    assert [when for when, _ in happened] == sorted(when for when, _ in happened)
    assert sorted(happened) == sorted(reference(tree))
