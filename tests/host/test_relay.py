"""Model calls leave the process by the wire, whichever client makes them, and in lock-step.

Each source is a generator of texts in the student's process, whose app passes each text on. The
test is the grader: it answers the call a chunk at a time, and goes on when the text has come out.
"""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from graders.engine.wire import Frame, encode
from graders.engine.wire.frames import (
    Disconnect,
    ExchangeEnd,
    ModelCancelled,
    ModelChunk,
    ModelDrop,
    ModelEnd,
    ModelHead,
    ModelRequest,
    ResponseBody,
    ResponseStart,
)
from tests.sandbox.wired import Starter, Wired

APP = """
    import asyncio, contextlib, inspect, os, httpx, httpx2, openai

    URL = "https://model.example/v1/chat/completions?a=1"
    OPENAI = {"base_url": "https://model.example/v1", "api_key": "sk-test", "max_retries": 0}
    ASK = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "kiwi"}]}

    async def openai_async():
        stream = await openai.AsyncOpenAI(**OPENAI).chat.completions.create(**ASK)
        async with stream:
            async for chunk in stream:
                yield chunk.choices[0].delta.content

    def openai_sync():
        with openai.OpenAI(**OPENAI).chat.completions.create(**ASK) as stream:
            for chunk in stream:
                yield chunk.choices[0].delta.content

    def asynchronous(library):
        async def source():
            async with library.AsyncClient() as client:
                async with client.stream("POST", URL, json=ASK) as response:
                    async for text in response.aiter_text():
                        yield text
        return source

    def synchronous(library):
        def source():
            with library.Client() as client, client.stream("POST", URL, json=ASK) as response:
                yield from response.iter_text()
        return source

    def in_thread(source):
        async def texts():
            with contextlib.closing(source()) as iterator:
                while (text := await asyncio.to_thread(next, iterator, None)) is not None:
                    yield text
        return texts

    def in_other_loop(source):
        # As a synchronous tool does that calls `asyncio.run`.
        async def texts():
            loop, queue = asyncio.get_running_loop(), asyncio.Queue()
            async def pass_on():
                async for text in source():
                    loop.call_soon_threadsafe(queue.put_nowait, text)
            thread = asyncio.create_task(asyncio.to_thread(asyncio.run, pass_on()))
            thread.add_done_callback(lambda _: queue.put_nowait(None))
            while (text := await queue.get()) is not None:
                yield text
            await thread
        return texts

    SOURCES = {
        "openai async": openai_async,
        "openai sync": openai_sync,
        "openai sync, thread": in_thread(openai_sync),
        "openai async, other loop": in_other_loop(openai_async),
        "httpx async": asynchronous(httpx),
        "httpx sync": synchronous(httpx),
        "httpx sync, thread": in_thread(synchronous(httpx)),
        "httpx2 async": asynchronous(httpx2),
        "httpx2 sync": synchronous(httpx2),
        "httpx2 sync, thread": in_thread(synchronous(httpx2)),
        "httpx async, other loop": in_other_loop(asynchronous(httpx)),
    }

    async def alike(iterator):
        if inspect.isgenerator(iterator):
            for item in iterator:
                yield item
        else:
            async for item in iterator:
                yield item

    async def answer(source, send, limit):
        start = {"type": "http.response.start", "status": 200, "headers": []}
        await send(start)
        try:
            iterator = source()
            async with contextlib.aclosing(alike(iterator)) as texts:
                async for text in texts:
                    body = {"type": "http.response.body", "body": text.encode()}
                    await send({**body, "more_body": True})
                    if text == limit:
                        break
            if inspect.isgenerator(iterator):
                iterator.close()
            else:
                await iterator.aclose()
        except Exception as error:
            kinds = [f"{k.__module__.partition('.')[0]}.{k.__name__}" for k in type(error).mro()]
            told = f"{', '.join(kinds)}: {error}; {error.__cause__}"
            await send({"type": "http.response.body", "body": told.encode(), "more_body": True})
        await send({"type": "http.response.body"})

    async def until_gone(receive):
        while (await receive())["type"] != "http.disconnect":
            pass

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        limit = (await receive())["body"].decode()
        working = asyncio.create_task(answer(SOURCES[scope["path"][1:]], send, limit))
        leaving = asyncio.create_task(until_gone(receive))
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
"""

