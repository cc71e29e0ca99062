"""Relays each HTTP request that leaves the student's process to the grader, and its answer back.

Patches httpx and httpx2 one level down, at httpcore and httpcore2, with respx's mockers: so it
makes no difference which client, base URL or transport the student's code has made. Must not know
what a model is: the grader answers, refuses or drops.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import httpcore
import httpcore2
import httpx
import pytest_httpx2  # noqa: F401 - registers the "httpcore2" mocker with respx
import respx
from respx.mocks import Mocker

from graders.engine.core.limits import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_METHOD_CHARACTERS,
    MAX_MODEL_REQUEST_BYTES,
    MAX_URL_CHARACTERS,
)
from graders.engine.host.connection import HostConnection
from graders.engine.wire.frames import (
    ModelCancelled,
    ModelChunk,
    ModelDrop,
    ModelEnd,
    ModelHead,
    ModelRequest,
    Refused,
)

Answer = ModelHead | ModelChunk | ModelEnd | ModelDrop

TOO_LARGE = "request_too_large"
"""The code of the answer to a request that is larger than the grader takes."""

_MOCKERS = {"httpcore": httpcore, "httpcore2": httpcore2}
"""respx's mockers by name, and the library that each patches."""

# What a re-framed answer must not carry: it would describe bytes that no longer exist.
_HOP_HEADERS = frozenset({"transfer-encoding", "content-encoding", "connection"})


class Call:
    """One request on its way; frames of its answer arrive here and are taken in either style."""

    def __init__(self, number: int) -> None:
        self.number = number
        # The loop that waits, which is another than ours when the student runs one in a thread.
        self._waiting: asyncio.AbstractEventLoop | None = None
        self._frames: deque[Answer] = deque()
        self._condition = threading.Condition()
        self._event = asyncio.Event()
        self.over = False

    def arrive(self, frame: Answer) -> None:
        """Take in a frame of the answer; called in the event loop's thread."""
        with self._condition:
            self._frames.append(frame)
            self._condition.notify_all()
        if self._waiting is not None:
            self._waiting.call_soon_threadsafe(self._event.set)

    async def take(self) -> Answer:
        """Wait for the next frame, in any event loop."""
        self._waiting = asyncio.get_running_loop()
        while not self._frames:
            self._event.clear()
            if not self._frames:
                await self._event.wait()
        return self._frames.popleft()

    def take_blocking(self, pump: Callable[[], None] | None) -> Answer:
        """Wait for the next frame in a thread, or, with ``pump``, in the event loop's own."""
        if pump is not None:
            while not self._frames:
                pump()
            return self._frames.popleft()
        with self._condition:
            self._condition.wait_for(lambda: bool(self._frames))
            return self._frames.popleft()


def patch_libraries() -> None:
    """Take over httpx and httpx2 ahead of time; nothing answers until a :class:`Relay` does.

    The patching itself costs milliseconds: the fork server does it once for all its children.
    """
    for name in _MOCKERS:
        Mocker.registry[name].start()


