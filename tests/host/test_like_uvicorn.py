"""What an app learns of a request is what uvicorn would tell it, for the same bytes on a socket."""

from __future__ import annotations

import asyncio
import socket
import string
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
import uvicorn
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graders.engine.core.address import BASE_URL, SERVER
from graders.engine.host.exchanges import App, Exchanges
from graders.engine.server.link.transport import request_frame
from graders.engine.server.running import browser_client
from graders.engine.wire.frames import (
    ExchangeEnd,
    Request,
    RequestBody,
    ResponseBody,
    ResponseStart,
)
from tests.host.ends import connected

Learnt = tuple[dict[str, Any], bytes]
"""The scope that an app was called with, and the body that it received."""

_IN_A_PATH = "/%:@!$&'()*+,;=~"
_TOKEN = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"
# What frames a message is the connection's own, and no page can set it.
_OF_THE_CONNECTION = {
    "connection", "content-length", "expect", "host", "keep-alive", "transfer-encoding", "upgrade",
}  # fmt: skip
_VISIBLE = "".join(chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0x100)))

methods = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
_ASCII = "".join(map(chr, range(0x20, 0x7F)))
paths = st.text() | st.text("/.%2Ff;:@=&+ ~é€\U0001f600")
queries = st.text(_ASCII.replace("#", ""))
names = st.text(_TOKEN, min_size=1, max_size=12).filter(
    lambda name: name.lower() not in _OF_THE_CONNECTION
)
values = st.lists(st.text(_VISIBLE, min_size=1, max_size=8), max_size=3).map(" ".join)
headers = st.lists(st.tuples(names, values), max_size=6)


@given(methods, paths, queries, headers, st.binary(max_size=64))
@example("POST", "/chatkit", "", [("Authorization", "Bearer a"), ("authorization", "b")], b"{}")
@example("GET", "/a%2Fb/%25/ö", "q=%C3%B6&r=a+b", [("X-Twice", "1"), ("x-twice", "2")], b"")
@example("POST", "//", "?", [("Cookie", "a=1"), ("X-Last", "\xe9"), ("X-Empty", "")], b"")
@settings(max_examples=60, deadline=None)
def test_scope_is_that_of_uvicorn(
    method: str, path: str, query: str, given_headers: list[tuple[str, str]], body: bytes
) -> None:
    asyncio.run(_compare(method, path, query, given_headers, body))


async def _compare(
    method: str, path: str, query: str, given_headers: list[tuple[str, str]], body: bytes
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in given_headers]
    target = f"{quote(f'/{path}', safe=_IN_A_PATH)}?{query}"
    url = httpx.URL(BASE_URL).copy_with(raw_path=target.encode())
    async with browser_client(httpx.AsyncHTTPTransport()) as client:
        request = client.build_request(method, url, headers=raw, content=body or None)
    frame = request_frame(7, request)
    ours, uvicorns = await _told_here(frame, body), await _told_by_uvicorn(frame, body)
    assert ours == uvicorns


async def _told_here(frame: Request, body: bytes) -> Learnt:
    learnt: list[Learnt] = []
    with connected() as ends:
        exchanges = Exchanges(
            _listening(learnt),
            ends.connection,
            root="/nowhere",
            spec_version="2.3",
            tell=lambda _: None,
        )
        exchanges.begin(frame)
        exchanges.body(RequestBody(exchange=frame.exchange, body=body, more=False))
        for kind in (ResponseStart, ResponseBody, ExchangeEnd):
            await ends.hear(kind)
    (told,) = learnt
    return _comparable(told, SERVER[1])


async def _told_by_uvicorn(frame: Request, body: bytes) -> Learnt:
    learnt: list[Learnt] = []
    async with _uvicorn(_listening(learnt)) as port:
        reader, writer = await asyncio.open_connection(SERVER[0], port)
        writer.write(_on_the_line(frame) + body)
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")
        writer.close()
        await writer.wait_closed()
    (told,) = learnt
    return _comparable(told, port)


def _on_the_line(frame: Request) -> bytes:
    target = f"{frame.path}?{frame.query}" if frame.query else frame.path
    lines = [f"{frame.method} {target} HTTP/1.1", *(f"{n}: {v}" for n, v in frame.headers)]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


def _listening(learnt: list[Learnt]) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        learnt.append((scope, body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    return app


def _comparable(told: Learnt, port: int) -> Learnt:
    """Put a word in place of the ports, after a look at them: each connection has its own."""
    scope, body = told
    host, number = scope["client"]
    assert number >= 1024
    assert scope["server"] == (SERVER[0], port)
    return {**scope, "client": (host, "a port"), "server": (SERVER[0], "the port")}, body


@asynccontextmanager
async def _uvicorn(app: App) -> AsyncIterator[int]:
    """Serve ``app`` with the real uvicorn; give the port."""
    config = uvicorn.Config(app, lifespan="off", log_level="critical", ws="none")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.socket() as sock:
        sock.bind((SERVER[0], 0))
        await server.startup(sockets=[sock])
        try:
            yield sock.getsockname()[1]
        finally:
            await server.shutdown(sockets=[sock])
