"""What a thread schedules without waking the loop, and what wakes it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine

from graders.engine.host.loop import Loop

Play = Callable[[Loop, list[str]], Coroutine[None, None, None]]


def in_thread(act: Callable[[], object]) -> None:
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def heard(play: Play) -> list[str]:
    """Return what is heard while ``play`` runs, which begins with a call that wakes nobody."""
    said: list[str] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop)
        in_thread(lambda: loop.call_soon(said.append, "unwoken"))
        await play(loop, said)

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(run())
    return said


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_what_a_thread_schedules_without_waking_the_loop_is_kept_aside() -> None:
    async def play(loop: Loop, said: list[str]) -> None:
        del loop, said
        await turns()

    assert heard(play) == []


def test_it_runs_when_the_loop_is_told_to_wake() -> None:
    async def play(loop: Loop, said: list[str]) -> None:
        loop.wake()
        said.append("woken")
        await turns()

    assert heard(play) == ["woken", "unwoken"]


def test_a_thread_that_wakes_the_loop_is_heard_in_order() -> None:
    async def play(loop: Loop, said: list[str]) -> None:
        done = asyncio.Event()
        in_thread(lambda: loop.call_soon_threadsafe(done.set))
        await done.wait()
        await turns()
        said.append("done")

    assert heard(play) == ["unwoken", "done"]


def test_a_timer_wakes_it() -> None:
    async def play(loop: Loop, said: list[str]) -> None:
        due = asyncio.Event()
        loop.call_later(0.001, due.set)
        await due.wait()
        said.append("timer")

    assert heard(play) == ["unwoken", "timer"]


def heard_with_file(*, quiet: bool) -> list[str]:
    """Return what is heard when something comes on a file."""

    async def play(loop: Loop, said: list[str]) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            come = asyncio.Event()
            loop.quiet_file = ours.fileno() if quiet else -1
            loop.add_reader(ours, come.set)
            theirs.send(b"x")
            await come.wait()
            loop.remove_reader(ours)
            await turns()
        del said

    return heard(play)


def test_a_file_wakes_it() -> None:
    assert heard_with_file(quiet=False) == ["unwoken"]


def test_the_quiet_file_does_not_wake_it() -> None:
    assert heard_with_file(quiet=True) == []


def test_a_queue_that_a_thread_fills_is_read_when_the_loop_wakes() -> None:
    async def play(loop: Loop, said: list[str]) -> None:
        queue: asyncio.Queue[str] = asyncio.Queue()
        getting = asyncio.ensure_future(queue.get())
        await turns()
        in_thread(lambda: queue.put_nowait("thing"))
        await turns()
        assert not getting.done()
        loop.wake()
        said.append(await getting)

    assert heard(play) == ["unwoken", "thing"]


def test_in_debug_mode_asyncio_refuses_as_ever() -> None:
    refused: list[RuntimeError] = []

    async def play(loop: Loop, said: list[str]) -> None:
        loop.set_debug(True)

        def call() -> None:
            try:
                loop.call_soon(said.append, "never")
            except RuntimeError as error:
                refused.append(error)

        in_thread(call)

    assert "never" not in heard(play)
    assert len(refused) == 1
