"""A submission that writes to the grader's own connection: a finding, and never more than that."""

from __future__ import annotations

import pytest

from graders.engine.harness import ProtocolBroken, ServerTrouble, say
from graders.engine.wire import Frame, encode
from graders.engine.wire.frames import (
    Advanced,
    ExchangeEnd,
    Hello,
    Loaded,
    ModelRequest,
    Pong,
    Refused,
    ResponseBody,
    ResponseStart,
    Shutdown,
    ShutdownDone,
)
from tests.students import Bench

# Writes what is posted to it to descriptor 3, and then answers as if nothing had happened.
FORGER = """
    import os

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        forged = (await receive())["body"]
        while forged:
            forged = forged[os.write(3, forged):]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"innocent"})
"""

BREAKING = [
    pytest.param(b"\xde\xad\xbe\xef" * 100, id="garbage"),
    pytest.param(b"\x7f\xff\xff\xff", id="a huge length"),
    pytest.param(b"\x00\x00\x00\x00", id="no length"),
    pytest.param(b"\x00\x00\x00\x04null", id="no frame"),
    pytest.param(b"\x00\x00\xff\xff" + b"[" * 0xFFFF, id="deeply nested"),
    pytest.param(encode(Hello())[:-3], id="half a frame"),
    pytest.param(encode(Hello()), id="hello twice"),
    pytest.param(encode(Loaded()), id="loaded twice"),
    pytest.param(encode(Shutdown()), id="a frame of the grader's"),
    pytest.param(encode(Pong(ticket=999)), id="pong to no ping"),
    pytest.param(encode(Advanced(ticket=999)), id="advanced to no advance"),
    pytest.param(
        encode(ResponseStart(exchange=999, status=200, headers=())), id="answer to no request"
    ),
    pytest.param(encode(ResponseBody(exchange=999, body=b"", more=True)), id="body to no request"),
    pytest.param(encode(ExchangeEnd(exchange=999)), id="end of no request"),
]


@pytest.mark.parametrize("forged", BREAKING)
async def test_a_forged_frame_breaks_the_protocol_of_this_server_only(
    bench: Bench, forged: bytes
) -> None:
    student = await bench.serve(FORGER)
    with pytest.raises(ProtocolBroken, match="the submission broke the protocol"):
        await student.http.post("/", content=forged)
    with pytest.raises(ProtocolBroken):
        await student.chat().list()
    assert not student.running
    await bench.serve_honest()


@pytest.mark.parametrize(
    "forged",
    [
        Refused(what="connect", target="\x1b[2J" * 100),
        ShutdownDone(problem="never"),
        ModelRequest(
            call=7, method="\x00", url="not a url \x1b", headers=(("é", "\r\n"),), body=b"{"
        ),
        ModelRequest(
            call=8, method="POST", url="http://[/v1/responses", headers=(), body=b"[" * 9_999
        ),
        ModelRequest(call=9, method="POST", url="https://x/v1/responses", headers=(), body=b"\xff"),
    ],
)
async def test_a_forged_frame_that_fits_changes_nothing(bench: Bench, forged: Frame) -> None:
    student = await bench.serve(FORGER)
    response = await student.http.post("/", content=encode(forged))
    assert response.text == "innocent"
    assert "\x1b" not in "".join(line.text for line in bench.trace.lines())
    await student.stop()
    await bench.serve_honest()


async def test_headers_that_are_none_are_only_odd_headers(bench: Bench) -> None:
    student = await bench.serve(
        """
        async def app(scope, receive, send):
            assert scope["type"] == "http"
            headers = [(b"bad\\r\\nname: x", b"\\x00\\xff\\r\\n"), (b"", b""),
                       (b"set-cookie", b"\\xff=\\x00; expires=never; domain=."),
                       (b"content-length", b"minus one"), (b"content-type", b"\\xff")]
            await send({"type": "http.response.start", "status": 999, "headers": headers})
            await send({"type": "http.response.body", "body": b"\\xff\\xfe"})
        """
    )
    reply = await student.chat().raw({})
    assert (reply.status, reply.body) == (999, b"\xff\xfe")
    stream = await (await student.chat().create("hello")).finish()
    assert stream.events == []


async def test_a_closed_connection_is_trouble_of_this_server_only(bench: Bench) -> None:
    student = await bench.serve(
        """
        import os

        async def app(scope, receive, send):
            assert scope["type"] == "http"
            os.close(3)
        """
    )
    with pytest.raises(ServerTrouble):
        await student.http.get("/")
    await bench.serve_honest()


async def test_a_script_cannot_be_had_by_asking_without_the_users_words(bench: Bench) -> None:
    student = await bench.serve(FORGER)
    turn = bench.model.on("the secret question", say("the secret answer"))
    forged = ModelRequest(
        call=1, method="POST", url="https://x/v1/responses", headers=(), body=b'{"input": "hi"}'
    )
    await student.http.post("/", content=encode(forged))
    assert not turn.used
