"""The grader's end of the wire: one server's exchanges, model calls and tickets, told apart.

Whatever comes may be hostile: it is parsed by ``wire``, counted, capped, and must come in the right
order. What breaks a rule becomes a finding that ends this server, never an exception of ours.

Must not know HTTP clients, ChatKit or scripts.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from graders.engine.core.errors import Finding
from graders.engine.core.limits import MEBIBYTE, WireLimits
from graders.engine.core.results import SourceLine
from graders.engine.model.waiters import Waiters
from graders.engine.server.link.socket_end import SocketEnd
from graders.engine.server.trouble import Blocked, ProtocolBroken, RanAway, Stalled
from graders.engine.server.watch.footprint import amount
from graders.engine.server.watch.partner import Partner, activity_of_partner
from graders.engine.server.watch.process_state import Activity
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
    Raised,
    Refused,
    ResponseBody,
    ResponseStart,
)

_MOST_QUESTIONS, _QUESTION_SECONDS = 2_000, 0.001
"""How long is waited for what never comes to rest: some seconds."""
_RESTLESS_NS = 300_000_000
"""How much the server may compute until it must be at rest: far more than a message takes."""
_MOST_RESTLESS = 3
"""So many times it may be waited for in vain."""
_MOST_STEPS = 2_000
"""Timers that one move of the clock meets, each with what works elsewhere."""
_MOST_RAISED = 1_000
"""Exceptions that one server may tell of; ``host`` stops far earlier, but may not be the sender."""

_Seen = TypeVar("_Seen")


@dataclass
class OpenExchange:
    """One HTTP exchange as the grader sees it.

    ``request`` is what the caller knows it by, 0 if by nothing. ``chunks`` are the pieces of the
    body that nobody has taken yet, each with its arrival time in seconds of the event loop's clock;
    ``received`` and ``taken`` count them, ``size`` is that of the body so far. ``raised`` are
    exceptions that are to be told once so many pieces were taken: what was sent before them stands
    before them.
    """

    number: int
    request: int = 0
    start: ResponseStart | None = None
    chunks: deque[tuple[bytes, float]] = field(default_factory=deque)
    received: int = 0
    taken: int = 0
    raised: deque[tuple[int, Raised]] = field(default_factory=deque)
    size: int = 0
    complete: bool = False
    ended: bool = False
    crash: ExchangeCrash | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more can come."""
        return self.complete or self.ended or self.crash is not None


class LinkListener(Protocol):
    """What a link tells of its server, and whom it asks what to raise.

    Nothing is called before the event loop runs again after the link was made.
    """

    def on_model_request(self, frame: ModelRequest) -> None:
        """Take a call of the model that has left the process."""

    def on_model_cancelled(self, number: int) -> None:
        """Take note that the process has given up the call of this number."""

    def on_refused(self, frame: Refused) -> None:
        """Take note of something that the process tried and may not."""

    def on_raised(self, frame: Raised, request: int) -> None:
        """Take note of an exception in the app, while it served ``request``."""

    def on_request_done(self, crash: ExchangeCrash | None) -> None:
        """Take note that the app is done with a request, before it counts as such.

        ``crash`` is what it raised.
        """

    def on_eof(self) -> Finding:
        """Return the finding that says how the process ended."""

    def on_flood(self, what: str) -> Finding:
        """Return the finding that says of what too much came."""

    def look(self) -> Exception | None:
        """Return what else ends the server; called now and then while somebody waits."""

    async def whereabouts(self) -> SourceLine | None:
        """Return the line of the submission's own that the server is in, if that can be known."""


