"""The grader's own server for a page: the page, its commands, and the student's app behind it.

Every request that the page makes comes here, is read whole, written down and handed on to the
student's app over the wire. Must not know what a page is to do, nor judge what it asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.types import Message, Receive, Scope, Send

from graders.engine.core.errors import Finding
from graders.engine.web.recording import WebRequest

PAGE_PORT, API_PORT, SCRIPT_PORT = 5173, 8000, 8443
PAGE_ORIGIN = f"http://127.0.0.1:{PAGE_PORT}"
API_ORIGIN = f"http://127.0.0.1:{API_PORT}"
CONTROL = "/__grader/"
_MOST_BODY = 8 * 1024 * 1024
_MOST_REQUESTS = 2_000
_MOST_KEPT = 64 * 1024 * 1024
"""Bytes of all bodies of requests and answers that are kept of one page."""
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"}
_NOT_OURS, _REFUSED, _TOO_MUCH = 404, 403, 413

Answer = tuple[int, Sequence[tuple[str, str]], bytes]


class PageBackend(Protocol):
    """The server behind a page: what is asked there, and that it has come to rest."""

    @property
    def http(self) -> httpx.AsyncClient:
        """A client of it."""

    async def rest(self) -> None:
        """Wait until it has nothing left to do."""


@dataclass
class Script:
    """What becomes of a script that the page loads from elsewhere; ``asked`` counts the requests.

    ``held`` keeps them waiting until it is set; ``fails`` answers that there is nothing.
    """

    held: asyncio.Event = field(default_factory=asyncio.Event)
    fails: bool = False
    asked: int = 0


class PageServer:
    """Answers on the ports of one page.

    ``files`` are the page's own, by their paths; ``next_page`` is handed out once. What a page says
    comes to ``on_said``, whose result is the page's next command. ``trouble`` says why
    it can go on no more; nothing that is not written down is handed on to the app.
    """

    def __init__(self, student: PageBackend) -> None:
        self._student = student
        self.secret = secrets.token_hex(16)
        self.files: dict[str, tuple[str, bytes]] = {}
        self.pages: dict[str, bytes] = {}
        self.script = Script()
        self.requests: list[WebRequest] = []
        self.planted: list[Answer] = []
        self.activity = 0
        self.words = 0
        """How many times the script of the page has said something, or asked for a round."""
        self.trouble = ""
        self._kept = 0
        self.on_said: Callable[[Any], Awaitable[dict[str, Any]]] = _nobody

    @property
    def open_requests(self) -> int:
        """How many requests of the page have no answer yet."""
        return sum(not each.over and not each.status for each in self.requests)

    # --- ASGI apps, one for each port -------------------------------------------------------------

    async def page_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer on the port that the page comes from: itself, its commands, else the app."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        if _is_for_service_worker(scope):
            # It would stand between the page and the grader, and read what they say.
            await _answer(send, _REFUSED, "text/plain", b"a page has no service worker here")
        elif path.startswith(CONTROL):
            await self._control(scope, receive, send)
        elif scope["method"] == "GET" and path in self.pages and _is_navigation(scope):
            await _answer(send, 200, "text/html; charset=utf-8", self.pages.pop(path))
        elif path == "/favicon.ico":
            await _answer(send, _NOT_OURS, "text/plain", b"")
        elif _asks_for_page(scope):
            self.trouble = f"The page was left for `{path[:200]}`."
            await _answer(send, _NOT_OURS, "text/plain", b"no such page")
        else:
            await self._hand_on(scope, receive, send, PAGE_ORIGIN)

    async def api_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer on the other port: what comes is the student's app's."""
        if scope["type"] == "http":
            await self._hand_on(scope, receive, send, API_ORIGIN)

    async def script_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for the address that the script of the element is loaded from."""
        del receive
        if scope["type"] != "http":
            return
        script = self.script
        script.asked += 1
        self.activity += 1
        await script.held.wait()
        self.activity += 1
        if script.fails:
            await _answer(send, _NOT_OURS, "text/plain", b"")
        else:
            await _answer(send, 200, "text/javascript", b"// its element comes with it\n")

    # --- commands ---------------------------------------------------------------------------------

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"].removeprefix(CONTROL)
        if name in self.files:
            kind, content = self.files[name]
            await _answer(send, 200, kind, content)
            return
        if _headers(scope).get("x-grader") != self.secret:
            await _answer(send, _NOT_OURS, "text/plain", b"")
            return
        said = _said(await _read(receive))
        self.words += 1
        if name == "round":
            with contextlib.suppress(Finding):
                await self._student.rest()
            reply: dict[str, Any] = {"activity": self.activity, "open": self.open_requests}
        else:
            reply = await self.on_said(said)
        await _answer(send, 200, "application/json", json.dumps(reply).encode())

    # --- the student's app ------------------------------------------------------------------------

    async def _hand_on(self, scope: Scope, receive: Receive, send: Send, origin: str) -> None:
        body = await self._body(receive)
        if body is None or not self._has_room_for_request():
            await _answer(send, _TOO_MUCH, "text/plain", self.trouble.encode())
            return
        request = WebRequest(
            origin=origin,
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            headers=[(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]],
            body=body,
        )
        self.requests.append(request)
        self.activity += 1
        gone = asyncio.ensure_future(_gone(receive))
        asking = asyncio.ensure_future(self._ask(request, send))
        done, _ = await asyncio.wait({gone, asking}, return_when=asyncio.FIRST_COMPLETED)
        if asking not in done:
            request.left = True
            asking.cancel()
        gone.cancel()
        await asyncio.gather(gone, asking, return_exceptions=True)
        request.over = True
        self.activity += 1

    async def _body(self, receive: Receive) -> bytes | None:
        """Return the body of a request; ``None`` if it is more than is kept."""
        body = bytearray()
        while True:
            message: Message = await receive()
            if message["type"] == "http.disconnect":
                return bytes(body)
            chunk = message.get("body", b"")
            if len(body) + len(chunk) > _MOST_BODY:
                self.trouble = f"A request of the page had more than {_MOST_BODY >> 20} MiB."
            if self.trouble or not self._keep(chunk):
                return None
            body += chunk
            if not message.get("more_body"):
                return bytes(body)

    def _keep(self, chunk: bytes) -> bool:
        """Return whether there is room for more bytes, and take it."""
        if self._kept + len(chunk) > _MOST_KEPT:
            self.trouble = (
                f"The page's requests and their answers took more than {_MOST_KEPT >> 20} MiB."
            )
            return False
        self._kept += len(chunk)
        return True

    def _has_room_for_request(self) -> bool:
        if len(self.requests) >= _MOST_REQUESTS:
            self.trouble = f"The page sent more than {_MOST_REQUESTS:,} requests."
        return not self.trouble

    async def _ask(self, request: WebRequest, send: Send) -> None:
        if self.planted and not request.is_preflight:
            request.planted = True
            status, headers, body = self.planted.pop(0)
            await self._begin(request, send, status, headers)
            await self._go_on(request, send, body, more=False)
            return
        try:
            response = await self._student.http.send(_outgoing(request), stream=True)
        except Finding as finding:
            request.failure = finding.seen
            await self._begin(request, send, 502, ())
            await self._go_on(request, send, b"", more=False)
            return
        try:
            await self._begin(request, send, response.status_code, _plain(response))
            async for chunk in response.aiter_raw():
                await self._go_on(request, send, chunk, more=True)
            await self._go_on(request, send, b"", more=False)
        except Finding as finding:
            # The connection breaks, as it would have without the grader between.
            request.failure = finding.seen
            raise
        finally:
            await response.aclose()

    async def _begin(
        self, request: WebRequest, send: Send, status: int, headers: Sequence[tuple[str, str]]
    ) -> None:
        request.status = status
        request.answer_headers = tuple(headers)
        self.activity += 1
        raw = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers]
        await send({"type": "http.response.start", "status": status, "headers": raw})

    async def _go_on(self, request: WebRequest, send: Send, chunk: bytes, *, more: bool) -> None:
        if len(request.answer) < _MOST_BODY and self._keep(chunk):
            request.answer += chunk
        self.activity += 1
        await send({"type": "http.response.body", "body": chunk, "more_body": more})


@asynccontextmanager
async def listening(server: PageServer, listeners: Sequence[socket.socket]) -> AsyncIterator[None]:
    """Answer on the sockets for page, app and script until the end of the block."""
    with _certificate() as (certificate, key):
        apps = (server.page_app, server.api_app, server.script_app)
        tls: Sequence[Mapping[str, Any]] = (
            {},
            {},
            {"ssl_certfile": str(certificate), "ssl_keyfile": str(key)},
        )
        servers = [
            _QuietServer(
                uvicorn.Config(
                    app,
                    interface="asgi3",
                    lifespan="off",
                    proxy_headers=False,
                    log_config=None,
                    log_level="critical",
                    access_log=False,
                    server_header=False,
                    date_header=False,
                    ws="none",
                    http="h11",
                    h11_max_incomplete_event_size=256 * 1024,
                    timeout_keep_alive=3_600,
                    **extra,
                )
            )
            for app, extra in zip(apps, tls, strict=True)
        ]
        running = [
            asyncio.ensure_future(each.serve(sockets=[listener]))
            for each, listener in zip(servers, listeners, strict=True)
        ]
        try:
            yield
        finally:
            server.script.held.set()
            for each in servers:
                each.should_exit = True
                each.force_exit = True
            await asyncio.gather(*running, return_exceptions=True)


class _QuietServer(uvicorn.Server):
    """uvicorn's server inside our process: signals stay ours."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def _certificate() -> Iterator[tuple[Path, Path]]:
    """Yield the files of a certificate that only the grader's own browser takes for good."""
    from graders.engine.web.confined import own_folder  # noqa: PLC0415 - one folder maker

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cdn.platform.openai.com")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("cdn.platform.openai.com")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    with own_folder() as folder:
        folder.chmod(0o700)
        paths = folder / "certificate.pem", folder / "key.pem"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        yield paths


