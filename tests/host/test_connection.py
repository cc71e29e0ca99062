"""The student's end of the wire: order, back-pressure, threads, and code that blocks the loop."""

from __future__ import annotations

import asyncio
import threading

from graders.engine.wire import encode
from graders.engine.wire.frames import Loaded, Ping, Pong, ResponseBody
from tests.host.ends import Ends

MEBIBYTE = bytes(1024 * 1024)


async def turns(count: int) -> None:
    """Let the event loop do all that it can do by itself."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_frames_arrive_in_order_from_both_sides(ends: Ends) -> None:
    ends.say(*[Ping(ticket=number) for number in range(100)])
    for number in range(100):
        ends.connection.send(Pong(ticket=number))
    assert [(await ends.hear(Pong)).ticket for _ in range(100)] == list(range(100))
    await turns(100)
    assert ends.heard == [Ping(ticket=number) for number in range(100)]


async def test_more_than_the_socket_holds(ends: Ends) -> None:
    for number in range(8):
        ends.connection.send(ResponseBody(exchange=number, body=MEBIBYTE, more=True))
    ends.connection.send(Loaded())
    for number in range(8):
        assert await ends.hear(ResponseBody) == ResponseBody(
            exchange=number, body=MEBIBYTE, more=True
        )
    await ends.hear(Loaded)


async def test_drain_waits_for_a_grader_that_is_far_behind(ends: Ends) -> None:
    sent: list[int] = []

    async def flood() -> None:
        for number in range(32):
            ends.connection.send(ResponseBody(exchange=number, body=MEBIBYTE, more=True))
            sent.append(number)
            await ends.connection.drain()

    flooding = asyncio.create_task(flood())
    await turns(200)
    assert 0 < len(sent) < 16
    for number in range(32):
        assert (await ends.hear(ResponseBody)).exchange == number
    await flooding


async def test_drain_is_over_when_blocking_code_has_sent_all(ends: Ends) -> None:
    frames = [ResponseBody(exchange=number, body=MEBIBYTE, more=True) for number in range(8)]
    size = sum(len(encode(frame)) for frame in frames)
    reader = threading.Thread(target=ends.swallow, args=(size,))

    async def send_and_drain() -> None:
        for frame in frames:
            ends.connection.send(frame)
        await ends.connection.drain()

    async def block() -> None:
        reader.start()
        ends.connection.flush_blocking()

    # Blocks before the loop has had a turn in which it could begin to watch the socket.
    await asyncio.gather(send_and_drain(), block())
    reader.join()


async def test_what_waits_goes_on_its_way_with_the_next_frame_though_the_loop_is_blocked(
    ends: Ends,
) -> None:
    ends.connection.send(ResponseBody(exchange=1, body=bytes(1_000_000), more=True))
    # No turn of the loop until more than the socket holds has come.
    for _ in range(50):
        ends.swallow(20_000)
        ends.connection.send(Loaded())


async def test_threads_may_send(ends: Ends) -> None:
    def send(first: int) -> None:
        for number in range(first, first + 50):
            ends.connection.send(ResponseBody(exchange=number, body=bytes(10_000), more=True))

    threads = [threading.Thread(target=send, args=(first,)) for first in (0, 50, 100)]
    for thread in threads:
        thread.start()
    numbers = [(await ends.hear(ResponseBody)).exchange for _ in range(150)]
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(150))
    assert [number for number in numbers if number < 50] == list(range(50))


async def test_pump_acts_on_what_came_while_the_loop_is_blocked(ends: Ends) -> None:
    ends.say(Ping(ticket=1))
    ends.connection.pump(None)
    assert ends.heard == [Ping(ticket=1)]


async def test_pump_gives_up_after_its_time(ends: Ends) -> None:
    ends.connection.pump(0)
    assert ends.heard == []


async def test_loop_thread_is_known(ends: Ends) -> None:
    assert ends.connection.in_loop_thread()
    assert not await asyncio.to_thread(ends.connection.in_loop_thread)


async def test_close_is_told_once_the_grader_has_gone(ends: Ends) -> None:
    ends.leave()
    await ends.closed.wait()
    ends.connection.send(Loaded())
    ends.connection.flush_blocking()