LIBRARIES = [
    "httpx async",
    "httpx sync",
    "httpx sync, thread",
    "httpx async, other loop",
    "httpx2 async",
    "httpx2 sync",
    "httpx2 sync, thread",
]
OPENAI = ["openai async", "openai sync", "openai sync, thread", "openai async, other loop"]
SOURCES = [*LIBRARIES, *OPENAI]
# Those that can learn of a client that has left while they wait.
FREE = [name for name in SOURCES if name.endswith("async")]
STREAM = (("content-type", "text/event-stream; charset=utf-8"),)


@pytest.fixture
def student(students: Starter) -> Wired:
    return students.serve(APP)


def chunk(source: str, text: str) -> bytes:
    """Return ``text`` as the client of ``source`` expects it."""
    if not source.startswith("openai"):
        return text.encode()
    choice = {"index": 0, "delta": {"content": text}}
    values = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    return f"data: {json.dumps({**values, 'choices': [choice]})}\n\n".encode()


def begun(student: Wired, source: str, limit: str = "") -> ModelRequest:
    """Begin an exchange in which ``source`` calls the model; return the call."""
    student.begin(f"/{source}", limit.encode())
    student.hear(ResponseStart)
    return student.hear(ModelRequest)


def stream_begun(student: Wired, source: str, limit: str = "") -> ModelRequest:
    """Return the same, with the first two chunks answered and passed on."""
    call = begun(student, source, limit)
    student.say(ModelHead(call=call.call, status=200, headers=STREAM))
    for text in ("one", "twö"):
        student.say(ModelChunk(call=call.call, data=chunk(source, text)))
        assert student.hear(ResponseBody).body == text.encode()
    return call


def finish(student: Wired) -> None:
    assert not student.hear(ResponseBody).more
    student.hear(ExchangeEnd)


def error_told(student: Wired) -> str:
    text = student.hear(ResponseBody).body.decode()
    finish(student)
    return text


@pytest.mark.parametrize("source", SOURCES)
def test_answer_arrives_chunk_by_chunk(student: Wired, source: str) -> None:
    call = stream_begun(student, source)
    student.say(ModelEnd(call=call.call))
    finish(student)


@pytest.mark.parametrize("source", SOURCES)
def test_call_is_told_as_it_was_made(student: Wired, source: str) -> None:
    call = begun(student, source)
    assert call.method == "POST"
    assert call.url.startswith("https://model.example/v1/chat/completions")
    assert json.loads(call.body)["messages"] == [{"role": "user", "content": "kiwi"}]
    headers = {name.lower(): value for name, value in call.headers}
    assert headers["host"] == "model.example"
    assert headers["content-length"] == str(len(call.body))
    if source.startswith("openai"):
        assert headers["authorization"] == "Bearer sk-test"
    else:
        assert call.url.endswith("?a=1")


@pytest.mark.parametrize("source", [name for name in SOURCES if not name.endswith("loop")])
def test_stream_that_the_student_closes_is_cancelled(student: Wired, source: str) -> None:
    call = stream_begun(student, source, limit="three")
    student.say(ModelChunk(call=call.call, data=chunk(source, "three")))
    assert student.hear(ResponseBody).body == b"three"
    assert student.hear(ModelCancelled).call == call.call
    finish(student)


@pytest.mark.parametrize("when", ["before the head", "before a chunk"])
@pytest.mark.parametrize("source", FREE)
def test_call_of_a_task_that_is_cancelled_is_cancelled(
    student: Wired, source: str, when: str
) -> None:
    call = begun(student, source) if when == "before the head" else stream_begun(student, source)
    student.say(Disconnect(exchange=1))
    assert student.hear(ModelCancelled).call == call.call
    student.hear(ExchangeEnd)
    student.say(ModelChunk(call=call.call, data=b"late"), ModelEnd(call=call.call))
    assert stream_begun(student, source).call != call.call


@pytest.mark.parametrize("source", SOURCES)
def test_connection_that_drops_in_mid_stream(student: Wired, source: str) -> None:
    call = stream_begun(student, source)
    student.say(ModelDrop(call=call.call))
    expected = "httpx2.ReadError" if source.startswith("httpx2") else "httpx.ReadError"
    told = error_told(student)
    assert ("openai.APIConnectionError" if source in OPENAI else expected) in told
    assert "the connection to the model broke" in told


@pytest.mark.parametrize("source", SOURCES)
def test_connection_that_drops_before_the_head(student: Wired, source: str) -> None:
    call = begun(student, source)
    student.say(ModelDrop(call=call.call))
    expected = "APIConnectionError" if source.startswith("openai") else "ConnectError"
    told = error_told(student)
    assert expected in told
    assert "the connection to the model broke" in told


