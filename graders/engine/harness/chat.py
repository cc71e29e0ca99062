"""A user's ChatKit client: every request of the protocol, written as the real client writes it.

Judges nothing: a :class:`Reply` or :class:`Stream` holds whatever came. Must not know a lesson.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Any, Literal

import httpx

from graders.engine.core.address import NAME
from graders.engine.core.errors import Finding
from graders.engine.core.text import quote
from graders.engine.harness.stream import Stream
from graders.engine.server.link.transport import REQUEST
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import ServerDied, ServerTrouble

Order = Literal["asc", "desc"]
_EXCERPT = 200
_MOVED = frozenset({307, 308})


@dataclass(frozen=True)
class Reply:
    """An answer that does not stream; ``serial`` is its place in the transcript."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    serial: int

    @property
    def json(self) -> Any:
        """The body read as JSON; a :class:`Finding` when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Finding(
                f"the answer (status {self.status}) is not JSON: {self.excerpt}", mark=self.serial
            ) from None

    @property
    def object(self) -> dict[str, Any]:
        """The body as a JSON object of a successful answer; a :class:`Finding` otherwise."""
        if self.status != 200:
            raise Finding(
                f"the server answered with status {self.status}: {self.excerpt}",
                hint="status",
                mark=self.serial,
            )
        value = self.json
        if type(value) is not dict:
            raise Finding(
                f"the answer is a JSON {type(value).__name__}, not an object: {self.excerpt}",
                mark=self.serial,
            )
        return value

    @property
    def excerpt(self) -> str:
        """The beginning of the body, safe to show."""
        return quote(self.body[:2_000].decode("utf-8", "replace"), _EXCERPT)


class _CookiePolicy(DefaultCookiePolicy):
    """Takes cookies as browsers do on localhost.

    It counts as secure, so `Secure` needs no https, and a cookie may have it as its `Domain`.
    """

    def set_ok_domain(self, cookie: Cookie, request: Any) -> bool:
        return _is_own(cookie) or super().set_ok_domain(cookie, request)

    def return_ok_domain(self, cookie: Cookie, request: Any) -> bool:
        return _is_own(cookie) or super().return_ok_domain(cookie, request)


def _is_own(cookie: Cookie) -> bool:
    return cookie.domain.lstrip(".") == NAME


class Chat:
    """One user's view of a server.

    ``headers``, the parameters ``query`` of the URL and the cookies it got go with each request.
    So do the headers that ``sign_in`` makes anew for each, where ``headers`` has none of that name.
    """

    def __init__(
        self,
        http: Callable[[], httpx.AsyncClient],
        endpoint: str,
        trace: Trace,
        *,
        headers: Mapping[str, str] | None = None,
        sign_in: Callable[[], Mapping[str, str]] = dict,
        name: str = "user",
    ) -> None:
        self._http = http
        self._sign_in = sign_in
        self._endpoint = endpoint
        self._trace = trace
        self.headers = dict(headers or {})
        self.query: dict[str, str] = {}
        self.cookies = httpx.Cookies(CookieJar(_CookiePolicy(secure_protocols=("http", "https"))))
        self.name = name

    # --- requests that stream ------------------------------------------------------------------

    async def create(self, text: str, **options: Any) -> Stream:
        """Begin a thread with a message (``threads.create``)."""
        return await self.stream("threads.create", {"input": user_input(text, **options)})

    async def say(self, thread_id: str, text: str, **options: Any) -> Stream:
        """Say something in a thread (``threads.add_user_message``)."""
        params = {"thread_id": thread_id, "input": user_input(text, **options)}
        return await self.stream("threads.add_user_message", params)

    async def retry(self, thread_id: str, item_id: str) -> Stream:
        """Ask for another answer to a message (``threads.retry_after_item``)."""
        params = {"thread_id": thread_id, "item_id": item_id}
        return await self.stream("threads.retry_after_item", params)

    async def client_tool_output(self, thread_id: str, result: Any) -> Stream:
        """Hand in what a client tool gave (``threads.add_client_tool_output``)."""
        params = {"thread_id": thread_id, "result": result}
        return await self.stream("threads.add_client_tool_output", params)

    async def custom_action(
        self, thread_id: str, kind: str, payload: Any = None, *, item_id: str | None = None
    ) -> Stream:
        """Press a widget's button (``threads.custom_action``)."""
        params = {"thread_id": thread_id, "action": {"type": kind, "payload": payload}}
        if item_id is not None:
            params["item_id"] = item_id
        return await self.stream("threads.custom_action", params)

    async def stream(
        self, kind: str, params: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
    ) -> Stream:
        """Send any request that streams; return as soon as its headers are there."""
        serial = self._trace.add("client", kind, f"{self.name}: {_told(params)}")
        body = _body(kind, params, metadata)
        response = await self._answer(body, {"accept": "text/event-stream"}, serial)
        return Stream(response, self._trace, request_serial=serial)

    # --- requests that do not stream -----------------------------------------------------------

    async def get(self, thread_id: str) -> Reply:
        """Load a thread (``threads.get_by_id``)."""
        return await self.ask("threads.get_by_id", {"thread_id": thread_id})

    async def list(
        self, *, limit: int | None = None, order: Order | None = None, after: str | None = None
    ) -> Reply:
        """List the user's threads (``threads.list``)."""
        return await self.ask("threads.list", _page(limit, order, after))

    async def items(
        self,
        thread_id: str,
        *,
        limit: int | None = None,
        order: Order | None = None,
        after: str | None = None,
    ) -> Reply:
        """List a thread's items (``items.list``)."""
        page = _page(limit, order, after)
        return await self.ask("items.list", {"thread_id": thread_id, **page})

    async def update(self, thread_id: str, title: str) -> Reply:
        """Set a thread's title (``threads.update``)."""
        return await self.ask("threads.update", {"thread_id": thread_id, "title": title})

    async def delete(self, thread_id: str) -> Reply:
        """Delete a thread (``threads.delete``)."""
        return await self.ask("threads.delete", {"thread_id": thread_id})

    async def feedback(
        self, thread_id: str, item_ids: Sequence[str], kind: Literal["positive", "negative"]
    ) -> Reply:
        """Judge items (``items.feedback``)."""
        params = {"thread_id": thread_id, "item_ids": [*item_ids], "kind": kind}
        return await self.ask("items.feedback", params)

    async def ask(
        self, kind: str, params: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
    ) -> Reply:
        """Send any request that does not stream."""
        serial = self._trace.add("client", kind, f"{self.name}: {_told(params)}")
        return await self._send(_body(kind, params, metadata), {}, serial)

    async def raw(
        self, body: bytes | Mapping[str, Any], *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a body as it is, well-formed or not, and read the whole answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        shown = quote(data[:500].decode("utf-8", "replace"), 120)
        serial = self._trace.add("client", "request", f"{self.name}: {shown}")
        return await self._send(data, headers or {}, serial)

    def _request(self, body: bytes, headers: Mapping[str, str], serial: int) -> httpx.Request:
        # Not by merging dictionaries: the case of a header's name does not matter.
        sent = httpx.Headers({"content-type": "application/json"})
        sent.update(self._sign_in())
        sent.update(self.headers)
        sent.update(headers)
        # Without parameters none are given: an endpoint's own would be cut off by empty ones.
        query = self.query or None
        return self._http().build_request(
            "POST",
            self._endpoint,
            content=body,
            headers=sent,
            params=query,
            extensions={REQUEST: serial},
        )

    async def _answer(self, body: bytes, headers: Mapping[str, str], serial: int) -> httpx.Response:
        request = self._request(body, headers, serial)
        self.cookies.set_cookie_header(request)
        try:
            response = await self._followed(request)
        except ServerTrouble as trouble:
            # The transcript shows where the answer ought to be.
            kind = "ended" if isinstance(trouble, ServerDied) else "silent"
            trouble.mark = self._trace.add("server", kind, trouble.seen, request=serial)
            raise
        self.cookies.extract_cookies(response)
        return response

    async def _followed(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and once more where the server says that its endpoint has moved.

        A browser does the same: FastAPI redirects `/chatkit` to a route or a mount `/chatkit/`.
        """
        response = await self._http().send(request, stream=True)
        target = _moved_to(request, response)
        if target is None:
            return response
        await response.aclose()
        again = httpx.Request(
            "POST",
            target,
            headers=request.headers,
            content=request.content,
            extensions=request.extensions,
        )
        return await self._http().send(again, stream=True)

    async def _send(self, body: bytes, headers: Mapping[str, str], request: int) -> Reply:
        response = await self._answer(body, headers, request)
        try:
            answer = await _read(response)
        finally:
            await response.aclose()
        shown = quote(answer[:500].decode("utf-8", "replace"), _EXCERPT)
        text = f"{response.status_code} {shown}"
        serial = self._trace.add("server", "reply", text, request=request)
        return Reply(response.status_code, response.headers, answer, serial)


def user_input(
    text: str, *, attachments: tuple[str, ...] = (), quoted_text: str | None = None
) -> dict[str, Any]:
    """Return a user's message as the protocol writes it."""
    quoted = {} if quoted_text is None else {"quoted_text": quoted_text}
    return {
        "content": [{"type": "input_text", "text": text}],
        "attachments": list(attachments),
        "inference_options": {},
        **quoted,
    }


def _body(kind: str, params: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> bytes:
    extra = {} if metadata is None else {"metadata": dict(metadata)}
    return json.dumps({"type": kind, "params": dict(params), **extra}).encode()


def _page(limit: int | None, order: Order | None, after: str | None) -> dict[str, Any]:
    values = {"limit": limit, "order": order, "after": after}
    return {name: value for name, value in values.items() if value is not None}


def _told(params: Mapping[str, Any]) -> str:
    """Tell a request's parameters in a few words: what is said, else the ids."""
    said = params.get("input")
    if isinstance(said, dict):
        parts = [part.get("text") for part in said.get("content", ()) if isinstance(part, dict)]
        return quote(" ".join(text for text in parts if isinstance(text, str)), _EXCERPT)
    return ", ".join(f"{name}={quote(str(value), 40)}" for name, value in params.items())


def _moved_to(request: httpx.Request, response: httpx.Response) -> httpx.URL | None:
    """Where to send the same body again; 301 and 302 would make it a GET, so they do not count."""
    if response.status_code not in _MOVED:
        return None
    try:
        return request.url.join(response.headers.get("location", ""))
    except (httpx.InvalidURL, ValueError):
        return None


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
    return bytes(body)
