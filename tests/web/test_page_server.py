"""What the grader's server for a page keeps, and what it refuses."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from graders.engine.web import page_server
from graders.engine.web.page_server import PageServer

MIB = 1024 * 1024


class CountingBackend:
    """A backend that answers with a text of some length and counts what it is asked."""

    def __init__(self, answer: bytes = b"") -> None:
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self.asked = 0
        self._text = answer

    async def rest(self) -> None:
        """Be at rest."""

    def _answer(self, request: httpx.Request) -> httpx.Response:
        del request
        self.asked += 1

        async def text() -> Any:
            yield self._text

        return httpx.Response(200, content=text())


async def ask(server: PageServer, body: bytes = b"", **headers: bytes) -> int:
    """Send a request as the page's browser does; return the status of its answer."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/chatkit",
        "raw_path": b"/chatkit",
        "query_string": b"",
        "headers": [(name.replace("_", "-").encode(), value) for name, value in headers.items()],
    }
    coming = [{"type": "http.request", "body": body}]
    statuses = []

    async def receive() -> Any:
        if not coming:
            await asyncio.Event().wait()
        return coming.pop()

    async def send(message: Any) -> None:
        if "status" in message:
            statuses.append(message["status"])

    await server.api_app(scope, receive, send)
    return int(statuses[0])


def test_bodies_of_requests_are_kept_up_to_a_sum() -> None:
    async def play() -> tuple[list[int], PageServer, CountingBackend]:
        backend = CountingBackend()
        server = PageServer(backend)
        return [await ask(server, b"x" * 8 * MIB) for _ in range(9)], server, backend

    statuses, server, backend = asyncio.run(play())
    assert statuses == [200] * 8 + [413]
    assert server.trouble == "The page's requests and their answers took more than 64 MiB."
    assert backend.asked == len(server.requests) == 8


def test_answers_count_as_well() -> None:
    async def play() -> PageServer:
        server = PageServer(CountingBackend(b"x" * 8 * MIB))
        for _ in range(9):
            await ask(server)
        return server

    server = asyncio.run(play())
    assert "64 MiB" in server.trouble
    assert sum(len(each.answer) for each in server.requests) == 64 * MIB


def test_body_that_is_too_long_is_not_handed_on_in_part() -> None:
    async def play() -> tuple[int, PageServer, CountingBackend]:
        backend = CountingBackend()
        server = PageServer(backend)
        return await ask(server, b"x" * (8 * MIB + 1)), server, backend

    status, server, backend = asyncio.run(play())
    assert (status, backend.asked) == (413, 0)
    assert server.trouble == "A request of the page had more than 8 MiB."


def test_request_that_is_not_written_down_is_not_handed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_server, "_MOST_REQUESTS", 3)

    async def play() -> tuple[list[int], PageServer, CountingBackend]:
        backend = CountingBackend()
        server = PageServer(backend)
        return [await ask(server) for _ in range(4)], server, backend

    statuses, server, backend = asyncio.run(play())
    assert statuses == [200, 200, 200, 413]
    assert server.trouble == "The page sent more than 3 requests."
    assert backend.asked == 3


def test_header_in_latin_1_reaches_the_backend() -> None:
    async def play() -> tuple[int, PageServer]:
        server = PageServer(CountingBackend())
        return await ask(server, x_page="Über".encode("latin-1")), server

    status, server = asyncio.run(play())
    assert status == 200
    assert server.requests[0].header("x-page") == "Über"
