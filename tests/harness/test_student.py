"""A student's server from start to end: folders, environment, clock, model calls, output."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from graders.engine.harness import Flooded, ServerDied, Stalled, StartFailed, Student, say
from graders.engine.isolation.layers import Layer
from graders.engine.wire.frames import Refused
from tests.students import HONEST, Bench, number_of

# Runs what is posted to it, as the body of a coroutine, and answers with what that returns.
RUNS = """
    import textwrap
    from fastapi import FastAPI, Request

    app = FastAPI()

    @app.post("/")
    async def run(request: Request):
        code = (await request.body()).decode()
        names = globals()
        exec("async def work():\\n" + textwrap.indent(code, "    "), names)
        return await names["work"]()
"""

ASKS_THE_MODEL = """
    from agents import (
        Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner
    )
    from fastapi import FastAPI, Request
    from fastapi.responses import StreamingResponse
    from openai import AsyncOpenAI, OpenAI

    app = FastAPI()
    MODELS = {"responses": OpenAIResponsesModel, "chat_completions": OpenAIChatCompletionsModel}

    @app.post("/{api}")
    async def ask(api: str, request: Request):
        model = MODELS[api](model="gpt-5-mini", openai_client=AsyncOpenAI())
        agent = Agent(name="Terse", instructions="Be terse.", model=model)
        result = Runner.run_streamed(agent, (await request.body()).decode())

        async def deltas():
            async for event in result.stream_events():
                if event.type == "raw_response_event":
                    if event.data.type == "response.output_text.delta":
                        yield event.data.delta

        return StreamingResponse(deltas())

    @app.post("/blocking/{where}")
    def ask_in_thread(where: str):
        return OpenAI().responses.create(model="gpt-5-mini", input=where).output_text

    @app.post("/blocking/loop/{text}")
    async def ask_in_loop(text: str):
        return OpenAI().responses.create(model="gpt-5-mini", input=text).output_text
"""


async def run(student: Student, code: str) -> Any:
    """Run ``code`` in the process of a server that is ``RUNS``."""
    response = await student.http.post("/", content=code)
    assert response.status_code == 200, student.printed
    return response.json()


async def test_the_data_folder_survives_a_restart(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    write = "import os; open(os.environ['CHATKIT_DATA_DIR'] + '/kept', 'w').write('kept')"
    await run(student, write)
    await student.restart()
    read = "import os; return open(os.environ['CHATKIT_DATA_DIR'] + '/kept').read()"
    assert await run(student, read) == "kept"


async def test_a_killed_server_is_gone_and_starts_again_without_its_memory(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    await run(student, "globals()['remembered'] = 1")
    assert (await student.kill()).signal == signal.SIGKILL
    assert not student.running
    with pytest.raises(ServerDied, match="the server is not running"):
        await student.chat().list()
    await student.start()
    assert await run(student, "return 'remembered' in globals()") is False


async def test_each_server_has_its_own_copy_of_the_submission(bench: Bench) -> None:
    spoil = "open('server.py', 'a').write('raise ValueError'); open('new.py', 'w')"
    student = await bench.serve(RUNS)
    source = student._settings.source
    await run(student, spoil)
    assert [path.name for path in source.iterdir()] == ["server.py"]
    assert "raise ValueError" not in (source / "server.py").read_text(encoding="utf-8")


async def test_the_server_sees_the_promised_environment_and_no_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADER_SECRET", "seen")
    variables = {"OPENAI_API_KEY": "sk-test", "DATABASE_URL": "sqlite:///{data}/chat.db"}
    student = await bench.serve(RUNS, variables=variables)
    seen = await run(student, "import os; return dict(os.environ)")
    work = student.data_dir.parent
    assert seen == {
        "CHATKIT_DATA_DIR": str(student.data_dir),
        "DATABASE_URL": f"sqlite:///{student.data_dir}/chat.db",
        "HOME": str(work / "home"),
        "LANG": "C.UTF-8",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
        "OPENAI_AGENTS_DONT_LOG_TOOL_DATA": "0",
        "OPENAI_API_KEY": "sk-test",
        "PATH": seen["PATH"],
        "TMPDIR": str(work / "tmp"),
        "TZ": "UTC",
    }


async def test_the_process_does_not_show_the_engine(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    look = "import os, sys; return [sys.argv, os.getcwd(), sorted(sys.modules)]"
    argv, folder, modules = await run(student, look)
    assert argv == ["server"]
    assert Path(folder).name == "submission"
    assert not {"graders", "pytest"} & {name.partition(".")[0] for name in modules}


STARTS_ONCE = """
    import os
    from fastapi import FastAPI

    def make_folder():
        os.mkdir(os.environ["CHATKIT_DATA_DIR"] + "/threads")

    make_folder()
    app = FastAPI()
