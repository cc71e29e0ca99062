"""The grader's end of the wire: one server's exchanges, model calls and tickets, told apart.

All that comes is hostile: it is parsed by ``wire``, counted, capped and checked to be in turn; what
is not becomes a finding that ends this server, never an exception of ours. Must not know HTTP
clients, ChatKit or scripts.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from graders.engine.core.errors import Finding
from graders.engine.core.limits import MEBIBYTE, WireLimits
from graders.engine.server.link.socket_end import WireEnd
from graders.engine.server.link.waiters import Waiters
from graders.engine.server.trouble import ProtocolBroken, RanAway, Stalled
from graders.engine.server.watch.footprint import amount
from graders.engine.server.watch.watchdog import Watchdog
from graders.engine.wire import Frame, FrameBuffer, FromStudent, WireError, encode
from graders.engine.wire import parse_from_student as parse
from graders.engine.wire.frames import (
    Advance,
    Advanced,
    Disconnect,
    ExchangeCrash,
    ExchangeEnd,
    Hello,
    Loaded,
    LoadFailed,
    ModelCancelled,
    ModelRequest,
    Ping,
    Pong,
    Refused,
    ResponseBody,
    ResponseStart,
)


@dataclass
class OpenExchange:
    """One HTTP exchange as the grader sees it.

    ``chunks`` are the pieces of the body that nobody has taken yet, each with its arrival time in
    seconds of the event loop's clock; ``size`` is that of the body so far.
    """

    number: int
    start: ResponseStart | None = None
    chunks: deque[tuple[bytes, float]] = field(default_factory=deque)
    size: int = 0
    complete: bool = False
    ended: bool = False
    crash: ExchangeCrash | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more can come."""
        return self.complete or self.ended or self.crash is not None