def _outgoing(request: WebRequest) -> httpx.Request:
    # A browser sends a header in Latin-1, and the client would take ASCII only.
    headers = [
        (n.encode("latin-1"), v.encode("latin-1"))
        for n, v in request.headers
        if n.lower() not in _HOP_BY_HOP
    ]
    url = f"{request.origin}{request.target}"
    return httpx.Request(request.method, url, headers=headers, content=request.body)


def _plain(response: httpx.Response) -> list[tuple[str, str]]:
    """Return the headers of an answer but for those that belong to one connection."""
    raw = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in response.headers.raw]
    return [(n, v) for n, v in raw if n.lower() not in _HOP_BY_HOP]


def _said(body: bytes) -> Any:
    """Return what the page says; where nobody can read it, that it could not go on."""
    try:
        said = json.loads(body)
        # A text may hold half a character, which no report can.
        return json.loads(json.dumps(said, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {"result": {"error": "what it says of itself cannot be read"}}


def _is_for_service_worker(scope: Scope) -> bool:
    headers = _headers(scope)
    return headers.get("sec-fetch-dest") == "serviceworker" or "service-worker" in headers


def _is_navigation(scope: Scope) -> bool:
    """Return whether the browser itself goes there; no script can write these headers."""
    headers = _headers(scope)
    return (
        headers.get("sec-fetch-dest") == "document" and headers.get("sec-fetch-mode") == "navigate"
    )


def _asks_for_page(scope: Scope) -> bool:
    return _headers(scope).get("sec-fetch-dest") in {"document", "iframe", "frame"}


def _headers(scope: Scope) -> dict[str, str]:
    return {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in scope["headers"]}


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        if len(body) < _MOST_BODY:
            body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(send: Send, status: int, kind: str, content: bytes) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(content)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})


async def _nobody(said: Any) -> dict[str, Any]:
    del said
    return {"do": "seen"}
