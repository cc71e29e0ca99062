"""The httpx transport against tiny apps in real processes."""

from __future__ import annotations

import asyncio

import pytest

from graders.engine.harness import AppCrashed, ServerTrouble, Student
from graders.engine.server.link.transport import EXCHANGE
from tests.students import Bench

LOCK_STEP = """
    import asyncio

    go = asyncio.Queue()

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/go":
            go.put_nowait(None)
        else:
            for word in (b"one", b"two", b"three"):
                await send({"type": "http.response.body", "body": word, "more_body": True})
                await go.get()
        await send({"type": "http.response.body", "body": b""})
"""

# Writes down in a file how it learnt of the end, since nobody is there any more to be told.
RAW_STREAM = """
    import asyncio, os, pathlib

    seen = pathlib.Path(os.environ["CHATKIT_DATA_DIR"]) / "seen"

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/seen":
            body = seen.read_bytes() if seen.exists() else b""
            await send({"type": "http.response.body", "body": body})
            return
        await receive()
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        message = await receive()
        seen.write_text(message["type"])
        try:
            await send({"type": "http.response.body", "body": b"lost", "more_body": True})
            seen.write_text(message["type"] + ", send passes")
        except OSError:
            seen.write_text(message["type"] + ", send raises OSError")
"""

STARLETTE_STREAM = """
    import asyncio, os, pathlib
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse, StreamingResponse

    app = FastAPI()
    seen = []
    go = asyncio.Event()

    async def words():
        try:
            yield b"first"
            await go.wait()
            yield b"second"
            yield b"third"
        except BaseException as error:
            seen.append(type(error).__name__)
            raise
        finally:
            seen.append("closed")

    @app.get("/words")
    async def serve_words():
        return StreamingResponse(words())

    @app.get("/seen")
    async def serve_seen():
        go.set()
        return seen
"""

LIFESPAN = """
    import contextlib
    from fastapi import FastAPI, Request

    @contextlib.asynccontextmanager
    async def lifespan(app):
        yield {"word": "from start-up"}

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def word(request: Request):
        return request.state.word
"""

ECHO = """
    import json

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        if scope["path"] == "/scope":
            kept = {key: scope[key] for key in ("method", "path", "type", "http_version")}
            kept["query"] = scope["query_string"].decode()
            kept["headers"] = [(name.decode(), value.decode()) for name, value in scope["headers"]]
            kept["asgi"] = scope["asgi"]
            body = json.dumps(kept).encode()
        await send({"type": "http.response.start", "status": 201, "headers": [
            (b"Content-Type", b"application/octet-stream"),
            (b"x-twice", b"one"), (b"x-twice", b"two"), (b"x-latin", b"caf\\xe9"),
            (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2; Path=/")]})
        await send({"type": "http.response.body", "body": body})
"""


async def test_chunks_come_one_by_one_while_the_app_waits_for_the_client(bench: Bench) -> None:
    student = await bench.serve(LOCK_STEP)
    seen = []
    async with student.http.stream("GET", "/words") as response:
        async for chunk in response.aiter_raw():
            seen.append(chunk)
            await student.http.post("/go")
    assert seen == [b"one", b"two", b"three"]


@pytest.mark.parametrize(
    ("spec_version", "seen"),
    [("2.3", "http.disconnect, send passes"), ("2.4", "http.disconnect, send raises OSError")],
)
async def test_a_client_that_leaves_is_seen_by_the_app(
    bench: Bench, spec_version: str, seen: str
) -> None:
    student = await bench.serve(RAW_STREAM, spec_version=spec_version)
    async with student.http.stream("GET", "/words") as response:
        assert await anext(response.aiter_raw()) == b"first"
    await student.rest()
    assert (await student.http.get("/seen")).text == seen


async def test_starlette_cancels_a_stream_whose_client_left_by_spec_version_2_3(
    bench: Bench,
) -> None:
    student = await bench.serve(STARLETTE_STREAM, spec_version="2.3")
    await _leave_after_the_first_chunk(student)
    assert (await student.http.get("/seen")).json() == ["CancelledError", "closed"]


async def test_starlette_relies_on_send_by_spec_version_2_4(bench: Bench) -> None:
    student = await bench.serve(STARLETTE_STREAM, spec_version="2.4")
    await _leave_after_the_first_chunk(student)
    # Nothing has been sent since, so the app cannot know; this request lets it go on.
    assert (await student.http.get("/seen")).json() == []
    await student.rest()
    assert "closed" in (await student.http.get("/seen")).json()


