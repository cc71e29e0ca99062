"""A submission that asks on the grader's own connection for what it is to be told later."""

from __future__ import annotations

from graders.engine.harness import say
from graders.engine.wire import encode
from graders.engine.wire.frames import ModelRequest
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


async def test_a_script_cannot_be_had_by_asking_without_the_users_words(bench: Bench) -> None:
    student = await bench.serve(FORGER)
    turn = bench.model.on("the secret question", say("the secret answer"))
    forged = ModelRequest(
        call=1, method="POST", url="https://x/v1/responses", headers=(), body=b'{"input": "hi"}'
    )
    await student.http.post("/", content=encode(forged))
    assert not turn.used
