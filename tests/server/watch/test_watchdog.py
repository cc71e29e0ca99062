"""Waiting told from hanging, on servers that do the one or the other.

No test measures time: a server that is wrongly waited for makes the test hang, one that is wrongly
given up makes it fail.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable

import pytest

from graders.engine.core.limits import WireLimits
from graders.engine.harness import (
    RanAway,
    Stalled,
    TookTooLong,
    say,
    say_held,
)
from graders.engine.isolation.layers import Layer
from graders.engine.protocol import ChatKitEvent
from graders.engine.server.link.transport import ExchangeStream
from graders.engine.server.trouble import Blocked
from graders.engine.server.watch import watchdog
from graders.engine.server.watch.process_state import Activity, activity
from tests.students import Bench

SERVER = """
    import asyncio, threading, time
    from fastapi import FastAPI
    from fastapi.concurrency import run_in_threadpool
    from fastapi.responses import StreamingResponse

    app = FastAPI()

    @app.get("/never")
    async def never():
        await asyncio.Event().wait()

    @app.get("/never/in-thread")
    def never_in_thread():
        threading.Event().wait()

    @app.get("/never/with-heartbeat")
    async def heartbeat():
        while True:
            await asyncio.sleep(15)

    @app.get("/never/after/{count}")
    async def after(count: int):
        async def words():
            for number in range(count):
                yield b"word"
            await asyncio.Event().wait()
        return StreamingResponse(words())

    @app.get("/blocked")
    async def blocked():
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    @app.get("/endless")
    async def endless():
        while True:
            pass

    @app.get("/endless/asyncio")
    async def endless_asyncio():
        while True:
            await asyncio.sleep(0)

    @app.get("/sleeps/{seconds}")
    async def sleeps(seconds: float):
        began = time.monotonic()
        await asyncio.sleep(seconds)
        return time.monotonic() - began >= seconds

    @app.get("/sleeps/in-thread/{seconds}")
    def sleeps_in_thread(seconds: float):
        time.sleep(seconds)
        return True

    @app.get("/sleeps/in-loop/{seconds}")
    async def sleeps_in_loop(seconds: float):
        time.sleep(seconds)
        return True

    @app.get("/backs-off")
    async def backs_off():
        for attempt in range(6):
            await asyncio.sleep(2 ** attempt)
        return True

    def burn():
        began = time.thread_time()
        while time.thread_time() - began < 0.3:
            pass
        return True

    @app.get("/works/in-thread")
    async def works_in_thread():
        return await run_in_threadpool(burn)

    @app.get("/works/in-loop")
    async def works_in_loop():
        return burn()

    @app.get("/works/in-process")
    async def works_in_process():
        import sys
        code = "import time\\nwhile time.process_time() < 0.5: pass"
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
        return await process.wait() == 0

    @app.get("/polls-for-ever")
    async def polls_for_ever():
        while True:
            await asyncio.sleep(0.001)

    def told(period, says, more=None):
        async def words():
            yield b"data: word\\n\\n"
            side = asyncio.create_task(more) if more else None
            while True:
                await asyncio.sleep(period)
                yield says
        return StreamingResponse(words())

    async def looks(period):
        while True:
            await asyncio.sleep(period)

    @app.get("/keeps-alive/{period}")
    async def keeps_alive(period: float):
        return told(period, b": ping - 12:00:00\\r\\n\\r\\n")

    @app.get("/keeps-alive-and-looks")
    async def keeps_alive_and_looks():
        return told(15, b": ping\\n\\n", looks(0.5))

    @app.get("/says-the-same")
    async def says_the_same():
        return told(15, b"data: ping\\n\\n")

    @app.get("/keeps-alive-while-it-works")
    async def keeps_alive_while_it_works():
        def wait_in_real_time():
            for number in range(30):
                threading.Event().wait(0.1)
            return b"data: done\\n\\n"
        async def words():
            work = asyncio.create_task(asyncio.to_thread(wait_in_real_time))
            while not work.done():
                await asyncio.wait({work}, timeout=15)
                yield b": ping\\n\\n"
            yield work.result()
        return StreamingResponse(words())

    @app.get("/begins-in-thread/{seconds}")
    async def begins_in_thread(seconds: float):
        def compute():
            begun = time.thread_time()
            while time.thread_time() - begun < seconds:
                pass
            app.state.is_done = True
        app.state.is_done = False
        threading.Thread(target=compute, daemon=True).start()
        return app.state.is_done

    @app.get("/is-done")
    async def is_done():
        return app.state.is_done

    @app.get("/pauses/{count}/{seconds}")
    async def pauses(count: int, seconds: float):
        async def words():
            for number in range(count):
                yield b"."
                await asyncio.sleep(seconds)
        return StreamingResponse(words())

    @app.get("/slow-stream")
    async def slow_stream():
        async def words():
            for number in range(12):
                await asyncio.sleep(9)
                yield b"."
        return StreamingResponse(words())