async def _leave_after_the_first_chunk(student: Student) -> None:
    async with student.http.stream("GET", "/words") as response:
        assert await anext(response.aiter_raw()) == b"first"
    await student.rest()


async def test_the_state_of_the_lifespan_is_in_each_request(bench: Bench) -> None:
    student = await bench.serve(LIFESPAN)
    assert (await student.http.get("/")).json() == "from start-up"


async def test_a_crash_after_three_chunks_gives_three_chunks_and_the_crash(bench: Bench) -> None:
    student = await bench.serve(
        """
        async def app(scope, receive, send):
            assert scope["type"] == "http"
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for word in (b"one", b"two", b"three"):
                await send({"type": "http.response.body", "body": word, "more_body": True})
            raise KeyError("the fourth")
        """
    )
    seen = []
    async with student.http.stream("GET", "/") as response:
        chunks = response.aiter_raw()
        seen += [await anext(chunks) for _ in range(3)]
        with pytest.raises(AppCrashed) as crashed:
            await anext(chunks)
    assert seen == [b"one", b"two", b"three"]
    assert crashed.value.seen == "the app raised KeyError: 'the fourth'"
    assert 'File "server.py", line 7, in app' in crashed.value.crash.detail
    assert str(student.data_dir.parent) not in crashed.value.crash.detail


async def test_starlette_answers_500_before_its_app_crashes(bench: Bench) -> None:
    student = await bench.serve(
        """
        from fastapi import FastAPI

        app = FastAPI()

        @app.get("/")
        async def broken():
            raise ValueError("not here")
        """
    )
    response = await student.http.get("/")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    await student.until(lambda: response.extensions[EXCHANGE].crash is not None)
    raised = [entry.text for entry in bench.trace.entries if entry.kind == "raised"]
    assert len(raised) == 1
    assert "not here" in raised[0]


_START = '{"type": "http.response.start", "status": 200, "headers": []}'
_END = '{"type": "http.response.body", "body": b""}'


@pytest.mark.parametrize(
    ("sends", "told"),
    [
        ((_START, _START), "the app sent http.response.start twice"),
        ((_END,), "the app sent a body before http.response.start"),
        ((_START, _END, _END), "the app sent a body after its response was complete"),
        (('{"type": "http.response.begin"}',), "the app sent a message of type"),
        (("{}",), "the app sent a message of type None"),
        (('{"type": "http.response.start", "status": "200"}',), "the app sent the status '200'"),
        (('{"type": "http.response.start", "status": 20}',), "the app sent the status 20"),
        (
            ('{"type": "http.response.start", "status": 200, "headers": [("a", "b")]}',),
            "the app sent a header of type str, not bytes",
        ),
        (
            (_START, '{"type": "http.response.body", "body": "text"}'),
            "the app sent a body of type str, not bytes",
        ),
    ],
)
async def test_misuse_of_asgi_is_told_as_such(
    bench: Bench, sends: tuple[str, ...], told: str
) -> None:
    lines = "".join(f"\n            await send({message})" for message in sends)
    student = await bench.serve(
        f"""
        async def app(scope, receive, send):
            assert scope["type"] == "http"{lines}
        """
    )
    crash = await _crash_of(student)
    assert crash.crash.misuse
    assert f"the app misused ASGI: {told}" in crash.seen


async def _crash_of(student: Student) -> AppCrashed:
    """Read an answer to its end; the crash may come before, within or after it."""
    try:
        response = await student.http.get("/")
    except AppCrashed as crash:
        return crash
    exchange = response.extensions[EXCHANGE]
    await student.until(lambda: exchange.crash is not None)
    return AppCrashed(exchange.crash)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return", "the app returned without sending a response"),
        (f"await send({_START})", "the app returned before its response was complete"),
        ("raise asyncio.CancelledError", "the app raised CancelledError"),
        ("raise EXCEPTION", "the app raised Rude"),
    ],
)
async def test_an_app_that_gives_no_whole_answer_is_a_finding(
    bench: Bench, body: str, told: str
) -> None:
    student = await bench.serve(
        f"""
        import asyncio

        class Rude(Exception):
            def __str__(self):
                raise ValueError("no text for you")

        EXCEPTION = Rude()

        async def app(scope, receive, send):
            assert scope["type"] == "http"
            {body}
        """
    )
    with pytest.raises(ServerTrouble) as trouble:
        await student.http.get("/")
    assert trouble.value.seen == told


