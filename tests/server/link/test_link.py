"""The grader's end of the wire, with nobody but the test at the other end."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graders.engine.core.errors import Finding
from graders.engine.core.limits import WireLimits
from graders.engine.harness import Flooded, ProtocolBroken, ServerDied
from graders.engine.server.link.link import Link, keeps_alive
from graders.engine.wire import Frame, FrameBuffer, encode, parse_to_student
from graders.engine.wire.frames import (
    Advanced,
    Disconnect,
    ExchangeCrash,
    ExchangeEnd,
    Hello,
    Loaded,
    ModelCancelled,
    ModelRequest,
    Pong,
    Raised,
    Refused,
    Request,
    ResponseBody,
    ResponseStart,
)

START = ResponseStart(exchange=1, status=200, headers=())
LAST = ResponseBody(exchange=1, body=b"x", more=False)
CALL = ModelRequest(call=1, method="POST", url="https://x/v1", headers=(), body=b"")


class Listener:
    """Notes what the link tells."""

    def __init__(self) -> None:
        self.reported: list[object] = []
        self.on_model_request: Callable[[ModelRequest], None] = self.reported.append
        self.on_model_cancelled: Callable[[int], None] = self.reported.append
        self.on_refused: Callable[[Refused], None] = self.reported.append
        self.on_raised: Callable[[Raised, int], None] = lambda frame, request: self.reported.append(
            (frame, request)
        )
        self.on_request_done: Callable[[ExchangeCrash | None], None] = self.reported.append

    def on_eof(self) -> ServerDied:
        """Return how a process ended that there is not."""
        return ServerDied("it is gone")

    def on_flood(self, what: str) -> Flooded:
        """Return the finding with nothing but what came."""
        return Flooded(what)

    def look(self) -> None:
        """See nothing."""

    async def whereabouts(self) -> None:
        """Know nothing."""


class OtherEnd:
    """The student's end: says what it is told to, and notes what the grader's end reports."""

    def __init__(self, limits: WireLimits | None = None) -> None:
        ours, self.socket = socket.socketpair()
        self.listener = Listener()
        self.reported = self.listener.reported
        self.link = Link(ours, os.getpid(), limits or WireLimits(), self.listener)
        self._buffer = FrameBuffer()

    def say(self, *frames: Frame | bytes) -> None:
        """Send frames, or bytes as they are."""
        for frame in frames:
            self.socket.sendall(frame if isinstance(frame, bytes) else encode(frame))

    async def trouble(self) -> Exception:
        """Wait for what goes wrong."""
        try:
            await self.link.until(lambda: False)
        except Exception as trouble:  # noqa: BLE001 - the test looks at it
            return trouble
        raise AssertionError("unreachable")

    def heard(self) -> list[object]:
        """Return the frames that the grader's end has sent."""
        self.socket.setblocking(False)
        return [parse_to_student(payload) for payload in self._buffer.feed(self.socket.recv(9_999))]

    def close(self) -> None:
        """Close both ends."""
        self.link.close()
        self.socket.close()


@pytest_asyncio.fixture
async def other() -> AsyncIterator[OtherEnd]:
    """Yield the other end of a link."""
    end = OtherEnd()
    yield end
    end.close()


async def test_frames_are_told_apart_however_they_are_cut(other: OtherEnd) -> None:
    exchange = other.link.open_exchange()
    frames = (Hello(layers=("one",)), Loaded(), START, LAST, ExchangeEnd(exchange=1))
    for byte in b"".join(map(encode, frames)):
        other.say(bytes([byte]))
        other.link._wire.readable()
    assert other.link.hello == Hello(layers=("one",))
    assert other.link.loaded == Loaded()
    assert exchange.start == START
    assert exchange.over
    chunk = other.link.take_chunk(exchange)
    assert chunk is not None
    assert chunk[0] == b"x"
    assert other.link.take_chunk(exchange) is None


async def test_calls_refusals_and_crashes_are_reported(other: OtherEnd) -> None:
    exchange = other.link.open_exchange()
    crash = ExchangeCrash(exchange=1, misuse=False, error="E", message="m")
    refused = Refused(what="connect", target="host:1")
    other.say(CALL, ModelCancelled(call=1), refused, crash)
    await other.link.until(lambda: exchange.crash is not None)
    assert other.reported == [CALL, 1, refused, crash]