"""


async def test_a_restart_that_fails_tells_of_what_was_stored(bench: Bench) -> None:
    student = await bench.serve(STARTS_ONCE)
    with pytest.raises(StartFailed) as failed:
        await student.restart()
    assert failed.value.seen.startswith(
        "The server does not start again on what it has stored. Your code raised FileExistsError"
    )
    assert "(server.py, line 6: `os.mkdir(os.environ" in failed.value.seen
    assert "With an empty data folder it starts." in failed.value.advice
    assert not student.running


async def test_nothing_is_asked_of_a_server_that_did_not_start_again(bench: Bench) -> None:
    student = await bench.serve(STARTS_ONCE)
    with pytest.raises(StartFailed):
        await student.restart()
    with pytest.raises(ServerDied, match="the server is not running"):
        await student.http.get("/")
    assert "Exception in callback" not in student.printed


async def test_a_restart_may_tell_another_asgi_version(bench: Bench) -> None:
    tells = """
        import fastapi
        app = fastapi.FastAPI()

        @app.get("/")
        async def version(request: fastapi.Request):
            return request.scope["asgi"]["spec_version"]
    """
    student = await bench.serve(tells)
    assert (await student.http.get("/")).json() == "2.3"
    await student.restart(spec_version="2.4")
    assert (await student.http.get("/")).json() == "2.4"


async def test_a_restart_may_change_variables(bench: Bench) -> None:
    student = await bench.serve(RUNS, variables={"KEPT": "1", "CHANGED": "2"})
    await student.restart(variables={"CHANGED": "3"})
    read = "import os; return [os.environ['KEPT'], os.environ['CHANGED']]"
    assert await run(student, read) == ["1", "3"]


async def test_the_clock_goes_on_over_a_restart(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    await student.advance(86_400)
    await student.restart()
    await student.advance(3_600)
    await student.restart()
    shown = await run(student, "import time; return time.time()")
    assert shown - time.time() == pytest.approx(90_000, abs=30)
    assert student.now == pytest.approx(shown, abs=30)


async def test_a_stopped_clock_shows_one_time_to_all_that_comes(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    await student.stop_clock()
    read = "import datetime; return datetime.datetime.now().isoformat()"
    first = await run(student, read)
    assert await run(student, read) == first
    await student.advance(1)
    assert await run(student, read) != first


@pytest.mark.parametrize(
    ("waits", "blocks"),
    [
        ("import time; time.sleep(0.01)", True),
        ("import asyncio; await asyncio.sleep(30)", False),
        ("import asyncio, time; await asyncio.to_thread(time.sleep, 30)", False),
        ("return None", False),
    ],
)
async def test_blocked_seconds_are_those_of_a_sleep_in_the_event_loop(
    bench: Bench, waits: str, *, blocks: bool
) -> None:
    student = await bench.serve(RUNS)
    await student.stop_clock()
    await run(student, waits)
    assert (student.blocked_seconds > 0) == blocks


async def test_skipped_seconds_are_those_of_timers_and_not_of_the_grader(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    await student.advance(60)
    assert student.skipped_seconds == 0
    await run(student, "import asyncio; await asyncio.sleep(20)")
    assert 15 < student.skipped_seconds <= 20


async def test_moving_the_clock_by_a_day_fires_timers_and_is_seen_everywhere(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    await run(
        student,
        "import asyncio, time\n"
        "woke = globals()['woke'] = []\n"
        "async def sleeper(hours):\n"
        "    await asyncio.sleep(3600 * hours)\n"
        "    woke.append(hours)\n"
        "globals()['tasks'] = [asyncio.create_task(sleeper(hours)) for hours in (23, 5, 25)]\n"
        "globals()['began'] = time.monotonic()",
    )
    await student.advance(86_400)
    look = (
        "import datetime, time\n"
        "now = datetime.datetime.now(datetime.timezone.utc)\n"
        "return [now.isoformat(), time.time(), time.monotonic() - began, woke]"
    )
    shown, seconds, passed, woke = await run(student, look)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert abs(datetime.fromisoformat(shown) - tomorrow) < timedelta(hours=1)
    assert abs(seconds - time.time() - 86_400) < 3_600
    assert 86_400 <= passed < 90_000
    assert woke == [5, 23]


@pytest.mark.parametrize("api", ["responses", "chat_completions"])
async def test_calls_of_the_agents_sdk_are_answered_by_the_script(bench: Bench, api: str) -> None:
    student = await bench.serve(ASKS_THE_MODEL)
    turn = bench.model.on("What is kiwi?", say("A ", "fruit", "."))
    async with student.http.stream("POST", f"/{api}", content=b"What is kiwi?") as response:
        deltas = [chunk async for chunk in response.aiter_raw()]
    assert deltas == [b"A ", b"fruit", b"."]
    assert (turn.request.api, turn.request.key) == (api, "sk-test")
    assert bench.model.findings() == []


@pytest.mark.parametrize("path", ["/blocking/thread", "/blocking/loop/loop"])
async def test_a_blocking_client_is_answered_in_a_thread_and_in_the_loop(
    bench: Bench, path: str
) -> None:
    student = await bench.serve(ASKS_THE_MODEL)
    bench.model.on(path.rpartition("/")[2], say("an", "swer"))
    assert (await student.http.post(path)).json() == "answer"


async def test_a_client_that_blocks_the_loop_is_stalled_where_the_loop_is_asked_at_calls(
    bench: Bench,
) -> None:
    student = await bench.serve(ASKS_THE_MODEL)
    student.ask_loop_at_calls()
    bench.model.on("thread", say("an", "swer"))
    assert (await student.http.post("/blocking/thread")).json() == "answer"
    with pytest.raises(Stalled, match="event loop is blocked"):
        await student.http.post("/blocking/loop/loop")


async def test_a_refused_connection_is_recorded_with_its_target(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    code = """
import socket
try:
    socket.socket().connect(("203.0.113.7", 443))
