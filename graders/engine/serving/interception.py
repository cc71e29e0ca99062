"""Answers the model's calls inside the server's own process; every other request goes its way.

Patches httpx and httpx2 as `host.relay` does, so it makes no difference which client or base URL
the student's code has made. Must not know what the model says.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import httpcore
import httpcore2
import httpx
import pytest_httpx2  # noqa: F401 - registers the "httpcore2" mocker with respx
import respx
from respx.models import PassThrough

from graders.engine.model import Chunk, Head, OutgoingCall, Refuse, Sent

Answering = Callable[[OutgoingCall], AsyncGenerator[Sent, None]]

PAUSE_SECONDS = 0.02
"""Between two pieces of an answer, so that a person can see it stream."""

_LIBRARIES = {"httpcore": httpcore, "httpcore2": httpcore2}


def intercept(answering: Answering, *, pause: float = PAUSE_SECONDS) -> None:
    """Let ``answering`` answer what it knows, from now on; what it refuses is really sent."""
    for name, library in _LIBRARIES.items():
        _Interceptor(answering, pause, library, using=name).start()


class _Interceptor(respx.MockRouter):
    """Answers for one of the two libraries."""

    def __init__(
        self, answering: Answering, pause: float, library: ModuleType, *, using: str
    ) -> None:
        super().__init__(assert_all_called=False, using=using)
        self._answering = answering
        self._pause = pause
        self._library = library
        self._numbers = itertools.count(1)

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        parts = self._answering(self._outgoing(request))
        head = self._head(await anext(parts), request)
        return httpx.Response(head.status, headers=list(head.headers), stream=_Body(parts, self))

    def handler(self, request: httpx.Request) -> httpx.Response:
        """Answer a blocking call whole: its thread may be that of a running event loop."""
        with ThreadPoolExecutor(1) as thread:
            first, *others = thread.submit(asyncio.run, self._collected(request)).result()
        head = self._head(first, request)
        body = b"".join(part.data for part in others if isinstance(part, Chunk))
        return httpx.Response(head.status, headers=list(head.headers), content=body)

    async def _collected(self, request: httpx.Request) -> list[Sent]:
        return [part async for part in self._answering(self._outgoing(request))]

    async def pieces(self, parts: AsyncGenerator[Sent, None]) -> AsyncIterator[bytes]:
        """Yield the bytes of a body, one piece after the other."""
        async for part in parts:
            if isinstance(part, Chunk):
                await asyncio.sleep(self._pause)
                yield part.data

    def _outgoing(self, request: httpx.Request) -> OutgoingCall:
        headers = tuple((name, value) for name, value in request.headers.items())
        return OutgoingCall(
            next(self._numbers), request.method, str(request.url), headers, request.content
        )

    def _head(self, first: Sent, request: httpx.Request) -> Head:
        match first:
            case Head():
                return first
            case Refuse(reason=reason):
                raise PassThrough(reason, request=request, origin=respx.Route())
            case _:
                raise self._library.ConnectError("the connection to the model broke")


class _Body(httpx.AsyncByteStream):
    def __init__(self, parts: AsyncGenerator[Sent, None], interceptor: _Interceptor) -> None:
        self._parts = parts
        self._interceptor = interceptor

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._interceptor.pieces(self._parts)

    async def aclose(self) -> None:
        await self._parts.aclose()