"""
QUIET = "the server has nothing left to do, and the answer is not complete"
TIMERS = (
    "the server only waits for timers, for more than 120 s of its clock, and the answer is not "
    "complete"
)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the looks at the server, each of which is a step in real time."""
    counted: list[int] = []

    def look(pid: int, _partner: object) -> Activity | None:
        counted.append(pid)
        return activity(pid)

    monkeypatch.setattr(watchdog, "activity_with_partner", look)
    return counted


@pytest.mark.parametrize("path", ["/never", "/never/in-thread", "/never/with-heartbeat"])
async def test_a_server_that_never_answers_is_stalled(bench: Bench, path: str) -> None:
    student = await bench.serve(SERVER)
    with pytest.raises(Stalled) as stalled:
        await student.http.get(path)
    assert stalled.value.seen == (TIMERS if path.endswith("heartbeat") else QUIET)
    assert student.running


async def test_a_stream_that_never_ends_is_stalled_after_what_it_sent(bench: Bench) -> None:
    student = await bench.serve(SERVER)
    async with student.http.stream("GET", "/never/after/3") as response:
        chunks = response.aiter_raw()
        assert [await anext(chunks) for _ in range(3)] == [b"word"] * 3
        with pytest.raises(Stalled):
            await anext(chunks)


@pytest.mark.parametrize(("seconds", "is_waited_for"), [(0.1, True), (20, False)])
async def test_what_a_thread_has_to_do_is_waited_for_until_it_computes_for_long(
    bench: Bench, seconds: float, *, is_waited_for: bool
) -> None:
    student = await bench.serve(SERVER)
    assert (await student.http.get(f"/begins-in-thread/{seconds}")).json() is False
    await student.rest()
    assert (await student.http.get("/is-done")).json() is is_waited_for


async def test_a_stalled_server_answers_other_requests(bench: Bench) -> None:
    student = await bench.serve(SERVER)
    with pytest.raises(Stalled):
        await student.http.get("/never")
    assert (await student.http.get("/works/in-thread")).json() is True


async def test_two_that_wait_in_vain_are_both_told(bench: Bench) -> None:
    student = await bench.serve(SERVER)
    answers = await asyncio.gather(
        student.http.get("/never"), student.http.get("/never"), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Stalled, Stalled]


async def test_a_blocked_event_loop_is_named(bench: Bench) -> None:
    student = await bench.serve(SERVER)
    with pytest.raises(Blocked, match="event loop is blocked") as blocked:
        await student.http.get("/blocked")
    place = blocked.value.place
    assert place is not None
    assert (place.file, place.function, place.code) == ("server.py", "blocked", "lock.acquire()")
    assert blocked.value.seen.endswith(f" (server.py, line {place.line}: `lock.acquire()`)")
    assert not student.printed


@pytest.mark.parametrize("path", ["/endless", "/endless/asyncio"])
async def test_an_endless_loop_ran_away(bench: Bench, path: str) -> None:
    student = await bench.serve(SERVER, wire=WireLimits(answer_cpu_seconds=1))
    with pytest.raises(RanAway, match="the server computed for 1 s without an answer") as ran:
        await student.http.get(path)
    assert ran.value.place is not None
    assert ran.value.place.function == path.strip("/").replace("/", "_")
    assert not student.printed


@pytest.mark.parametrize(
    "path",
    [
        "/sleeps/30",
        "/sleeps/in-thread/30",
        "/sleeps/in-loop/30",
        "/backs-off",
        "/slow-stream",
    ],
)
async def test_a_server_that_sleeps_is_answered_for_by_the_clock(bench: Bench, path: str) -> None:
    student = await bench.serve(SERVER)
    assert (await student.http.get(path)).text in {"true", "." * 12}


async def test_a_server_that_asks_again_and_again_is_known_soon(
    bench: Bench, looks: list[int]
) -> None:
    student = await bench.serve(SERVER, wire=WireLimits(answer_clock_seconds=10))
    with pytest.raises(Stalled, match="only waits for timers, for more than 10 s"):
        await student.http.get("/polls-for-ever")
    # Without it, 15,000 looks later the wall clock ends the check.
    assert len(looks) < 1_000