class Relay:
    """The open calls of this process, by number."""

    def __init__(self, connection: HostConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._open: dict[int, Call] = {}

    def install(self) -> None:
        """Take over httpx and httpx2, for good."""
        for name, library in _MOCKERS.items():
            _Router(self, library, using=name).start()

    def arrive(self, frame: Answer) -> None:
        """Hand a frame of the grader's to the call that waits for it."""
        if call := self._open.get(frame.call):
            call.arrive(frame)

    def refusal(self, request: httpx.Request) -> httpx.Response | None:
        """Return the answer to a request that fits no frame, as a provider would give it."""
        excess = _excess(request)
        if not excess:
            return None
        self._connection.send(Refused(what="ask", target=excess))
        message = f"The request is too large for the grader: {excess}."
        return httpx.Response(413, json={"error": {"message": message, "code": TOO_LARGE}})

    def begin(self, request: httpx.Request) -> Call:
        """Send ``request`` out as a frame."""
        call = Call(next(self._numbers))
        self._open[call.number] = call
        self._connection.send(
            ModelRequest(
                call=call.number,
                method=request.method,
                url=str(request.url),
                headers=tuple(
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in request.headers.raw
                ),
                body=request.content,
            )
        )
        return call

    def finish(self, call: Call) -> None:
        """Forget ``call``; tell the grader when its answer was not read to the end."""
        if self._open.pop(call.number, None) is not None and not call.over:
            self._connection.send(ModelCancelled(call=call.number))

    def pump(self) -> Callable[[], None] | None:
        """Return what a blocking wait must do meanwhile, if it blocks the event loop."""
        if self._connection.in_loop_thread():
            return lambda: self._connection.pump(None)
        return None


class _Router(respx.MockRouter):
    """Answers for one of the two libraries, raising that library's own exceptions."""

    def __init__(self, relay: Relay, library: ModuleType, *, using: str) -> None:
        super().__init__(assert_all_called=False, using=using)
        self._relay = relay
        self._library = library

    async def async_handler(self, request: httpx.Request) -> httpx.Response:
        if refusal := self._relay.refusal(request):
            return refusal
        call = self._relay.begin(request)
        try:
            head = self._head(call, await call.take())
        except BaseException:
            self._relay.finish(call)
            raise
        return httpx.Response(head.status, headers=_headers(head), stream=_Async(self, call))

    def handler(self, request: httpx.Request) -> httpx.Response:
        if refusal := self._relay.refusal(request):
            return refusal
        call = self._relay.begin(request)
        try:
            head = self._head(call, call.take_blocking(self._relay.pump()))
        except BaseException:
            self._relay.finish(call)
            raise
        return httpx.Response(head.status, headers=_headers(head), stream=_Sync(self, call))

    def data(self, call: Call, frame: Answer) -> bytes | None:
        """Return the bytes of ``frame``, ``None`` at the end; raises when the connection broke."""
        if isinstance(frame, ModelChunk):
            return frame.data
        call.over = True
        if isinstance(frame, ModelDrop):
            raise self._library.ReadError("the connection to the model broke")
        return None

    def _head(self, call: Call, frame: Answer) -> ModelHead:
        if isinstance(frame, ModelHead):
            return frame
        call.over = True
        reason = frame.refused if isinstance(frame, ModelDrop) else ""
        raise self._library.ConnectError(reason or "the connection to the model broke")


def _excess(request: httpx.Request) -> str:
    """Tell what of ``request`` is larger than a frame may hold it, or nothing."""
    headers = sum(len(name) + len(value) for name, value in request.headers.raw)
    counted = (
        ("body of {:,} bytes", len(request.content), MAX_MODEL_REQUEST_BYTES),
        ("headers of {:,} bytes", headers, MAX_HEADER_BYTES),
        ("{:,} headers", len(request.headers.raw), MAX_HEADERS),
        ("URL of {:,} characters", len(str(request.url)), MAX_URL_CHARACTERS),
        ("method of {:,} characters", len(request.method), MAX_METHOD_CHARACTERS),
    )
    for told, size, most in counted:
        if size > most:
            return f"{told.format(size)}, at most {most:,}"
    return ""


class _Async(httpx.AsyncByteStream):
    def __init__(self, router: _Router, call: Call) -> None:
        self._router = router
        self._call = call

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (data := self._router.data(self._call, await self._call.take())) is not None:
            yield data

    async def aclose(self) -> None:
        self._router._relay.finish(self._call)  # noqa: SLF001 - one unit with its router


class _Sync(httpx.SyncByteStream):
    def __init__(self, router: _Router, call: Call) -> None:
        self._router = router
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        pump = self._router._relay.pump()  # noqa: SLF001 - one unit with its router
        while (data := self._router.data(self._call, self._call.take_blocking(pump))) is not None:
            yield data

    def close(self) -> None:
        self._router._relay.finish(self._call)  # noqa: SLF001 - one unit with its router


def _headers(head: ModelHead) -> list[tuple[str, str]]:
    return [(name, value) for name, value in head.headers if name.lower() not in _HOP_HEADERS]


def silence_tls() -> None:
    """Make TLS contexts cheap: nothing here ever speaks TLS, and loading the roots costs 90 ms."""
    import ssl  # noqa: PLC0415 - only this function needs it

    def load_nothing(*_args: Any, **_kwargs: Any) -> None:
        return None

    for name in ("load_verify_locations", "load_default_certs"):
        with contextlib.suppress(AttributeError, TypeError):
            setattr(ssl.SSLContext, name, load_nothing)