@pytest.mark.parametrize("source", SOURCES)
def test_refusal_names_its_reason(student: Wired, source: str) -> None:
    call = begun(student, source)
    student.say(ModelDrop(call=call.call, refused="no network: model.example"))
    expected = "openai.APIConnectionError" if source in OPENAI else "httpx.ConnectError"
    expected = "httpx2.ConnectError" if source.startswith("httpx2") else expected
    told = error_told(student)
    assert expected in told
    assert "no network: model.example" in told


@pytest.mark.parametrize("source", OPENAI)
def test_failure_of_the_model_is_openais_own_exception(student: Wired, source: str) -> None:
    call = begun(student, source)
    body = json.dumps({"error": {"message": "kiwi", "code": "rate_limit_exceeded"}}).encode()
    student.say(
        ModelHead(call=call.call, status=429, headers=(("content-type", "application/json"),)),
        ModelChunk(call=call.call, data=body),
        ModelEnd(call=call.call),
    )
    assert error_told(student).startswith("openai.RateLimitError")


def test_headers_that_describe_other_bytes_are_left_out(student: Wired) -> None:
    call = begun(student, "httpx async")
    headers = (*STREAM, ("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip"))
    student.say(
        ModelHead(call=call.call, status=200, headers=headers),
        ModelChunk(call=call.call, data=b"plain"),
        ModelEnd(call=call.call),
    )
    assert student.hear(ResponseBody).body == b"plain"
    finish(student)


def test_calls_at_once_are_answered_in_any_order(student: Wired) -> None:
    exchanges, calls = [], []
    for _ in range(5):
        exchanges.append(student.begin("/httpx async"))
        student.hear(ResponseStart)
        calls.append(student.hear(ModelRequest).call)
    assert len(set(calls)) == 5
    for exchange, call in reversed(list(zip(exchanges, calls, strict=True))):
        student.say(
            ModelHead(call=call, status=200, headers=STREAM),
            ModelChunk(call=call, data=b"text"),
            ModelEnd(call=call),
        )
        body = student.hear(ResponseBody)
        assert (body.exchange, body.body) == (exchange, b"text")
        finish(student)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ("content=bytes(9_000_000)", "body of 9,000,000 bytes, at most 4,194,304"),
        ("headers={'X-Long': 'x' * 300_000}", "headers of 300,"),
        ("headers=[('X-Many', 'x')] * 600", "headers, at most 500"),
        ("params={'q': 'x' * 9_000}", "URL of 9,0"),
    ],
)
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_request_too_large_for_a_frame_is_answered_as_a_provider_would(
    students: Starter, library: str, request_: str, told: str
) -> None:
    student = students.serve()
    code = f"""
        import {library} as library
        response = library.post("https://model.example", {request_})
        answer = [response.status_code, response.json()["error"]]
    """
    status, error = student.ask(code)
    assert (status, error["code"]) == (413, "request_too_large")
    assert told in error["message"]
    [refused] = student.refused
    assert refused.what == "ask"
    assert told in refused.target


def test_request_of_the_largest_size_fits_a_frame() -> None:
    headers = tuple((f"{number:03}", "\0" * 518) for number in range(500))
    encode(
        ModelRequest(
            call=2**53,
            method="M" * 20,
            url="\0" * 8_192,
            headers=headers,
            body=bytes(4 * 1024 * 1024),
        )
    )


def test_sync_call_at_import(students: Starter) -> None:
    student = students.start(
        "import httpx2\nword = httpx2.get('https://model.example').text\n"
        "async def app(scope, receive, send): pass\nassert word == 'kiwi'"
    )
    student.say_load()
    call = student.hear(ModelRequest).call
    student.say(
        ModelHead(call=call, status=200, headers=STREAM),
        ModelChunk(call=call, data=b"kiwi"),
        ModelEnd(call=call),
    )
    assert student.hear(Frame).model_dump() == {"t": "loaded", "routes": ()}


def test_streamed_request_body_is_sent_whole(students: Starter) -> None:
    student = students.serve()
    code = """
        import httpx
        answer = httpx.post("https://model.example", content=iter([b"ki", b"wi"])).text
    """
    student.begin(body=dedent(code).encode())
    call = student.hear(ModelRequest)
    assert call.body == b"kiwi"
    student.say(
        ModelHead(call=call.call, status=200, headers=()),
        ModelChunk(call=call.call, data=b"fine"),
        ModelEnd(call=call.call),
    )
    student.hear(ResponseStart)
    assert student.hear(ResponseBody).body == b'"fine"'