class Link:
    """One started server, over its wire; ``listener`` is told what comes.

    ``partner`` is what works for it elsewhere: the event loop has nothing left to do only when that
    is at rest as well, and each timer is met with all done that the one before has begun.

    ``skipped_seconds`` says how far the clock was moved because the server only waited for a timer,
    ``blocked_seconds`` how much of it was for a sleep that blocked its event loop,
    ``moved_seconds`` how far it was moved at all.
    """

    def __init__(
        self,
        wire: socket.socket,
        pid: int,
        limits: WireLimits,
        listener: LinkListener,
        partner: Partner | None = None,
    ) -> None:
        self._wire = SocketEnd(wire, self._on_data)
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._incoming = FrameBuffer()
        self._bytes = 0
        self._frames = 0
        self._raised = 0
        self._begun_calls = 0
        self._asked_bytes = 0
        self._sent = 0
        self._keep_alives = 0
        self._numbers = itertools.count(1)
        self._exchanges: dict[int, OpenExchange] = {}
        self._calls: set[int] = set()
        self._tickets: dict[int, asyncio.Future[float | None]] = {}
        self._waiters = Waiters()
        self._partner = partner
        self._restless = 0
        self._rested_after: tuple[int, float] | None = None
        self._pongs: set[asyncio.Task[float | None]] = set()
        self._watchdog = Watchdog(pid, limits, self, partner)
        self._watching: asyncio.Task[None] | None = None
        self._listener = listener
        self.trouble: Exception | None = None
        self.skipped_seconds = 0.0
        self.blocked_seconds = 0.0
        self.moved_seconds = 0.0
        self.last_request = ""
        self.hello: Hello | None = None
        self.loaded: Loaded | LoadFailed | None = None

    # --- what the grader does ---------------------------------------------------------------

    def send(self, frame: Frame) -> None:
        """Send ``frame``; if the server is gone, those who wait for it are told."""
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
        """How many requests the app still works on, even after its answer to them."""
        return sum(not each.ended and each.crash is None for each in self._exchanges.values())

    def open_exchange(self, told: str = "", *, request: int = 0) -> OpenExchange:
        """Begin an exchange under a new number; ``told`` names it for a reader."""
        self.last_request = told
        exchange = OpenExchange(next(self._numbers), request)
        self._exchanges[exchange.number] = exchange
        return exchange

    def leave(self, exchange: OpenExchange) -> None:
        """Tell the server that the client of ``exchange`` has gone, unless it is over."""
        if not exchange.over:
            self.send(Disconnect(exchange=exchange.number))

    def ping(self) -> asyncio.Future[float | None]:
        """Ask the event loop; the future's result is the seconds to its next timer."""
        if self._partner is None:
            return self._ask()
        partner = self._partner
        return self._ask_until(lambda: activity_of_partner(partner), _nothing_came_between)

    def _ask(self) -> asyncio.Future[float | None]:
        ticket, future = self._ticket()
        self.send(Ping(ticket=ticket))
        return future

    def _ask_until(
        self, look: Callable[[], _Seen], are_at_rest: Callable[[_Seen, _Seen], bool]
    ) -> asyncio.Future[float | None]:
        """Ask the event loop again and again, until the looks before and after show rest."""
        asking = self._loop.create_task(self._asked(look, are_at_rest))
        self._pongs.add(asking)
        asking.add_done_callback(self._pongs.discard)
        asking.add_done_callback(lambda _: self._waiters.wake())
        return asking

    async def _asked(
        self, look: Callable[[], _Seen], are_at_rest: Callable[[_Seen, _Seen], bool]
    ) -> float | None:
        for _ in range(_MOST_QUESTIONS):
            before = look()
            next_timer = await self._ask()
            if are_at_rest(before, look()):
                break
            await asyncio.sleep(_QUESTION_SECONDS)
        return next_timer

    async def rest(self) -> None:
        """Wait until the server has nothing left to do, in its event loop and in its threads.

        At rest is what was asleep both before and after a question to the loop: what was written
        before has been read by then. Where nothing was said since, it still is. Threads that
        compute for long are left alone, and a server that was so several times is only asked.
        """
        begun: Activity | None = None
        rested_after: tuple[int, float] | None = None

        def are_at_rest(before: Activity | None, after: Activity | None) -> bool:
            nonlocal begun, rested_after
            begun = begun or before
            # Where the kernel does not tell, nobody can know more.
            if before is None or after is None or (before.asleep and after.asleep):
                rested_after = self._said
            restless = begun and after and after.cpu_ns - begun.cpu_ns > _RESTLESS_NS
            return rested_after is not None or bool(restless)

        if self._rested_after == self._said or self._restless >= _MOST_RESTLESS:
            pong = self.ping()
            await self.until(pong.done)
            return
        pong = self._ask_until(self._watchdog.seen, are_at_rest)
        await self.until(pong.done)
        self._rested_after = rested_after
        self._restless += rested_after is None

    @property
    def _said(self) -> tuple[int, float]:
        """What grows with all that may wake the server up: messages, and moves of its clock."""
        return self.message_count, self.moved_seconds

    async def advance(self, seconds: float, *, stop: bool = False) -> float | None:
        """Move the virtual clock, and let it stand still; return the seconds to the next timer."""
        self._sent += 1
        if self._partner is not None:
            seconds = await self._walk(seconds)
        future = self._move(seconds, stop=stop)
        await self.until(future.done)
        if self._partner is not None:
            future = self.ping()
            await self.until(future.done)
        return future.result()

    async def _walk(self, seconds: float) -> float:
        """Move the clock from timer to timer, as its host does, and let the partner answer at each.

        Returns what is left to be moved.
        """
        least = seconds / _MOST_STEPS
        while True:
            pong = self.ping()
            await self.until(pong.done)
            next_timer = pong.result()
            if next_timer is None or max(next_timer, least) >= seconds:
                return seconds
            step = max(next_timer, least)
            moved = self._move(step, stop=True)
            await self.until(moved.done)
            seconds -= step

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
        exchange.taken += 1
        return exchange.chunks.popleft()

    def tell_raised(self, exchange: OpenExchange, *, all_of_them: bool = False) -> None:
        """Tell of the exceptions that came before the next piece of the body, or of all."""
        raised = exchange.raised
        while raised and (all_of_them or raised[0][0] <= exchange.taken):
            self._listener.on_raised(raised.popleft()[1], exchange.request)

    def give_up(self, trouble: Exception) -> None:
        """Raise ``trouble``, a finding or an error of ours, in all who wait now or will wait."""
        if self.trouble is None:
            self.trouble = trouble
        self._waiters.wake()

    def close(self) -> None:
        """Close the wire, which ends the server's process."""
        if self.closed:
            return
        self._wire.close()
        for asking in tuple(self._pongs):
            asking.cancel()
        if self._watching is not None:
            self._watching.cancel()
        self._waiters.wake()

    # --- what the watchdog asks, while somebody waits ------------------------------------------

    @property
    def awaited(self) -> bool:
        """Whether anybody waits for this server."""
        return bool(self._waiters)

    @property
    def ready(self) -> bool:
        """Whether the app was loaded."""
        return self.loaded is not None

    @property
    def request_count(self) -> int:
        """How many requests were made."""
        return len(self._exchanges)

    @property
    def message_count(self) -> int:
        """How many messages went in either direction, other than the watchdog's own.

        What only keeps a connection alive is not counted.
        """
        return self._frames + self._sent - self._keep_alives

    def skip(self, seconds: float, *, hold: bool = False) -> asyncio.Future[float | None]:
        """Move the clock to a timer, and let it stand still there if it is to ``hold``.

        The future's result is the seconds to the next timer.
        """
        self.skipped_seconds += seconds
        return self._move(seconds, stop=hold)

    def free(self, seconds: float) -> None:
        """Move the clock, so that a sleep which blocks the event loop ends."""
        self.blocked_seconds += seconds
        self.skip(seconds)

    def look(self) -> Exception | None:
        """Return what else ends the server."""
        return self._listener.look()

    # --- what the server says ----------------------------------------------------------------

    def _on_data(self, data: bytes) -> None:
        try:
            self._read(data)
        except WireError as error:
            self._stop_reading(ProtocolBroken(f"the submission broke the protocol: {error}"))
        except Exception as trouble:  # noqa: BLE001 - those who wait must get an error of ours too
            self._stop_reading(trouble)
        self._waiters.wake()

    def _stop_reading(self, trouble: Exception) -> None:
        self._wire.stop_reading()
        self.give_up(trouble)

    def _read(self, data: bytes) -> None:
        if not data:
            raise self._listener.on_eof()
        self._bytes += len(data)
        limits = self._limits
        if self._bytes > limits.sent_mb * MEBIBYTE:
            raise self._listener.on_flood(f"sent more than {amount(limits.sent_mb)}")
        for payload in self._incoming.feed(data):
            self._frames += 1
            if self._frames > limits.messages:
                raise self._listener.on_flood(f"sent more than {limits.messages:,} pieces")
            self._act(parse(payload))

    def _act(self, frame: FromStudent) -> None:
        match frame:
            case ResponseStart() | ResponseBody() | ExchangeEnd() | ExchangeCrash():
                self._act_on_exchange(self._exchange(frame.exchange), frame)
            case ModelRequest():
                self._begin_call(frame)
            case ModelCancelled():
                self._calls.discard(frame.call)
                self._listener.on_model_cancelled(frame.call)
            case Pong() | Advanced():
                self._frames -= 1
                self._redeem(frame)
            case Raised():
                self._add_raised(frame)
            case Refused():
                self._listener.on_refused(frame)
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
                self._listener.on_request_done(None)
                exchange.ended = True
            case ExchangeCrash():
                crash = _once(exchange.crash, frame)
                self._listener.on_request_done(crash)
                exchange.crash = crash

    def _add_chunk(self, exchange: OpenExchange, frame: ResponseBody) -> None:
        if exchange.start is None or exchange.complete:
            raise ProtocolBroken("the submission broke the protocol: a body out of turn")
        exchange.complete = not frame.more
        exchange.size += len(frame.body)
        if exchange.size > self._limits.answer_mb * MEBIBYTE:
            raise self._listener.on_flood(
                f"sent an answer of more than {amount(self._limits.answer_mb)}"
            )
        self._keep_alives += keeps_alive(frame)
        if frame.body:
            exchange.received += 1
            exchange.chunks.append((frame.body, self._loop.time()))

    def _add_raised(self, frame: Raised) -> None:
        """Take an exception that the process tells of; past the first thousand they are dropped."""
        self._raised += 1
        if self._raised > _MOST_RAISED:
            return
        exchange = self._exchanges.get(frame.exchange)
        if exchange is None:
            self._listener.on_raised(frame, 0)
            return
        exchange.raised.append((exchange.received, frame))
        self.tell_raised(exchange)

    def _begin_call(self, frame: ModelRequest) -> None:
        if frame.call in self._calls:
            raise ProtocolBroken("the submission broke the protocol: a model call twice")
        self._calls.add(frame.call)
        self._begun_calls += 1
        self._asked_bytes += len(frame.body)
        limits = self._limits
        if self._begun_calls > limits.model_calls:
            raise self._listener.on_flood(
                f"called the model more than {limits.model_calls:,} times"
            )
        if self._asked_bytes > limits.asked_mb * MEBIBYTE:
            raise self._listener.on_flood(f"sent the model more than {amount(limits.asked_mb)}")
        self._listener.on_model_request(frame)

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
        trouble = await self._watchdog.watch()
        if isinstance(trouble, Blocked | RanAway):
            trouble.stood_at(await self._listener.whereabouts())
        if isinstance(trouble, Stalled | RanAway):
            # What comes later may still work.
            self._waiters.fail(trouble)
        elif trouble is not None:
            self._stop_reading(trouble)

    def _watched(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            # An error of ours: unless it is raised, everybody would wait for ever.
            self.give_up(error)

    def _move(self, seconds: float, *, stop: bool = False) -> asyncio.Future[float | None]:
        self.moved_seconds += seconds
        ticket, future = self._ticket()
        self.send(Advance(ticket=ticket, seconds=seconds, stop=stop))
        return future


def keeps_alive(frame: ResponseBody) -> bool:
    """Return whether a piece of an answer says nothing: only comments of server-sent events.

    That is what servers send while they have nothing to say, so it tells of no progress.
    """
    return frame.more and all(not line or line.startswith(b":") for line in frame.body.splitlines())


_T = TypeVar("_T")


def _once(before: _T | None, now: _T) -> _T:
    if before is not None:
        raise ProtocolBroken(f"the submission broke the protocol: {type(now).__name__} twice")
    return now


def _nothing_came_between(before: Activity, after: Activity) -> bool:
    return before == after and after.asleep
