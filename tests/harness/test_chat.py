"""A user's client: what it sends, against the SDK's own types, and what it makes of the answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from chatkit.types import ChatKitReq, is_streaming_req
from pydantic import TypeAdapter

from graders.engine.core.address import BASE_URL
from graders.engine.core.errors import Finding
from graders.engine.harness import Chat, Reply, ServerDied, Trace, user_input
from graders.engine.server.link.transport import CHUNKS

REQUESTS: TypeAdapter[Any] = TypeAdapter(ChatKitReq)


class Server(httpx.AsyncBaseTransport):
    """Notes each request and answers all of them alike."""

    def __init__(self, body: bytes = b"{}", status: int = 200, **headers: str) -> None:
        self.requests: list[httpx.Request] = []
        self.bodies: list[bytes] = []
        self._answer = (status, {n.replace("_", "-"): v for n, v in headers.items()}, body)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        self.bodies.append(await request.aread())
        status, headers, body = self._answer
        stream = httpx.ByteStream(body)
        return httpx.Response(status, headers=headers, stream=stream, extensions={CHUNKS: self})

    async def next(self) -> bytes | None:
        """Stream nothing."""
        return None


def client_of(server: httpx.AsyncBaseTransport, **options: Any) -> tuple[Chat, Trace]:
    """Return a client of ``server``, and the record that it writes to."""
    trace = Trace()
    http = httpx.AsyncClient(transport=server, base_url=BASE_URL)
    return Chat(lambda: http, "/api/chatkit", trace, **options), trace


Ask = Callable[[Chat], Awaitable[object]]
STREAMING: list[tuple[str, Ask]] = [
    ("threads.create", lambda user: user.create("hello")),
    ("threads.create", lambda user: user.create("hello", quoted_text="q", attachments=("atc_1",))),
    ("threads.add_user_message", lambda user: user.say("thr_1", "hello")),
    ("threads.retry_after_item", lambda user: user.retry("thr_1", "msg_1")),
    ("threads.add_client_tool_output", lambda user: user.client_tool_output("thr_1", {"a": 1})),
    ("threads.custom_action", lambda user: user.custom_action("thr_1", "press", {"a": 1})),
    ("threads.custom_action", lambda user: user.custom_action("thr_1", "press", item_id="i1")),
]
OTHERS: list[tuple[str, Ask]] = [
    ("threads.get_by_id", lambda user: user.get("thr_1")),
    ("threads.list", lambda user: user.list()),
    ("threads.list", lambda user: user.list(limit=2, order="asc", after="thr_1")),
    ("items.list", lambda user: user.items("thr_1")),
    ("items.list", lambda user: user.items("thr_1", limit=2, order="desc", after="i1")),
    ("threads.update", lambda user: user.update("thr_1", "A title")),
    ("threads.delete", lambda user: user.delete("thr_1")),
    ("items.feedback", lambda user: user.feedback("thr_1", ["i1"], "positive")),
]


@pytest.mark.parametrize(("kind", "ask"), [*STREAMING, *OTHERS])
async def test_each_request_is_one_that_the_sdk_takes(kind: str, ask: Ask) -> None:
    server = Server()
    user, trace = client_of(server)
    await ask(user)
    request = REQUESTS.validate_json(server.bodies[0])
    assert request.type == kind
    assert is_streaming_req(request) is ((kind, ask) in STREAMING)
    assert server.requests[0].url.path == "/api/chatkit"
    assert server.requests[0].headers["content-type"] == "application/json"
    assert trace.entries[0].kind == kind
    assert trace.entries[0].text.startswith("user: ")


async def test_the_headers_of_a_user_go_with_each_request() -> None:
    server = Server()
    user, _ = client_of(server, headers={"Authorization": "Bearer t"}, name="alice")
    await user.create("hello")
    await user.list()
    await user.raw(b"", headers={"Content-Type": "text/plain"})
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer t"] * 3
    assert [request.headers["content-type"] for request in server.requests] == [
        "application/json",
        "application/json",
        "text/plain",
    ]


async def test_the_query_of_a_user_goes_with_each_request() -> None:
    server = Server()
    user, _ = client_of(server)
    await user.list()
    user.query = {"token": "a b"}
    await user.list()
    assert [str(request.url.query, "ascii") for request in server.requests] == ["", "token=a+b"]


@pytest.mark.parametrize(
    ("cookie", "sent"),
    [
        ("a=1", "a=1"),
        ("a=1; Secure; HttpOnly; SameSite=None; Path=/", "a=1"),
        ("a=1; Domain=localhost", "a=1"),
        ("a=1; Domain=example.com", None),
        ("a=1; Path=/elsewhere", None),
    ],
)
async def test_a_cookie_comes_back_as_from_a_browser_on_localhost(
    cookie: str, sent: str | None
) -> None:
    server = Server(set_cookie=cookie)
    user, _ = client_of(server)
    await user.list()
    await user.list()
    assert [request.headers.get("cookie") for request in server.requests] == [None, sent]


async def test_a_raw_body_is_sent_as_it_is_and_shown_safely() -> None:
    server = Server(b"no", 400)
    user, trace = client_of(server)
    reply = await user.raw(b'{"type": \xff\x1b')
    assert server.bodies == [b'{"type": \xff\x1b']
    assert (reply.status, reply.body) == (400, b"no")
    assert trace.entries[0].text == 'user: {"type": \N{REPLACEMENT CHARACTER}\\x1b'
    assert trace.entries[reply.serial - 1].text == "400 no"


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"input": user_input("Hello you")}, "Hello you"),
        ({"input": {}}, ""),
        ({"input": {"content": ["text", {"type": "input_tag"}, {"text": 7}]}}, ""),
        ({"input": "words"}, "input=words"),
        ({"thread_id": "thr_1", "limit": 5}, "thread_id=thr_1, limit=5"),
    ],
)
async def test_any_request_can_be_told(params: dict[str, Any], told: str) -> None:
    user, trace = client_of(Server())
    await user.stream("threads.create", params)
    assert trace.entries[0].text == f"user: {told}"


async def test_a_server_that_gives_no_answer_is_marked_where_it_ought_to_be() -> None:
    class Dead(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise ServerDied(f"the server's process ended before {request.method}")

    user, trace = client_of(Dead())
    with pytest.raises(ServerDied) as died:
        await user.list()
    assert died.value.mark == 2
    assert [line.kind for line in trace.lines(died.value.mark) if line.marked] == ["ended"]


# --- replies ----------------------------------------------------------------------------------


def reply(body: bytes, status: int = 200) -> Reply:
    """Return a reply of a check's seventh entry."""
    return Reply(status, httpx.Headers(), body, serial=7)