async def test_the_request_arrives_as_it_was_sent(bench: Bench) -> None:
    student = await bench.serve(ECHO, spec_version="2.4")
    response = await student.http.put(
        "/scope?a=1&a=%C3%A9", headers=[("X-Twice", "one"), ("X-Twice", "two"), ("Cookie", "c=1")]
    )
    scope = response.json()
    assert (scope["method"], scope["path"], scope["query"]) == ("PUT", "/scope", "a=1&a=%C3%A9")
    assert (scope["type"], scope["http_version"]) == ("http", "1.1")
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert [value for name, value in scope["headers"] if name == "x-twice"] == ["one", "two"]
    assert ["cookie", "c=1"] in scope["headers"]
    assert ["host", "localhost:8000"] in scope["headers"]


async def test_status_headers_cookies_and_bytes_come_back_as_they_were_sent(bench: Bench) -> None:
    student = await bench.serve(ECHO)
    every_byte = bytes(range(256))
    response = await student.http.post("/", content=every_byte)
    assert response.status_code == 201
    assert response.content == every_byte
    assert response.headers.get_list("x-twice") == ["one", "two"]
    assert (b"x-latin", b"caf\xe9") in response.headers.raw
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2; Path=/"]


async def test_no_compressed_answer_is_asked_for(bench: Bench) -> None:
    student = await bench.serve(
        """
        from fastapi import FastAPI
        from fastapi.middleware.gzip import GZipMiddleware

        app = FastAPI()
        app.add_middleware(GZipMiddleware)

        @app.post("/chatkit")
        async def endpoint():
            return {"text": "long " * 1000}
        """
    )
    assert (await student.chat().raw(b"{}")).object == {"text": "long " * 1000}


async def test_an_app_mounted_at_the_endpoint_is_reached_behind_its_slash(bench: Bench) -> None:
    student = await bench.serve(
        """
        from fastapi import FastAPI, Request

        app, mounted = FastAPI(), FastAPI()

        @mounted.post("/")
        async def endpoint(request: Request):
            return await request.json()

        app.mount("/chatkit", mounted)
        """
    )
    assert (await student.chat().raw(b'{"type": "odd"}')).object == {"type": "odd"}


async def test_a_redirect_in_a_circle_is_followed_once(bench: Bench) -> None:
    student = await bench.serve(
        """
        async def app(scope, receive, send):
            assert scope["type"] == "http"
            headers = [(b"location", scope["path"].encode())]
            await send({"type": "http.response.start", "status": 307, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
        """
    )
    assert (await student.chat().raw(b"{}")).status == 307


@pytest.mark.parametrize("location", ["http://a:b", "", "ftp://elsewhere/x"])
async def test_a_temporary_redirect_to_odd_places_is_an_answer(location: str, bench: Bench) -> None:
    student = await bench.serve(
        f"""
        async def app(scope, receive, send):
            assert scope["type"] == "http"
            headers = [(b"location", {location.encode()!r})]
            await send({{"type": "http.response.start", "status": 307, "headers": headers}})
            await send({{"type": "http.response.body", "body": b""}})
        """
    )
    assert (await student.chat().raw(b"{}")).status == 307


async def test_a_redirect_to_no_address_is_an_answer_like_others(bench: Bench) -> None:
    student = await bench.serve(
        """
        async def app(scope, receive, send):
            assert scope["type"] == "http"
            headers = [(b"location", b"http://a:b")]
            await send({"type": "http.response.start", "status": 302, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
        """
    )
    assert (await student.chat().raw(b"{}")).status == 302


async def test_five_megabytes_pass_both_ways(bench: Bench) -> None:
    student = await bench.serve(ECHO)
    body = bytes(range(250)) * 20_000
    response = await student.http.post("/", content=body)
    assert response.content == body


async def test_fifty_requests_at_once_get_their_own_answers(bench: Bench) -> None:
    student = await bench.serve(
        """
        import asyncio

        waiting = []
        all_there = asyncio.Event()

        async def app(scope, receive, send):
            assert scope["type"] == "http"
            waiting.append(scope)
            if len(waiting) == 50:
                all_there.set()
            await all_there.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": scope["path"].encode()})
        """
    )
    answers = await asyncio.gather(*(student.http.get(f"/{number}") for number in range(50)))
    assert [answer.text for answer in answers] == [f"/{number}" for number in range(50)]