except ConnectionRefusedError as error:
    return str(error)
"""
    told = await run(student, code)
    assert "203.0.113.7:443" in str(told)
    assert "no network" in str(told)
    assert [frame.target for frame in student.refused] == ["203.0.113.7:443"]
    assert "tried to connect 203.0.113.7:443: refused" in bench.trace.entries[-1].text


async def test_only_the_first_hundred_refused_connections_are_kept(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    code = """
import socket
for number in range(150):
    try:
        socket.getaddrinfo(f"host{number}.invalid", 80)
    except OSError:
        pass
"""
    await run(student, code)
    assert student.refused[0] == Refused(what="resolve", target="host0.invalid:80")
    assert len(student.refused) == 100


async def test_a_call_to_anything_but_the_model_fails_and_names_the_host(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    code = """
import httpx
try:
    await httpx.AsyncClient().get("https://api.example.com/weather")
except httpx.ConnectError as error:
    return str(error)
"""
    assert "api.example.com" in str(await run(student, code))


async def test_what_is_printed_can_be_read_at_once(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    await run(student, "import sys; print('to \\x1b[1mout'); print('to err', file=sys.stderr)")
    assert student.printed == "to \\x1b[1mout\nto err\n"


async def test_what_a_killed_server_had_printed_is_kept(bench: Bench) -> None:
    student = await bench.serve(f"    print('starting'){HONEST}")
    await student.kill()
    assert student.printed == "starting\n"


async def test_of_much_output_the_end_is_kept(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    await run(student, "print('beginning'); print('x' * 100_000); print('end')")
    assert "beginning" not in student.printed
    assert student.printed.endswith("x\nend\n")
    assert len(student.printed) <= 64 * 1024


async def test_a_flood_of_output_is_a_finding(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    with pytest.raises(Flooded, match="your server printed more than 32 MiB"):
        await run(student, "while True: print('x' * 10_000)")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os; os._exit(7)", "the server's process ended: it exited with code 7"),
        ("raise SystemExit(3)", "the server's process ended: it exited with code 3"),
        (
            "import os; os.kill(os.getpid(), 11)",
            "the server's process ended: it was ended by the signal SIGSEGV",
        ),
        (
            "import os; os.kill(os.getpid(), 40)",
            "the server's process ended: it was ended by the signal 40",
        ),
    ],
)
async def test_a_server_that_dies_in_a_request_tells_how(
    bench: Bench, code: str, told: str
) -> None:
    student = await bench.serve(RUNS)
    with pytest.raises(ServerDied) as died:
        await run(student, code)
    assert died.value.seen == told
    with pytest.raises(ServerDied):
        await student.chat().list()
    assert not student.running


async def test_stop_leaves_no_process_and_no_folder(bench: Bench) -> None:
    student = await bench.serve(RUNS, without={Layer.FILES, Layer.SYSCALLS, Layer.ROOT})
    told = await run(
        student,
        "import os, subprocess\n"
        "child = subprocess.Popen(['sleep', '1000'])\n"
        "return [os.getpid(), child.pid]",
    )
    pids = [number_of(student, number) for number in told]
    work = student.data_dir.parent
    assert work.is_dir()
    await student.stop()
    assert not work.exists()
    assert [pid for pid in pids if _exists(pid)] == []
    await student.stop()


async def test_stop_leaves_no_open_descriptor(bench: Bench) -> None:
    await (await bench.serve(HONEST)).stop()
    gc.collect()
    before = _descriptors()
    student = await bench.serve(HONEST)
    await student.restart()
    await student.stop()
    assert _descriptors() == before


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _descriptors() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


async def test_a_start_that_fails_leaves_no_folder(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspaces = tmp_path / "workspaces"
    workspaces.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(workspaces))
    await bench.problem("raise ValueError('no')")
    assert list(workspaces.iterdir()) == []


async def test_cookies_are_each_users_own_and_outlive_a_restart(bench: Bench) -> None:
    student = await bench.serve(
        """
        from fastapi import FastAPI, Request, Response

        app = FastAPI()
        visitors = []

        @app.post("/chatkit")
        async def endpoint(request: Request, response: Response):
            if "visitor" not in request.cookies:
                visitors.append(request)
                response.set_cookie("visitor", str(len(visitors)), httponly=True)
            return {"visitor": request.cookies.get("visitor")}
        """
    )
    alice, bob = student.chat(name="alice"), student.chat(name="bob")
    assert [(await chat.raw({})).json["visitor"] for chat in (alice, bob)] == [None, None]
    await student.restart()
    assert [(await chat.raw({})).json["visitor"] for chat in (alice, bob, alice)] == ["1", "2", "1"]
