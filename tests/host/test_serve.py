"""The host's main, in real processes: hello, load, clock, end."""

from __future__ import annotations

from graders.engine.wire import Frame
from graders.engine.wire.frames import (
    Advance,
    Advanced,
    ExchangeCrash,
    Loaded,
    LoadFailed,
    Ping,
    Pong,
    Raised,
)
from tests.sandbox.wired import Starter

LIFESPAN = """
    import contextlib
    from fastapi import FastAPI, Request

    @contextlib.asynccontextmanager
    async def lifespan(app):
        print("up", flush=True)
        yield {"pool": [1]}

    app = FastAPI(lifespan=lifespan)

    @app.post("/")
    async def answer(request: Request):
        return request.state.pool
"""


def test_start_up_and_its_state(students: Starter) -> None:
    student = students.start(LIFESPAN)
    assert student.load(lifespan=True) == Loaded(routes=("POST /",))
    assert student.post() == b"[1]"
    assert student.printed() == "up\n"


def test_load_that_fails_is_told_and_the_process_goes_on(students: Starter) -> None:
    student = students.start("raise ValueError('x' * 5_000)")
    failed = student.load()
    assert isinstance(failed, LoadFailed)
    assert (failed.stage, failed.error, failed.message) == ("import", "ValueError", "x" * 1_500)
    assert failed.detail.startswith('  File "server.py", line 1, in <module>\n')
    student.say(Ping(ticket=1))
    student.hear(Pong)


def test_start_up_that_fails_is_told(students: Starter) -> None:
    student = students.start(
        """
        import contextlib
        from fastapi import FastAPI

        @contextlib.asynccontextmanager
        async def lifespan(app):
            raise SystemExit("no database")
            yield

        app = FastAPI(lifespan=lifespan)
        """
    )
    failed = student.load(lifespan=True)
    assert isinstance(failed, LoadFailed)
    assert (failed.stage, failed.error, failed.message) == (
        "lifespan",
        "SystemExit",
        "no database",
    )
    assert "site-packages" not in failed.detail


def test_ping_and_advance_tell_of_the_next_timer(students: Starter) -> None:
    student = students.serve(
        """
        import asyncio

        async def app(scope, receive, send):
            await asyncio.sleep(3_600)
            raise LookupError("late")
        """
    )
    student.say(Ping(ticket=1))
    assert student.hear(Pong) == Pong(ticket=1, next_timer=None)
    student.begin()
    student.say(Ping(ticket=2))
    pong = student.hear(Pong)
    assert pong.next_timer is not None
    assert 0 < pong.next_timer <= 3_600
    student.say(Advance(ticket=3, seconds=3_600))
    frames = [student.hear(Frame) for _ in range(3)]
    assert {type(frame) for frame in frames} == {Advanced, Raised, ExchangeCrash}


def test_end_of_the_wire_ends_a_busy_server(students: Starter) -> None:
    student = students.serve()
    student.begin(
        body=b"import asyncio; asyncio.get_running_loop().create_task(asyncio.sleep(9e9))"
    )
    student.hear(Frame)
    student.process.wire.close()
    assert student.process.wait().code == 0