RAISED = Raised(exchange=1, error="E", origin="builtins", message="m")


async def test_an_exception_is_told_at_its_request_after_what_was_sent_before(
    other: OtherEnd,
) -> None:
    exchange = other.link.open_exchange(request=7)
    other.say(
        START, ResponseBody(exchange=1, body=b"x", more=True), RAISED, ExchangeEnd(exchange=1)
    )
    await other.link.until(lambda: exchange.over)
    assert other.reported == [None]
    assert other.link.take_chunk(exchange) is not None
    other.link.tell_raised(exchange)
    assert other.reported == [None, (RAISED, 7)]


async def test_an_exception_is_told_at_once_where_nothing_was_sent_or_nothing_is_asked(
    other: OtherEnd,
) -> None:
    exchange = other.link.open_exchange(request=7)
    outside = RAISED.model_copy(update={"exchange": 0})
    unknown = RAISED.model_copy(update={"exchange": 99})
    other.say(RAISED, outside, unknown, ExchangeEnd(exchange=1))
    await other.link.until(lambda: exchange.over)
    assert other.reported == [(RAISED, 7), (outside, 0), (unknown, 0), None]


async def test_past_so_many_exceptions_are_dropped(
    other: OtherEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graders.engine.server.link.link._MOST_RAISED", 3)
    exchange = other.link.open_exchange()
    outside = RAISED.model_copy(update={"exchange": 0})
    other.say(*[outside] * 5, ExchangeEnd(exchange=1))
    await other.link.until(lambda: exchange.over)
    assert other.reported == [(outside, 0)] * 3 + [None]


async def test_tickets_are_redeemed_in_any_order(other: OtherEnd) -> None:
    first, second = other.link.ping(), other.link.ping()
    other.say(Pong(ticket=2, next_timer=1.5), Pong(ticket=1))
    await other.link.until(lambda: first.done() and second.done())
    assert (first.result(), second.result()) == (None, 1.5)


async def test_only_an_exchange_that_is_not_over_is_left(other: OtherEnd) -> None:
    over, unfinished = other.link.open_exchange(), other.link.open_exchange()
    over.ended = True
    other.link.leave(over)
    other.link.leave(unfinished)
    assert other.heard() == [Disconnect(exchange=2)]


async def test_more_is_sent_than_the_socket_takes_at_once(other: OtherEnd) -> None:
    headers = tuple(("name", "x" * 60_000) for _ in range(100))
    sent = Request(exchange=1, method="GET", path="/", query="", headers=headers)
    other.link.send(sent)
    other.socket.setblocking(False)
    received: list[object] = []

    def takes() -> bool:
        while not received:
            try:
                data = other.socket.recv(65_536)
            except BlockingIOError:
                return False
            received.extend(map(parse_to_student, other._buffer.feed(data)))
        return True

    while not takes():
        await other.link._loop.run_in_executor(None, os.sched_yield)
    assert received == [sent]


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        ((START,), "an answer to no request"),
        ((Hello(), Hello()), "Hello twice"),
        ((Loaded(), Loaded()), "Loaded twice"),
        ((b'\x00\x00\x00\x15{"t":"shutdown_done"}',), "not a frame"),
        ((Pong(ticket=7),), "an answer to no question"),
        ((Advanced(ticket=7),), "an answer to no question"),
        ((CALL, CALL), "a model call twice"),
        ((Disconnect(exchange=1),), "not a frame"),
        ((b"\xff\xff\xff\xff",), "over the cap"),
        ((b"\x00\x00\x00\x00",), "a frame without content"),
        ((b"\x00\x00\x00\x02{}",), "not a frame"),
        ((b"\x00\x00\x10\x00" + b"[" * 4_096,), "not a frame"),
        ((b'\x00\x00\x00\x0f{"t": "\\ud800"}',), "not a frame"),
    ],
)
async def test_what_is_out_of_turn_or_no_frame_breaks_the_protocol(
    other: OtherEnd, frames: tuple[Frame | bytes, ...], told: str
) -> None:
    other.say(*frames)
    trouble = await other.trouble()
    assert isinstance(trouble, ProtocolBroken)
    assert trouble.seen.startswith("the submission broke the protocol: ")
    assert told in trouble.seen