@pytest.mark.parametrize(
    "path",
    [
        "/keeps-alive/15",
        "/keeps-alive/1",
        "/keeps-alive-and-looks",
        "/says-the-same",
        "/never/with-heartbeat",
    ],
)
async def test_what_only_keeps_a_connection_alive_is_no_progress(
    bench: Bench, looks: list[int], path: str
) -> None:
    student = await bench.serve(SERVER)
    with pytest.raises(Stalled, match="only waits for timers"):
        await student.http.get(path)
    # Sixty at the end, in 1.2 s, and less than two for each timer. By the looks alone: 2,000.
    assert len(looks) < 600


async def test_waiting_a_second_time_in_vain_costs_no_second_wait(
    bench: Bench, looks: list[int]
) -> None:
    student = await bench.serve(SERVER)
    async with student.http.stream("GET", "/keeps-alive/1") as response:
        chunks = response.extensions["chatkit_chunks"]
        for _ in range(2):
            looks.clear()
            with pytest.raises(Stalled, match="only waits for timers"):
                await _all_of(chunks)
    assert len(looks) < 200


@pytest.mark.parametrize("path", ["/pauses/400/0.15", "/pauses/40/20"])
async def test_a_server_that_pauses_again_and_again_is_answered_for(
    bench: Bench, looks: list[int], path: str
) -> None:
    student = await bench.serve(SERVER)
    count = int(path.split("/")[2])
    assert (await student.http.get(path)).text == "." * count
    assert len(looks) < 50 + 3 * count


async def test_what_works_in_real_time_is_waited_for_beside_pings(bench: Bench) -> None:
    student = await bench.serve(SERVER)
    assert (await student.http.get("/keeps-alive-while-it-works")).text.endswith("data: done\n\n")


async def test_the_clock_of_a_stalled_server_runs_on(bench: Bench) -> None:
    student = await bench.serve(SERVER)
    with pytest.raises(Stalled):
        await student.http.get("/never/with-heartbeat")
    assert (await student.http.get("/sleeps/30")).json() is True


async def test_nobody_waits_longer_than_two_virtual_minutes(bench: Bench) -> None:
    student = await bench.serve(SERVER)
    # Not 121: its clock goes on by itself while it is looked at.
    with pytest.raises(Stalled):
        await student.http.get("/sleeps/180")


@pytest.mark.parametrize("path", ["/works/in-thread", "/works/in-loop", "/works/in-process"])
async def test_a_slow_server_that_works_is_not_stalled(bench: Bench, path: str) -> None:
    # It may start no process, unless these are off.
    student = await bench.serve(SERVER, without={Layer.FILES, Layer.SYSCALLS})
    assert (await student.http.get(path)).json() is True


async def test_a_held_model_stalls_the_stream_and_its_release_goes_on(bench: Bench) -> None:
    student = await bench.serve(
        """
        from agents import Agent, Runner
        from fastapi import FastAPI, Request
        from fastapi.responses import StreamingResponse

        app = FastAPI()
        agent = Agent(name="Terse", instructions="Be terse.", model="gpt-5-mini")

        @app.post("/chatkit")
        async def ask(request: Request):
            result = Runner.run_streamed(agent, "What is kiwi?")

            async def deltas():
                async for event in result.stream_events():
                    if event.type == "raw_response_event":
                        if event.data.type == "response.output_text.delta":
                            delta = event.data.delta
                            yield 'data: {"type": "progress_update", "text": "%s"}\\n\\n' % delta

            return StreamingResponse(deltas(), media_type="text/event-stream")
        """
    )
    turn = bench.model.on("What is kiwi?", say("A "), say_held("fruit"), say_held("."))
    stream = await student.chat().create("What is kiwi?")
    assert await _text(stream.next()) == "A "
    for word in ("fruit", "."):
        with pytest.raises(Stalled):
            await stream.next()
        await turn.release()
        assert await _text(stream.next()) == word
    assert await stream.next() is None
    assert stream.broke is None


async def _all_of(chunks: ExchangeStream) -> None:
    while await chunks.next():
        pass


async def _text(coming: Awaitable[ChatKitEvent | None]) -> object:
    event = await coming
    assert event is not None
    return event.raw["text"]


async def test_rest_waits_for_work_in_threads(bench: Bench) -> None:
    student = await bench.serve(SERVER)
    request = asyncio.create_task(student.http.get("/works/in-thread"))
    await student.rest()
    assert (await request).json() is True


