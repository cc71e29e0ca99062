"""HTTP exchanges of tiny ASGI apps: what the app sees, and what the grader hears of it."""

# ruff: noqa: ARG001 - ASGI prescribes the arguments

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any

import pytest
from starlette.responses import StreamingResponse

from graders.engine.host.exchanges import App, ClientGoneError, Exchanges
from graders.engine.wire import MAX_FRAME_BYTES, Frame, encode
from graders.engine.wire.frames import (
    Disconnect,
    ExchangeCrash,
    ExchangeEnd,
    Request,
    RequestBody,
    ResponseBody,
    ResponseStart,
)
from tests.host.ends import Ends

START = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body"}


def body(data: Any, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def request(number: int = 1, **fields: Any) -> Request:
    values = {"method": "GET", "path": "/", "query": "", "headers": (), **fields}
    return Request(exchange=number, **values)


def serve(ends: Ends, app: App, *, spec_version: str = "2.3", root: str = "/nowhere") -> Exchanges:
    return Exchanges(
        app, ends.connection, root=root, spec_version=spec_version, tell=lambda _: None
    )


def sending(*messages: Any) -> App:
    """Make an app that sends ``messages`` and returns."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


def raising(error: BaseException) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise error

    return app


async def answer_of(ends: Ends) -> tuple[ResponseStart, bytes]:
    """Hear a whole answer; return its start and body."""
    start = await ends.hear(ResponseStart)
    data = b""
    while (piece := await ends.hear(ResponseBody)).more:
        data += piece.body
    await ends.hear(ExchangeEnd)
    return start, data + piece.body


async def crash_of(ends: Ends, app: App, **options: Any) -> ExchangeCrash:
    """Call ``app``; return the crash, whatever was sent before."""
    serve(ends, app, **options).begin(request())
    while not isinstance(frame := await ends.hear(Frame), ExchangeCrash):
        assert not isinstance(frame, ExchangeEnd)
    return frame


# --- what the app sees ------------------------------------------------------------------------


async def test_scope(ends: Ends) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    exchanges = serve(ends, app, spec_version="2.4")
    exchanges.state = {"pool": 1}
    exchanges.begin(
        request(
            method="PUT",
            path="/%C3%B6%20b/c",
            query="q=%C3%B6&r=1",
            headers=(("X-One", "1"), ("X-Odd", "\xe9")),
        )
    )
    await ends.hear(ExchangeEnd)
    (scope,) = seen
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "PUT",
        "scheme": "http",
        "path": "/ö b/c",
        "raw_path": b"/%C3%B6%20b/c",
        "query_string": b"q=%C3%B6&r=1",
        "root_path": "",
        "headers": [(b"x-one", b"1"), (b"x-odd", b"\xe9")],
        "client": ("127.0.0.1", 49_153),
        "server": ("127.0.0.1", 8000),
        "state": {"pool": 1},
    }
    assert scope["state"] is not exchanges.state


async def test_body_arrives_in_the_pieces_that_were_sent(ends: Ends) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["more_body"]:
            seen.append(message["body"])
        seen.append(message["body"])

    exchanges = serve(ends, app)
    exchanges.begin(request())
    for piece, more in ((b"one", True), (b"", True), (b"two", False)):
        await asyncio.sleep(0)
        exchanges.body(RequestBody(exchange=1, body=piece, more=more))
    await ends.hear(ExchangeEnd)
    assert seen == [b"one", b"", b"two"]


async def test_client_that_stays_is_waited_for(ends: Ends) -> None:
    learnt: asyncio.Queue[str] = asyncio.Queue()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(2):
            learnt.put_nowait((await receive())["type"])

    exchanges = serve(ends, app)
    exchanges.begin(request())
    exchanges.body(RequestBody(exchange=1, body=b"", more=False))
    assert await learnt.get() == "http.request"
    assert learnt.empty()
    exchanges.disconnect(Disconnect(exchange=1))
    assert await learnt.get() == "http.disconnect"
    await ends.hear(ExchangeEnd)


async def test_receive_after_the_response_is_a_disconnect(ends: Ends) -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(END)
        seen.append((await receive())["type"])

    serve(ends, app).begin(request())
    await answer_of(ends)
    assert seen == ["http.disconnect"]


async def test_receive_that_waits_learns_of_the_end_of_the_response(ends: Ends) -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        waiting = asyncio.create_task(receive())
        await asyncio.sleep(0)
        await send(START)
        await send(END)
        seen.append((await waiting)["type"])

    serve(ends, app).begin(request())
    await answer_of(ends)
    assert seen == ["http.disconnect"]


@pytest.mark.parametrize(
    ("spec_version", "outcome"), [("2.3", "sent"), ("2.4", "ClientGoneError"), ("2.5", None)]
)
async def test_send_after_a_disconnect(ends: Ends, spec_version: str, outcome: str | None) -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.disconnect"
        try:
            await send(START)
            seen.append("sent")
        except OSError as error:
            seen.append(type(error).__name__)

    exchanges = serve(ends, app, spec_version=spec_version)
    exchanges.begin(request())
    exchanges.disconnect(Disconnect(exchange=1))
    await ends.hear(ExchangeEnd)
    assert seen == [outcome or "ClientGoneError"]
    assert issubclass(ClientGoneError, OSError)


@pytest.mark.parametrize(("spec_version", "end"), [("2.3", ExchangeEnd), ("2.4", ExchangeCrash)])
async def test_starlettes_stream_ends_when_the_client_leaves(
    ends: Ends, spec_version: str, end: type[Frame]
) -> None:
    go = asyncio.Semaphore(0)

    async def words() -> AsyncIterator[str]:
        while True:
            yield "word"
            await go.acquire()

    exchanges = serve(ends, StreamingResponse(words()), spec_version=spec_version)
    exchanges.begin(request())
    await ends.hear(ResponseStart)
    await ends.hear(ResponseBody)
    exchanges.disconnect(Disconnect(exchange=1))
    if spec_version == "2.4":
        # Only the next word shows that nobody listens.
        go.release()
    await ends.hear(end)


# --- what the grader hears --------------------------------------------------------------------


async def test_answer(ends: Ends) -> None:
    start = {"type": "http.response.start", "status": 201, "headers": [(b"X-One", b"\xe9")]}
    serve(ends, sending(start, body(b"one"), body(b"", more=True), body(b"two", more=False))).begin(
        request()
    )
    assert await ends.hear(ResponseStart) == ResponseStart(
        exchange=1, status=201, headers=(("X-One", "é"),)
    )
    pieces = [await ends.hear(ResponseBody) for _ in range(3)]
    assert [(piece.body, piece.more) for piece in pieces] == [
        (b"one", True),
        (b"", True),
        (b"two", False),
    ]
    await ends.hear(ExchangeEnd)


@pytest.mark.parametrize("data", [b"data", bytearray(b"data"), memoryview(b"data")], ids=type)
async def test_body_of_any_bytes_type(ends: Ends, data: Any) -> None:
    serve(ends, sending(START, body(data, more=False))).begin(request())
    assert (await answer_of(ends))[1] == b"data"


async def test_status_as_an_enum_and_no_headers(ends: Ends) -> None:
    start = {"type": "http.response.start", "status": HTTPStatus.IM_A_TEAPOT}
    serve(ends, sending(start, END)).begin(request())
    assert (await answer_of(ends))[0].status == 418


@pytest.mark.parametrize("size", [1024 * 1024, 1024 * 1024 + 1, 5 * 1024 * 1024])
async def test_large_body_is_split(ends: Ends, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"!" * (size % 256)
    serve(ends, sending(START, body(data, more=False))).begin(request())
    await ends.hear(ResponseStart)
    pieces = [await ends.hear(ResponseBody)]
    while pieces[-1].more:
        pieces.append(await ends.hear(ResponseBody))
    assert b"".join(piece.body for piece in pieces) == data
    assert all(len(encode(piece)) < MAX_FRAME_BYTES / 4 for piece in pieces)


async def test_exchanges_do_not_mix(ends: Ends) -> None:
    async def echo(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        await send(START)
        await send(body(scope["path"].encode() + message["body"], more=False))

    exchanges = serve(ends, echo)
    for number in range(1, 21):
        exchanges.begin(request(number, path=f"/{number}"))
    for number in range(20, 0, -1):
        exchanges.body(RequestBody(exchange=number, body=b"!", more=False))
        assert (await answer_of(ends))[1] == f"/{number}!".encode()


async def test_frames_for_an_exchange_that_is_over_are_ignored(ends: Ends) -> None:
    exchanges = serve(ends, sending(START, END))
    exchanges.begin(request())
    await answer_of(ends)
    exchanges.body(RequestBody(exchange=1, body=b"late", more=False))
    exchanges.disconnect(Disconnect(exchange=1))
    exchanges.begin(request(2))
    await answer_of(ends)


async def test_app_that_sends_nothing(ends: Ends) -> None:
    serve(ends, sending()).begin(request())
    await ends.hear(ExchangeEnd)


async def test_crash_after_three_pieces(ends: Ends) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        for data in (b"one", b"two", b"three"):
            await send(body(data))
        raise LookupError("kiwi")

    serve(ends, app).begin(request())
    await ends.hear(ResponseStart)
    assert [(await ends.hear(ResponseBody)).body for _ in range(3)] == [b"one", b"two", b"three"]
    crash = await ends.hear(ExchangeCrash)
    assert (crash.misuse, crash.error, crash.message) == (False, "LookupError", "kiwi")
    assert crash.detail == "LookupError: kiwi\n"


class _NoTextError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "name", "message"),
    [
        (asyncio.CancelledError("gone"), "CancelledError", "gone"),
        (ExceptionGroup("several", [ValueError()]), "ExceptionGroup", "several (1 sub-exception)"),
        (ValueError("half of \ud83d"), "ValueError", "half of \\ud83d"),
        (ValueError("x" * 10_000), "ValueError", "x" * 1_500),
        (_NoTextError(), "_NoTextError", ""),
    ],
    ids=["cancellation", "group", "surrogate", "long", "no text"],
)
async def test_every_exception_is_reported(
    ends: Ends, error: BaseException, name: str, message: str
) -> None:
    crash = await crash_of(ends, raising(error))
    assert (crash.misuse, crash.error, crash.message) == (False, name, message)


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([END], "body before"),
        ([START, START], "start twice"),
        ([START, END, END], "after its response was complete"),
        ([START, END, START], "start twice"),
        ([{"type": "websocket.accept"}], "of type 'websocket.accept'"),
        ([{"status": 200}], "of type None"),
        ([{**START, "status": "200"}], "the status '200'"),
        ([{**START, "status": None}], "the status None"),
        ([{**START, "status": True}], "the status True"),
        ([{**START, "status": 99}], "the status 99"),
        ([{**START, "status": 1000}], "the status 1000"),
        ([{**START, "headers": [("a", "b")]}], "header of type str"),
        ([{**START, "headers": [(b"a", 1)]}], "header of type int"),
        ([{**START, "headers": [b"abc"]}], "pairs of bytes"),
        ([{**START, "headers": {b"content-type": b"text/plain"}}], "pairs of bytes"),
        ([{**START, "headers": 5}], "pairs of bytes"),
        ([{**START, "headers": [(b"a", b"b" * 262_144)]}], "1 headers of 262,145 bytes"),
        ([{**START, "headers": [(b"a", b"b")] * 501}], "501 headers of 1,002 bytes"),
        ([START, body("text")], "body of type str"),
        ([START, body(None)], "body of type NoneType"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_misuse_of_asgi(ends: Ends, messages: list[Any], complaint: str) -> None:
    crash = await crash_of(ends, sending(*messages))
    assert crash.misuse
    assert crash.error == "AsgiMisuseError"
    assert complaint in crash.message


async def test_exception_with_the_longest_name_and_the_worst_text_is_reported(ends: Ends) -> None:
    error = type("E" * 5_000, (Exception,), {})("\ud800" * 5_000)
    crash = await crash_of(ends, raising(error))
    assert crash.error == "E" * 200
    assert len(crash.message) == 1_500


async def test_misuse_that_the_app_survives_does_no_harm(ends: Ends) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(RuntimeError):
            await send({**START, "headers": [("a", "b")]})
        await send({**START, "status": 500})
        await send(body(b"sorry", more=False))

    serve(ends, app).begin(request())
    start, data = await answer_of(ends)
    assert (start.status, data) == (500, b"sorry")


@pytest.mark.parametrize("make", [lambda: 5, lambda: None], ids=["a number", "nothing"])
async def test_app_that_is_no_coroutine(ends: Ends, make: Callable[[], Any]) -> None:
    crash = await crash_of(ends, lambda *_: make())
    assert crash.error == "TypeError"
