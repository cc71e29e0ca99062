"""Serves HTTP exchanges: an ASGI scope per request, frames for what the app sends.

Must not know ChatKit. Behaves as uvicorn does where the ASGI text leaves room, so that an app which
works under ``uvicorn server:app`` works here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from graders.engine.core.address import CLIENT_HOST, EPHEMERAL_PORTS, SERVER
from graders.engine.core.limits import MAX_HEADER_BYTES, MAX_HEADERS
from graders.engine.host.connection import HostConnection
from graders.engine.host.raised import EXCHANGE
from graders.engine.host.tracebacks import describe, name_of, own_traceback
from graders.engine.wire.frames import (
    Disconnect,
    ExchangeCrash,
    ExchangeEnd,
    Request,
    RequestBody,
    ResponseBody,
    ResponseStart,
)

Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]

_PIECE_BYTES = 1024 * 1024
"""Largest piece of a body in one frame; base64 makes a third more of it."""


class AsgiMisuseError(RuntimeError):
    """The app sent something that the ASGI specification does not allow at this point."""


class ClientGoneError(OSError):
    """What ``send`` raises after a disconnect, as ASGI 2.4 asks."""


class Exchange:
    """One request and its response; ``receive`` and ``send`` are what the app is called with."""

    def __init__(self, number: int, connection: HostConnection, *, raise_when_gone: bool) -> None:
        self._number = number
        self._connection = connection
        self._raise_when_gone = raise_when_gone
        self._messages: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._gone = False
        self.started = False
        self.complete = False

    def arrive(self, body: bytes, *, more: bool) -> None:
        """Note that a piece of the request's body has come."""
        self._messages.append({"type": "http.request", "body": body, "more_body": more})
        self._arrived.set()

    def disconnect(self) -> None:
        """Note that the client has gone away."""
        self._gone = True
        self._arrived.set()

    async def receive(self) -> Message:
        """Return the next piece of the request, or ``http.disconnect``."""
        while not self._messages:
            if self._gone or self.complete:
                return {"type": "http.disconnect"}
            self._arrived.clear()
            await self._arrived.wait()
        return self._messages.popleft()

    async def send(self, message: Message) -> None:
        """Pass a message of the app on; raises :class:`AsgiMisuseError` for one out of turn."""
        kind = message.get("type")
        if self._gone:
            if self._raise_when_gone:
                raise ClientGoneError("the client has disconnected")
            return
        if kind == "http.response.start":
            self._start(message)
        elif kind == "http.response.body":
            self._body(message)
        else:
            raise AsgiMisuseError(f"the app sent a message of type {kind!r} in an HTTP exchange")
        await self._connection.drain()

    def _start(self, message: Message) -> None:
        if self.started:
            raise AsgiMisuseError("the app sent http.response.start twice")
        status = message.get("status")
        if not isinstance(status, int) or not 100 <= status <= 999:
            raise AsgiMisuseError(f"the app sent the status {status!r:.40}, which is none")
        headers = _headers(message.get("headers") or ())
        _require_few(headers)
        self._connection.send(
            ResponseStart(exchange=self._number, status=int(status), headers=headers)
        )
        self.started = True

    def _body(self, message: Message) -> None:
        if not self.started:
            raise AsgiMisuseError("the app sent a body before http.response.start")
        if self.complete:
            raise AsgiMisuseError("the app sent a body after its response was complete")
        body = message.get("body", b"")
        if not isinstance(body, (bytes, bytearray, memoryview)):
            raise AsgiMisuseError(f"the app sent a body of type {type(body).__name__}, not bytes")
        more = bool(message.get("more_body", False))
        self._send_pieces(bytes(body), more=more)
        if not more:
            self.complete = True
            self._arrived.set()

    def _send_pieces(self, body: bytes, *, more: bool) -> None:
        for start in range(0, max(len(body), 1), _PIECE_BYTES):
            piece = body[start : start + _PIECE_BYTES]
            last = start + _PIECE_BYTES >= len(body)
            self._connection.send(
                ResponseBody(exchange=self._number, body=piece, more=more or not last)
            )


class Exchanges:
    """All exchanges of one app; acts on the frames that concern them.

    ``tell`` is called with each exception that leaves the app, also with one that ends the process.
    """

    def __init__(
        self,
        app: App,
        connection: HostConnection,
        *,
        root: str,
        spec_version: str,
        tell: Callable[[BaseException], None],
    ) -> None:
        self._app = app
        self._connection = connection
        self._root = root
        self._spec_version = spec_version
        self._tell = tell
        self._open: dict[int, Exchange] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.state: dict[str, Any] = {}

    def begin(self, frame: Request) -> None:
        """Call the app for a new request."""
        exchange = Exchange(
            frame.exchange, self._connection, raise_when_gone=self._spec_version >= "2.4"
        )
        self._open[frame.exchange] = exchange
        task = asyncio.get_running_loop().create_task(self._run(frame, exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def body(self, frame: RequestBody) -> None:
        """Hand a piece of the request's body to its exchange."""
        if exchange := self._open.get(frame.exchange):
            exchange.arrive(frame.body, more=frame.more)

    def disconnect(self, frame: Disconnect) -> None:
        """Tell an exchange that its client has gone."""
        if exchange := self._open.get(frame.exchange):
            exchange.disconnect()

    async def _run(self, frame: Request, exchange: Exchange) -> None:
        number = frame.exchange
        EXCHANGE.set(number)
        try:
            await self._call(frame, exchange)
        # Whatever the student's app raises is reported, cancellation too: nobody here cancels it.
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
            self._connection.send(
                ExchangeCrash(
                    exchange=number,
                    misuse=isinstance(error, AsgiMisuseError),
                    error=name_of(error),
                    message=describe(error),
                    detail=own_traceback(error, self._root),
                )
            )
        else:
            self._connection.send(ExchangeEnd(exchange=number))
        finally:
            exchange.complete = True
            self._open.pop(number, None)

    async def _call(self, frame: Request, exchange: Exchange) -> None:
        try:
            await self._app(self._scope(frame), exchange.receive, exchange.send)
        except BaseException as error:
            self._tell(error)
            raise

    def _scope(self, frame: Request) -> Message:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": self._spec_version},
            "http_version": "1.1",
            "method": frame.method,
            "scheme": "http",
            "path": unquote(frame.path),
            "raw_path": frame.path.encode("latin-1"),
            "query_string": frame.query.encode("latin-1"),
            "root_path": "",
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in frame.headers
            ],
            "client": (CLIENT_HOST, EPHEMERAL_PORTS[frame.exchange % len(EPHEMERAL_PORTS)]),
            "server": SERVER,
            "state": dict(self.state),
        }


def _headers(pairs: Any) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((_latin(name), _latin(value)) for name, value in pairs)
    except (TypeError, ValueError):
        raise AsgiMisuseError("the app sent headers that are not pairs of bytes") from None


def _require_few(headers: tuple[tuple[str, str], ...]) -> None:
    """Refuse what would not fit a frame, and what no client takes either."""
    size = sum(len(name) + len(value) for name, value in headers)
    if size > MAX_HEADER_BYTES or len(headers) > MAX_HEADERS:
        raise AsgiMisuseError(
            f"the app sent {len(headers):,} headers of {size:,} bytes; the grader takes at most "
            f"{MAX_HEADERS:,} headers of {MAX_HEADER_BYTES:,} bytes together"
        )


def _latin(value: object) -> str:
    if not isinstance(value, (bytes, bytearray)):
        raise AsgiMisuseError(f"the app sent a header of type {type(value).__name__}, not bytes")
    return bytes(value).decode("latin-1")