def test_an_object_is_given_as_it_is() -> None:
    assert reply(b'{"data": []}').object == {"data": []}
    assert reply(b"[1]", status=400).json == [1]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 200, "the answer (status 200) is not JSON: "),
        (b"<html>\x1b", 200, "the answer (status 200) is not JSON: <html>\\x1b"),
        (b"\xff\xfe\xfd", 200, "the answer (status 200) is not JSON"),
        (b"[" * 200_000, 200, "the answer (status 200) is not JSON"),
        (b"1" * 10_000, 200, "the answer (status 200) is not JSON"),
        (b'"{\\"data\\": []}"', 200, "the answer is a JSON str, not an object"),
        (b"[]", 200, "the answer is a JSON list, not an object"),
        (b"null", 200, "the answer is a JSON NoneType, not an object"),
        (b'{"detail": "no"}', 404, 'the server answered with status 404: {"detail": "no"}'),
    ],
)
def test_what_is_no_object_is_a_finding_at_its_entry(body: bytes, status: int, told: str) -> None:
    with pytest.raises(Finding) as finding:
        _ = reply(body, status).object
    assert finding.value.seen.startswith(told)
    assert finding.value.mark == 7
    assert len(finding.value.seen) < 500


def test_a_status_has_a_hint_of_its_own() -> None:
    with pytest.raises(Finding) as finding:
        _ = reply(b"", 500).object
    assert finding.value.hint == "status"


def test_a_users_input_is_what_the_real_client_sends() -> None:
    assert json.loads(json.dumps(user_input("hi", quoted_text="you said"))) == {
        "content": [{"type": "input_text", "text": "hi"}],
        "attachments": [],
        "inference_options": {},
        "quoted_text": "you said",
    }


class Moved(Server):
    """Has its endpoint one slash further."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Redirect all that does not end in a slash, as FastAPI does."""
        if request.url.path.endswith("/"):
            return await super().handle_async_request(request)
        return httpx.Response(307, headers={"location": f"{request.url}/"})


async def test_redirect_to_a_slash_is_followed_with_the_body() -> None:
    server = Moved()
    user, _ = client_of(server)
    reply = await user.get("thr_1")
    assert reply.status == 200
    assert server.requests[0].url.path == "/api/chatkit/"
    assert json.loads(server.bodies[0])["type"] == "threads.get_by_id"