@pytest.mark.parametrize(
    "frames",
    [
        (LAST,),
        (START, START),
        (START, LAST, LAST),
        (START, LAST, ResponseBody(exchange=1, body=b"", more=True)),
    ],
)
async def test_a_response_out_of_turn_breaks_the_protocol(
    other: OtherEnd, frames: tuple[Frame, ...]
) -> None:
    other.link.open_exchange()
    other.say(*frames)
    assert isinstance(await other.trouble(), ProtocolBroken)


BIG = b"x" * 400_000
MORE = ResponseBody(exchange=1, body=BIG, more=True)


def _call(number: int, body: bytes) -> ModelRequest:
    return ModelRequest(call=number, method="POST", url="https://x/v1", headers=(), body=body)


@pytest.mark.parametrize(
    ("limits", "frames", "told"),
    [
        (WireLimits(messages=3), (START, MORE, MORE, MORE), "sent more than 3 pieces"),
        (WireLimits(sent_mb=1), (START, MORE, MORE), "sent more than 1 MiB"),
        (
            WireLimits(answer_mb=1),
            (START, MORE, MORE, MORE),
            "sent an answer of more than 1 MiB",
        ),
        (
            WireLimits(model_calls=1),
            (_call(1, b""), _call(2, b"")),
            "called the model more than 1 times",
        ),
        (
            WireLimits(asked_mb=1),
            (_call(1, BIG), _call(2, BIG), _call(3, BIG)),
            "sent the model more than 1 MiB",
        ),
    ],
)
async def test_too_much_of_anything_is_a_flood(
    limits: WireLimits, frames: tuple[Frame, ...], told: str
) -> None:
    end = OtherEnd(limits)
    end.link.open_exchange()
    saying = asyncio.get_running_loop().run_in_executor(None, end.say, *frames)
    trouble = await end.trouble()
    await saying
    end.close()
    assert isinstance(trouble, Flooded)
    assert trouble.seen == told


async def test_an_end_in_the_middle_of_a_frame_is_an_end(other: OtherEnd) -> None:
    other.say(encode(Loaded())[:-1])
    other.socket.close()
    assert isinstance(await other.trouble(), ServerDied)
    assert other.link.loaded is None


async def test_a_fault_of_ours_reaches_who_waits_as_it_is(other: OtherEnd) -> None:
    def fault(_frame: object) -> None:
        raise ZeroDivisionError("ours")

    other.listener.on_model_request = fault
    other.say(CALL)
    trouble = await other.trouble()
    assert isinstance(trouble, ZeroDivisionError)
    assert not isinstance(trouble, Finding)


async def test_a_closed_link_sends_nothing_and_may_be_closed_again(other: OtherEnd) -> None:
    other.link.close()
    other.link.send(Disconnect(exchange=1))
    other.link.close()
    assert other.socket.recv(1) == b""


def _framed(text: str) -> bytes:
    payload = text.encode()
    return len(payload).to_bytes(4, "big") + payload


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=400) | st.text(max_size=200).map(_framed))
@example(data=b"\x00\x00\x10\x00a prefix that swallows what comes behind it")
async def test_no_bytes_raise_anything_but_a_broken_protocol(data: bytes) -> None:
    end = OtherEnd()
    end.say(data, b"\x00\x00\x00\x02{}", b"\xff" * 8)
    # A frame that is never finished ends with the process that has sent it.
    end.socket.shutdown(socket.SHUT_WR)
    while end.link.trouble is None:
        end.link._wire.readable()
    end.close()
    assert isinstance(end.link.trouble, ProtocolBroken | ServerDied)


@pytest.mark.parametrize(
    ("body", "more", "nothing"),
    [
        (b": ping\r\n\r\n", True, True),
        (b":\n\n", True, True),
        (b"\n", True, True),
        (b"", True, True),
        (b": ping\n\ndata: word\n\n", True, False),
        (b"data: ping\n\n", True, False),
        (b" : word", True, False),
        (b"", False, False),
    ],
)
def test_piece_of_comments_only_keeps_alive(body: bytes, more: bool, nothing: bool) -> None:
    assert keeps_alive(ResponseBody(exchange=1, body=body, more=more)) is nothing
