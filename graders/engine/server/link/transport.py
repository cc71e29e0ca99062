"""An httpx transport that carries a request to a student's app over the link, streaming both ways.

Unlike ``httpx.ASGITransport`` it hands out each chunk as it comes, tells the app when the client
leaves, and hands out what was sent before a crash. Must not know ChatKit.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx

from graders.engine.core.errors import Finding
from graders.engine.server.link.link import Link, OpenExchange
from graders.engine.server.trouble import ServerTrouble
from graders.engine.wire.frames import ExchangeCrash, Request, RequestBody

REQUEST = "chatkit_request"
"""The request extension that holds the serial number of the request in the transcript."""
EXCHANGE = "chatkit_exchange"
"""The response extension that holds the :class:`OpenExchange`."""
CHUNKS = "chatkit_chunks"
"""The response extension that holds the :class:`ExchangeStream`, which can be asked again."""

_PIECE_BYTES = 1024 * 1024
_ORDER = (
    b"host", b"user-agent", b"accept", b"accept-language", b"accept-encoding", b"content-type",
    b"content-length", b"connection",
)  # fmt: skip
_SERVER_ERROR = 500


class AppCrashed(ServerTrouble):
    """The app raised an exception; what it had sent before was handed out first."""

    def __init__(self, crash: ExchangeCrash) -> None:
        what = "misused ASGI" if crash.misuse else f"raised {crash.error}"
        super().__init__(f"the app {what}: {crash.message}" if crash.message else f"the app {what}")
        self.crash = crash


class StudentTransport(httpx.AsyncBaseTransport):
    """Sends every request to the one app behind ``link``, whatever host its URL names.

    Raises :class:`ServerTrouble` where the server makes an answer impossible.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return once status and headers are there."""
        exchange = self._link.open_exchange(
            f"{request.method} {request.url.path}", request=request.extensions.get(REQUEST, 0)
        )
        self._link.send(request_frame(exchange.number, request))
        await self._send_body(exchange, request)
        try:
            await self._link.until(lambda: exchange.start is not None or exchange.over)
        except BaseException:
            self._link.leave(exchange)
            raise
        return self._response(exchange)

    async def _send_body(self, exchange: OpenExchange, request: httpx.Request) -> None:
        body = await request.aread()
        for start in range(0, max(len(body), 1), _PIECE_BYTES):
            piece = body[start : start + _PIECE_BYTES]
            more = start + _PIECE_BYTES < len(body)
            self._link.send(RequestBody(exchange=exchange.number, body=piece, more=more))

    def _response(self, exchange: OpenExchange) -> httpx.Response:
        if exchange.start is None:
            raise _without_response(exchange)
        chunks = ExchangeStream(self._link, exchange)
        return PlainResponse(
            exchange.start.status,
            headers=[(_bytes(name), _bytes(value)) for name, value in exchange.start.headers],
            stream=chunks,
            extensions={EXCHANGE: exchange, CHUNKS: chunks},
        )


class PlainResponse(httpx.Response):
    """A response that is what it is: httpx works out no redirect from it, which may be nonsense."""

    @property
    def has_redirect_location(self) -> bool:
        """Never, as far as the client is concerned."""
        return False


class ExchangeStream(httpx.AsyncByteStream):
    """The body of a response, a chunk as it comes; closing it early is a client that leaves."""

    def __init__(self, link: Link, exchange: OpenExchange) -> None:
        self._link = link
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self.next()) is not None:
            yield chunk

    async def next(self) -> bytes | None:
        """Wait for the next chunk; ``None`` at the end. May be tried again after it raised."""
        exchange = self._exchange
        self._link.tell_raised(exchange)
        await self._link.until(lambda: bool(exchange.chunks) or exchange.over)
        if chunk := self._link.take_chunk(exchange):
            return chunk[0]
        if exchange.complete:
            await self._hear_why()
            return None
        raise _cut_short(exchange)

    async def _hear_why(self) -> None:
        """Let an exception that became a status come in: the app raises it after its answer."""
        exchange = self._exchange
        if exchange.start is not None and exchange.start.status >= _SERVER_ERROR:
            with contextlib.suppress(ServerTrouble):
                await self._link.until(lambda: exchange.ended or exchange.crash is not None)

    async def aclose(self) -> None:
        """Leave, if the response is not over."""
        self._link.tell_raised(self._exchange, all_of_them=True)
        self._link.leave(self._exchange)


def _without_response(exchange: OpenExchange) -> Finding:
    if exchange.crash is not None:
        return AppCrashed(exchange.crash)
    return ServerTrouble("the app returned without sending a response")


def _cut_short(exchange: OpenExchange) -> Finding:
    if exchange.crash is not None:
        return AppCrashed(exchange.crash)
    return ServerTrouble("the app returned before its response was complete")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def request_frame(number: int, request: httpx.Request) -> Request:
    """Return the frame of a request as it would stand on a connection to the server."""
    path, _, query = request.url.raw_path.decode("latin-1").partition("?")
    headers = sorted(request.headers.raw, key=lambda pair: _place(pair[0]))
    return Request(
        exchange=number,
        method=request.method,
        path=path,
        query=query,
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers),
    )


def _place(name: bytes) -> int:
    """Return where a browser writes a header; what a page adds comes before the cookies."""
    lower = name.lower()
    if lower in _ORDER:
        return _ORDER.index(lower)
    return len(_ORDER) + (lower == b"cookie")
