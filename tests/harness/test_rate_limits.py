"""A limit on requests is waited out once, by the server's clock, and costs nobody anything."""

from __future__ import annotations

import pytest

from graders.engine.content.canaries import Canaries
from graders.engine.harness import Scene
from graders.engine.harness.rate_limits import TOO_MANY_REQUESTS, within_limits
from tests.students import Bench

# Takes the requests of one in each so many seconds, and says how many have come.
LIMITED = """
    import time

    PERIOD = {period}
    came, last = 0, -1e9

    async def app(scope, receive, send):
        global came, last
        if scope["type"] != "http":
            return
        came += 1
        free = time.monotonic() - last >= PERIOD
        if free:
            last = time.monotonic()
        headers = [(b"x-came", str(came).encode())]
        status = 200 if free else 429
        await send({{"type": "http.response.start", "status": status, "headers": headers}})
        await send({{"type": "http.response.body", "body": b""}})
"""


@pytest.mark.parametrize(
    ("period", "status", "came"), [(0, 200, "2"), (60, 200, "3"), (120, TOO_MANY_REQUESTS, "3")]
)
async def test_second_request_waits_a_minute_if_it_must(
    bench: Bench, period: int, status: int, came: str
) -> None:
    student = await bench.serve(LIMITED.format(period=period))
    scene = Scene(student, bench.model, Canaries(1))
    first, second = [await within_limits(student, lambda: scene.send("hi")) for _ in range(2)]
    assert first.status == 200
    assert second.status == status
    assert second.headers["x-came"] == came
