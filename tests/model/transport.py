"""Real clients over a scripted model, in one process: a transport is one method."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import httpx
import httpx2
from openai import AsyncOpenAI, OpenAI

from graders.engine.model import (
    Chunk,
    Drop,
    Head,
    OutgoingCall,
    Refuse,
    ScriptedModel,
    Sent,
)

_numbers = itertools.count(1)


def outgoing(
    body: bytes,
    path: str = "/v1/responses",
    *,
    method: str = "POST",
    headers: Sequence[tuple[str, str]] = (),
) -> OutgoingCall:
    url = f"https://model.test{path}"
    return OutgoingCall(next(_numbers), method, url, tuple(headers), body)


def from_request(request: httpx2.Request, body: bytes) -> OutgoingCall:
    headers = tuple(request.headers.multi_items())
    return OutgoingCall(next(_numbers), request.method, str(request.url), headers, body)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, parts: AsyncIterator[Sent], model: ScriptedModel, call_id: int) -> None:
        self._parts = parts
        self._model = model
        self._call_id = call_id

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._parts:
            if isinstance(part, Drop):
                message = "peer closed connection without sending complete message body"
                raise httpx2.RemoteProtocolError(message)
            if isinstance(part, Chunk):
                yield part.data

    async def aclose(self) -> None:
        self._model.cancelled(self._call_id)


class ModelTransport(httpx2.AsyncBaseTransport):
    """What the harness does with a wire in between."""

    def __init__(self, model: ScriptedModel) -> None:
        self._model = model

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Let the model answer, streaming."""
        call = from_request(request, await request.aread())
        parts = self._model.answer(call)
        first = await anext(parts)
        if isinstance(first, Refuse | Drop):
            message = first.reason if isinstance(first, Refuse) else "connection reset"
            raise httpx2.ConnectError(message, request=request)
        assert isinstance(first, Head)
        body = _Body(parts, self._model, call.id)
        return httpx2.Response(first.status, headers=list(first.headers), stream=body)


async def collect(model: ScriptedModel, call: OutgoingCall) -> list[Sent]:
    async with aclosing(model.answer(call)) as parts:
        return [part async for part in parts]


def body_of(parts: Sequence[Sent]) -> bytes:
    return b"".join(part.data for part in parts if isinstance(part, Chunk))


def async_client(model: ScriptedModel, key: str = "key-1", **options: object) -> AsyncOpenAI:
    http = httpx2.AsyncClient(transport=ModelTransport(model))
    return AsyncOpenAI(api_key=key, http_client=http, **options)  # type: ignore[arg-type]


def sync_client(model: ScriptedModel) -> OpenAI:
    def play(request: httpx2.Request) -> httpx2.Response:
        parts = asyncio.run(collect(model, from_request(request, request.read())))
        head = parts[0]
        assert isinstance(head, Head)
        return httpx2.Response(head.status, headers=list(head.headers), content=body_of(parts))

    return OpenAI(api_key="key-1", http_client=httpx2.Client(transport=httpx2.MockTransport(play)))


class OldTransport(httpx.AsyncBaseTransport):
    """The same for httpx, which older clients use."""

    def __init__(self, model: ScriptedModel) -> None:
        self._model = model

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Let the model answer, whole."""
        headers = tuple(request.headers.multi_items())
        body = await request.aread()
        call = OutgoingCall(next(_numbers), request.method, str(request.url), headers, body)
        parts = await collect(self._model, call)
        head = parts[0]
        assert isinstance(head, Head)
        return httpx.Response(head.status, headers=list(head.headers), content=body_of(parts))