class Link:
    """One started server, over its wire.

    ``on_model_request`` is called for each call that leaves the process, ``on_model_cancelled``
    with its number when the process gave it up, ``on_refused`` for what was not allowed, ``on_eof``
    for the finding that says how the process ended, ``on_end`` when the app is done with a
    request, and before it counts as such, with what it raised, ``on_flood`` for the finding that
    says of what too much came, ``look`` now and then while somebody waits, for
    what else ends the server.
    ``skipped_seconds`` says how far the clock was moved because the server only waited for a timer,
    ``moved_seconds`` how far it was moved at all.
    """

    def __init__(
        self,
        wire: socket.socket,
        pid: int,
        limits: WireLimits,
        *,
        on_model_request: Callable[[ModelRequest], None],
        on_model_cancelled: Callable[[int], None],
        on_refused: Callable[[Refused], None],
        on_eof: Callable[[], Finding],
        on_end: Callable[[ExchangeCrash | None], None],
        on_flood: Callable[[str], Finding],
        look: Callable[[], Exception | None],
    ) -> None:
        self._wire = WireEnd(wire, self._came)
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._incoming = FrameBuffer()
        self._bytes = 0
        self._frames = 0
        self._begun_calls = 0
        self._asked_bytes = 0
        self._sent = 0
        self._numbers = itertools.count(1)
        self._exchanges: dict[int, OpenExchange] = {}
        self._calls: set[int] = set()
        self._tickets: dict[int, asyncio.Future[float | None]] = {}
        self._waiters = Waiters()
        self._watching: asyncio.Task[None] | None = None
        self._on_model_request = on_model_request
        self._on_model_cancelled = on_model_cancelled
        self._on_refused = on_refused
        self._on_eof = on_eof
        self._on_end = on_end
        self._on_flood = on_flood
        self._look = look
        self._pid = pid
        self.trouble: Exception | None = None
        self.skipped_seconds = 0.0
        self.moved_seconds = 0.0
        self.last_request = ""
        self.hello: Hello | None = None
        self.loaded: Loaded | LoadFailed | None = None

    # --- what the grader does ---------------------------------------------------------------

    def send(self, frame: Frame) -> None:
        """Send ``frame``; a server that has gone is noticed by whoever waits for it."""
        if self.closed:
            return
        self._sent += not isinstance(frame, Ping | Advance)
        self._wire.send(encode(frame))

    @property
    def closed(self) -> bool:
        """Whether the wire was closed from this side."""
        return self._wire.closed

    @property
    def layers(self) -> tuple[str, ...]:
        """What the process has said of its layers, which it does before student code runs."""
        return self.hello.layers if self.hello is not None else ()

    @property
    def open_requests(self) -> int:
        """How many requests the app is still at work on, also after its answer to them."""
        return sum(not each.ended and each.crash is None for each in self._exchanges.values())

    def open_exchange(self, told: str = "") -> OpenExchange:
        """Begin an exchange under a new number; ``told`` names the request, for people."""
        self.last_request = told
        exchange = OpenExchange(next(self._numbers))
        self._exchanges[exchange.number] = exchange
        return exchange

    def leave(self, exchange: OpenExchange) -> None:
        """Tell the server that the client of ``exchange`` has gone, unless it is over."""
        if not exchange.over:
            self.send(Disconnect(exchange=exchange.number))

    def ping(self) -> asyncio.Future[float | None]:
        """Ask the event loop; the future's result is the seconds to its next timer."""
        ticket, future = self._ticket()
        self.send(Ping(ticket=ticket))
        return future

    async def advance(self, seconds: float, *, stop: bool = False) -> float | None:
        """Move the virtual clock, and let it stand still; return the seconds to the next timer."""
        future = self._move(seconds, stop=stop)
        await self.until(future.done)
        return future.result()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until ``holds()``; raises the :class:`ServerTrouble` that makes it impossible."""
        while not holds():
            if self.trouble is not None:
                raise self.trouble
            self._watch()
            await self._waiters.wait()

    def take_chunk(self, exchange: OpenExchange) -> tuple[bytes, float] | None:
        """Take the next piece of a body, if one has come."""
        if not exchange.chunks:
            return None
        return exchange.chunks.popleft()

    def give_up(self, trouble: Exception) -> None:
        """Fail everything that waits for this server, and that will, be it a finding or not."""
        if self.trouble is None:
            self.trouble = trouble
        self._waiters.wake()

    def close(self) -> None:
        """Close the wire; the server's process ends by it."""
        if self.closed:
            return
        self._wire.close()
        if self._watching is not None:
            self._watching.cancel()
        self._waiters.wake()

    # --- what the server says ----------------------------------------------------------------

    def _came(self, data: bytes) -> None:
        try:
            self._take_in(data)
        except WireError as error:
            self._read_no_more(ProtocolBroken(f"the submission broke the protocol: {error}"))
        except Exception as trouble:  # noqa: BLE001 - a fault of ours too must reach who waits
            self._read_no_more(trouble)
        self._waiters.wake()

    def _read_no_more(self, trouble: Exception) -> None:
        self._wire.read_no_more()
        self.give_up(trouble)

    def _take_in(self, data: bytes) -> None:
        if not data:
            raise self._on_eof()
        self._bytes += len(data)
        limits = self._limits
        if self._bytes > limits.sent_mb * MEBIBYTE:
            raise self._on_flood(f"sent more than {amount(limits.sent_mb)}")
        for payload in self._incoming.feed(data):
            self._frames += 1
            if self._frames > limits.messages:
                raise self._on_flood(f"sent more than {limits.messages:,} pieces")
            self._act(parse(payload))

    def _act(self, frame: FromStudent) -> None:
        match frame:
            case ResponseStart() | ResponseBody() | ExchangeEnd() | ExchangeCrash():
                self._act_on_exchange(self._exchange(frame.exchange), frame)
            case ModelRequest():
                self._begin_call(frame)
            case ModelCancelled():
                self._calls.discard(frame.call)
                self._on_model_cancelled(frame.call)
            case Pong() | Advanced():
                self._frames -= 1
                self._redeem(frame)
            case Refused():
                self._on_refused(frame)
            case Hello():
                self.hello = _once(self.hello, frame)
            case Loaded() | LoadFailed():
                self.loaded = _once(self.loaded, frame)

    def _act_on_exchange(
        self,
        exchange: OpenExchange,
        frame: ResponseStart | ResponseBody | ExchangeEnd | ExchangeCrash,
    ) -> None:
        match frame:
            case ResponseStart():
                exchange.start = _once(exchange.start, frame)
            case ResponseBody():
                self._add_chunk(exchange, frame)
            case ExchangeEnd():
                self._on_end(None)
                exchange.ended = True
            case ExchangeCrash():
                crash = _once(exchange.crash, frame)
                self._on_end(crash)
                exchange.crash = crash

    def _add_chunk(self, exchange: OpenExchange, frame: ResponseBody) -> None:
        if exchange.start is None or exchange.complete:
            raise ProtocolBroken("the submission broke the protocol: a body out of turn")
        exchange.complete = not frame.more
        exchange.size += len(frame.body)
        if exchange.size > self._limits.answer_mb * MEBIBYTE:
            raise self._on_flood(f"sent an answer of more than {amount(self._limits.answer_mb)}")
        if frame.body:
            exchange.chunks.append((frame.body, self._loop.time()))

    def _begin_call(self, frame: ModelRequest) -> None:
        if frame.call in self._calls:
            raise ProtocolBroken("the submission broke the protocol: a model call twice")
        self._calls.add(frame.call)
        self._begun_calls += 1
        self._asked_bytes += len(frame.body)
        limits = self._limits
        if self._begun_calls > limits.model_calls:
            raise self._on_flood(f"called the model more than {limits.model_calls:,} times")
        if self._asked_bytes > limits.asked_mb * MEBIBYTE:
            raise self._on_flood(f"sent the model more than {amount(limits.asked_mb)}")
        self._on_model_request(frame)

    def _redeem(self, frame: Pong | Advanced) -> None:
        future = self._tickets.pop(frame.ticket, None)
        if future is None:
            raise ProtocolBroken("the submission broke the protocol: an answer to no question")
        if not future.done():
            future.set_result(frame.next_timer)

    def _exchange(self, number: int) -> OpenExchange:
        exchange = self._exchanges.get(number)
        if exchange is None:
            raise ProtocolBroken("the submission broke the protocol: an answer to no request")
        return exchange

    # --- plumbing -----------------------------------------------------------------------------

    def _ticket(self) -> tuple[int, asyncio.Future[float | None]]:
        ticket = next(self._numbers)
        future: asyncio.Future[float | None] = self._loop.create_future()
        self._tickets[ticket] = future
        return ticket, future

    def _watch(self) -> None:
        if self._watching is None or self._watching.done():
            self._watching = self._loop.create_task(self._watch_until_found())
            self._watching.add_done_callback(self._watched)

    async def _watch_until_found(self) -> None:
        watchdog = Watchdog(
            self._pid,
            self._limits,
            waiting=lambda: bool(self._waiters),
            asked=lambda: len(self._exchanges),
            said=lambda: self._frames + self._sent,
            ping=self.ping,
            advance=self._skip,
            look=self._look,
        )
        trouble = await watchdog.watch()
        if isinstance(trouble, Stalled | RanAway):
            # What comes later may still work.
            self._waiters.fail(trouble)
        elif trouble is not None:
            self._read_no_more(trouble)

    def _watched(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            # A fault of ours, without which everybody would wait for ever.
            self.give_up(error)

    def _move(self, seconds: float, *, stop: bool = False) -> asyncio.Future[float | None]:
        self.moved_seconds += seconds
        ticket, future = self._ticket()
        self.send(Advance(ticket=ticket, seconds=seconds, stop=stop))
        return future

    def _skip(self, seconds: float) -> asyncio.Future[float | None]:
        self.skipped_seconds += seconds
        return self._move(seconds)


_T = TypeVar("_T")


def _once(before: _T | None, now: _T) -> _T:
    if before is not None:
        raise ProtocolBroken(f"the submission broke the protocol: {type(now).__name__} twice")
    return now