async def test_until_raises_when_what_is_awaited_cannot_come(bench: Bench) -> None:
    student = await bench.serve(SERVER)
    with pytest.raises(Stalled):
        await student.until(lambda: False)
    await student.until(lambda: True)


# --- what is seen from outside, without a server ---------------------------------------------


def test_this_process_is_seen_at_work() -> None:
    seen = activity(os.getpid())
    assert seen is not None
    assert seen.cpu_ns > 0
    assert not seen.asleep


def test_a_process_that_does_not_exist_shows_nothing() -> None:
    assert activity(2**22 + 1) is None


async def test_where_the_kernel_does_not_tell_more_looks_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = itertools.count()
    monkeypatch.setattr(
        watchdog, "activity_with_partner", lambda _pid, _partner: next(looks) and None
    )
    monkeypatch.setattr(watchdog, "_LOOK_SECONDS", 0)
    assert isinstance(await _watch(pongs=True), Stalled)
    assert next(looks) >= 250


async def test_the_last_resort_ends_a_server_that_says_nothing_where_the_kernel_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watchdog, "activity_with_partner", lambda _pid, _partner: None)
    monkeypatch.setattr(watchdog, "_LOOK_SECONDS", 0)
    finding = await _watch(pongs=False)
    assert finding is not None
    assert "last-resort limit of two minutes" in str(finding)


async def test_a_server_that_waits_for_the_machine_is_left_to_the_graders_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        watchdog, "activity_with_partner", lambda _pid, _partner: Activity(cpu_ns=0, asleep=False)
    )
    monkeypatch.setattr(watchdog, "_LOOK_SECONDS", 0)
    looks = itertools.count()
    late = TookTooLong("it is late")
    ended = await _watch(pongs=False, look=lambda: late if next(looks) > 7_000 else None)
    assert ended is late


@pytest.mark.parametrize("requests", [0, 1], ids=["the same request", "another request"])
async def test_a_loop_that_is_still_blocked_is_known_at_once(
    monkeypatch: pytest.MonkeyPatch, requests: int
) -> None:
    looks = itertools.count()
    questions = 0

    def asleep(_pid: int, _partner: object) -> Activity:
        next(looks)
        return Activity(cpu_ns=questions, asleep=True)

    monkeypatch.setattr(watchdog, "activity_with_partner", asleep)
    monkeypatch.setattr(watchdog, "_LOOK_SECONDS", 0)
    server = Silent(pongs=False, awaited=True, look=lambda: None, sleeps=True)
    watch = watchdog.Watchdog(0, WireLimits(), server)
    assert isinstance(await watch.watch(), Blocked)
    first = next(looks)
    questions += 1  # it is asked in which line it is, and so it works a little
    server.request_count = requests
    assert isinstance(await watch.watch(), Blocked)
    second = next(looks)
    assert first > 30
    assert second - first < 8
    assert len(server.pings) == 1
    server.pings[0].set_result(None)  # the loop runs again
    server.request_count = 2
    assert isinstance(await watch.watch(), Blocked)
    assert next(looks) - second > 30


async def test_nothing_is_found_when_nobody_waits_any_more() -> None:
    assert await _watch(pongs=True, waiting=False) is None


class Silent:
    """A server that says nothing, except that it has nothing left to do, if it ``pongs``."""

    ready = True
    request_count = message_count = 0

    def __init__(
        self,
        *,
        pongs: bool,
        awaited: bool,
        look: Callable[[], Exception | None],
        sleeps: bool = False,
    ) -> None:
        self._pongs = pongs
        self._sleeps = sleeps
        self.pings: list[asyncio.Future[float | None]] = []
        self.awaited = awaited
        self.look = look

    def ping(self) -> asyncio.Future[float | None]:
        """Answer, or not."""
        future: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
        if self._pongs:
            future.set_result(None)
        self.pings.append(future)
        return future

    def skip(self, seconds: float, *, hold: bool = False) -> asyncio.Future[float | None]:
        """Fail: nobody has told of a timer."""
        raise AssertionError(f"there is no timer of {seconds} s, to hold: {hold}")

    def free(self, seconds: float) -> None:
        """Do nothing if it ``sleeps`` for ever, else fail: its loop is not known to be blocked."""
        if self._sleeps:
            return
        raise AssertionError(f"nothing sleeps for {seconds} s")


async def _watch(
    *, pongs: bool, waiting: bool = True, look: Callable[[], Exception | None] = lambda: None
) -> Exception | None:
    server = Silent(pongs=pongs, awaited=waiting, look=look)
    return await watchdog.Watchdog(0, WireLimits(), server).watch()
