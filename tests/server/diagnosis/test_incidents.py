"""Each limit and each refusal of a real server: the sentence about it, and who carries it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from graders.engine.content.models import Criterion
from graders.engine.core.errors import GraderBrokeError
from graders.engine.core.limits import Deadlines, ProcessLimits, WireLimits
from graders.engine.core.results import Status
from graders.engine.grading.verdict import judge
from graders.engine.harness import (
    AppCrashed,
    Finding,
    OverLimit,
    ServerDied,
    ServerSettings,
    StartFailed,
    Student,
    TookTooLong,
    Trace,
)
from graders.engine.harness.server_factory import ProcessFactory
from graders.engine.sandbox.process import Exit, Launcher
from graders.engine.server.diagnosis.incidents import used_up_cpu
from graders.engine.server.watch.deadlines import RunClock
from tests.students import HONEST, Bench

# Runs what it is sent; what that raises is the app's own exception.
RUNS = """
    import asyncio, json, mmap, multiprocessing, os, socket, sqlite3, subprocess, threading
    import traceback

    def pool():
        return multiprocessing.Pool(2)

    def fill(db, size):
        db.execute('create table if not exists t (x)')
        db.execute('insert into t values (?)', (bytes(size),))
        db.commit()

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        body = (await receive())["body"]
        if body.startswith(b"{"):
            body = json.loads(body)["params"]["input"]["content"][0]["text"].encode()
        names = dict(globals())
        exec("async def work():\\n    " + body.decode().replace("\\n", "\\n    "), names)
        result = await names["work"]()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(result).encode()})
"""
NEVER = "\nawait asyncio.Event().wait()"
BUSY = "\nwhile True: pass"
AT = "while it answered `POST /`"


async def run(student: Student, code: str) -> str:
    """Run ``code`` in the student's process; return what it returns."""
    return (await student.http.post("/", content=code)).text


# --- what is seen from outside ends the server ------------------------------------------------


@pytest.mark.parametrize(
    ("code", "limits", "told"),
    [
        (
            "held = bytearray(200_000_000)" + BUSY,
            {"memory_mb": 300},
            "used more than 300 MiB of memory",
        ),
        (
            "held = mmap.mmap(-1, 200_000_000)\nheld.write(b'x' * 200_000_000)" + BUSY,
            {"memory_mb": 300},
            "used more than 300 MiB of memory",
        ),
        (
            "for _ in range(30): threading.Thread(target=threading.Event().wait).start()" + BUSY,
            {"processes": 20},
            "started more than 20 threads at once",
        ),
        (
            "for n in range(4): open(str(n), 'wb').write(bytes(800_000))" + BUSY,
            {"disk_mb": 2},
            "wrote more than 2 MiB in its folders",
        ),
        (
            "for n in range(30): open(os.environ['TMPDIR'] + f'/{n}', 'w').close()" + BUSY,
            {"disk_files": 20},
            "made more than 20 files in its folders",
        ),
        (
            "for n in range(60):\n    os.mkdir('a' * 200)\n    os.chdir('a' * 200)" + BUSY,
            {},
            "put folders into folders until their path was too long to be used",
        ),
    ],
)
async def test_what_goes_past_a_limit_is_ended_with_its_name(
    bench: Bench, code: str, limits: dict[str, int], told: str
) -> None:
    student = await bench.serve(RUNS, limits=ProcessLimits(**limits))
    with pytest.raises(OverLimit) as over:
        await run(student, code)
    assert over.value.seen == f"your server {told} {AT}"
    assert not student.running
    await bench.serve_honest()


async def test_what_goes_past_a_limit_at_the_start_is_a_problem(bench: Bench) -> None:
    problem = await bench.problem(
        "held = bytearray(200_000_000)\nwhile True: pass", limits=ProcessLimits(memory_mb=300)
    )
    assert problem.kind == "over-limit"
    assert problem.title == "Your server used more than 300 MiB of memory while it started."


async def test_what_the_server_was_asked_is_in_the_sentence(bench: Bench) -> None:
    student = await bench.serve(RUNS, limits=ProcessLimits(cpu_seconds=1))
    with pytest.raises(OverLimit) as over:
        await student.chat().create("while True: pass")
    assert over.value.seen == (
        "your server used more than 1 s of CPU time while it answered `threads.create` "
        "(while True: pass)"
    )


async def test_several_requests_at_once_are_counted_instead(bench: Bench) -> None:
    student = await bench.serve(RUNS, limits=ProcessLimits(memory_mb=300))
    waiting = student.http.build_request("POST", "/", content=NEVER.strip())
    other = asyncio.create_task(student.http.send(waiting))
    with pytest.raises(OverLimit, match="while it answered 2 requests"):
        await run(student, "held = bytearray(200_000_000)" + BUSY)
    with pytest.raises(OverLimit):
        await other


async def test_an_honest_server_may_have_threads_in_plenty(bench: Bench) -> None:
    # asyncio's pool and anyio's, on a machine with many CPUs, and a thread for each connection.
    code = (
        "barrier = threading.Barrier(101)\n"
        "threads = [threading.Thread(target=barrier.wait) for _ in range(100)]\n"
        "for thread in threads: thread.start()\n"
        "barrier.wait()\n"
        "for thread in threads: thread.join()\n"
        "return len(threads)"
    )
    assert await run(await bench.serve(RUNS), code) == "100"


# --- what its own errors tell only explains ---------------------------------------------------


@pytest.mark.parametrize(
    ("code", "limits", "told"),
    [
        ("bytearray(10**11)", {}, f"asked for more than 1 GiB of memory {AT}"),
        ("mmap.mmap(-1, 10**11)", {}, f"asked for more than 1 GiB of memory {AT}"),
        (
            "held = [open('/dev/null') for _ in range(99)]",
            {"open_files": 64},
            f"opened more than 64 files at once {AT}",
        ),
        (
            "open('big', 'wb').write(bytes(2_000_000))",
            {"file_size_mb": 1},
            f"wrote a file of more than 1 MiB {AT}",
        ),
        (
            "fill(sqlite3.connect('chat.db'), 2_000_000)",
            {"file_size_mb": 1},
            (
                f"could not write to its database {AT}; SQLite says `disk I/O error` also of a "
                "file of more than 1 MiB, the most that a file may have here"
            ),
        ),
        (
            "while True: fill(sqlite3.connect('chat.db'), 10_000)",
            {"file_size_mb": 1},
            f"wrote a file of more than 1 MiB {AT}",
        ),
        (
            "subprocess.run(['git', 'status'])",
            {},
            (
                f"tried to start another program or process (`git status`) {AT}; a submission must "
                "do all in one process"
            ),
        ),
        (
            "socket.create_connection(('db.example', 5432))",
            {},
            (
                f"tried to look up the address of `db.example:5432` {AT}; a submission has no "
                "network, and only calls to the model are answered"
            ),
        ),
        (
            "socket.socket().bind(('127.0.0.1', 8000))",
            {},
            (
                f"tried to listen on `127.0.0.1:8000` {AT}; a submission has no network, and the "
                "grader calls its application directly"
            ),
        ),
        (
            "os.memfd_create('hidden')",
            {},
            (
                f"tried something that a submission may not do (`Operation not permitted`) {AT}; "
                "it may start no program and no process, open no connection, and use no other "
                "process"
            ),
        ),
        (
            "os.setgid(os.getgid())",
            {},
            (
                "asked the kernel for something that is not available here (`Function not "
                f"implemented`) {AT}; a submission has the calls that an ordinary server needs"
            ),
        ),
        (
            "open('/etc/passwd')",
            {},
            (
                f"tried to use `/etc/passwd` {AT}; it may use its own folders, and read Python's "
                "libraries"
            ),
        ),
    ],
)
@pytest.mark.parametrize("way", ["raised", "printed"])
async def test_an_error_that_speaks_of_a_limit_explains_what_fails(
    bench: Bench, code: str, limits: dict[str, int], told: str, way: str
) -> None:
    student = await bench.serve(RUNS, limits=ProcessLimits(**limits))
    if way == "raised":
        with pytest.raises(AppCrashed):
            await run(student, code)
    else:
        await run(student, _logged(code))
    assert bench.trace.explanations == (f"your server {told}",)
    assert student.running


async def test_a_pool_of_processes_is_explained_wherever_it_is_refused(bench: Bench) -> None:
    # Its semaphores are files outside, unless there is a root folder of the own that has a place
    # for them; then the first process is refused.
    student = await bench.serve(RUNS)
    with pytest.raises(AppCrashed):
        await run(student, "pool()")
    [told] = bench.trace.explanations
    assert told.startswith("your server tried to ")
    assert told.endswith(f"{AT}; a submission must do all in one process")


def _logged(code: str) -> str:
    inner = code.replace("\n", "\n    ")
    return f"try:\n    {inner}\nexcept Exception:\n    traceback.print_exc()"


@pytest.mark.parametrize(
    "code",
    [
        "bytearray(10**11)",
        "subprocess.run(['git', 'status'])",
        "socket.create_connection(('db.example', 5432))",
        "open('/etc/passwd')",
    ],
)
async def test_an_attempt_that_the_server_gets_over_is_not_held_against_it(
    bench: Bench, code: str
) -> None:
    student = await bench.serve(RUNS)
    await run(student, f"try:\n    {code}\nexcept Exception:\n    pass")
    assert bench.trace.explanations == ()


@pytest.mark.parametrize(
    "code",
    [
        "raise PermissionError(13, 'Permission denied', os.getcwd() + '/own')",
        "raise PermissionError(13, 'Permission denied')",
        "raise OSError(28, 'No space left on device')",
        "raise ValueError('MemoryError')",
        "raise RuntimeError('this can\\'t start new thread')",
    ],
)
async def test_an_error_with_another_cause_is_not_put_down_to_a_limit(
    bench: Bench, code: str
) -> None:
    student = await bench.serve(RUNS)
    with pytest.raises(AppCrashed):
        await run(student, code)
    assert bench.trace.explanations == ()


async def test_threads_that_have_no_room_are_not_called_too_many(bench: Bench) -> None:
    # Memory that is asked for and not used, and then a few threads, whose stacks have no room left.
    limits = ProcessLimits(memory_mb=400, processes=100)
    student = await bench.serve(RUNS, limits=limits)
    code = (
        "held = []\n"
        "try:\n"
        "    while True: held.append(mmap.mmap(-1, 2**24, flags=mmap.MAP_PRIVATE))\n"
        "except OSError:\n"
        "    for _ in range(30): threading.Thread(target=threading.Event().wait).start()"
    )
    with pytest.raises(AppCrashed, match="can't start new thread"):
        await run(student, code)
    [told] = [told for told in bench.trace.explanations if "thread" in told]
    assert told == (
        "your server had no memory left for another thread (400 MiB, and room for the stacks of "
        f"100 threads) {AT}"
    )


async def test_a_refusal_at_import_is_told_before_the_cure(bench: Bench) -> None:
    problem = await bench.problem("import subprocess\nsubprocess.run(['git', 'status'])")
    assert problem.kind == "import-error"
    assert problem.cure.startswith(
        "Your server tried to start another program or process (`git status`) while it started; a "
        "submission must do all in one process. A submission is one process:"
    )


def _criterion() -> Criterion:
    hints = {"default": "Try again."}
    return Criterion(id="answers", title="A", points=1, requirement="It answers.", hints=hints)


@pytest.mark.parametrize(
    ("seen", "explanations", "told"),
    [
        ("it is empty", (), "It is empty."),
        (
            "it is empty",
            ("your server did this", "your server did that"),
            "It is empty. Note: Your server did this. Note: Your server did that.",
        ),
        ("your server did this", ("your server did this",), "Your server did this."),
    ],
)
def test_an_explanation_stands_beside_the_finding(
    seen: str, explanations: Sequence[str], told: str
) -> None:
    trace = Trace()
    for each in explanations:
        trace.explain(each, each)
    verdict = judge(Finding(seen), _criterion(), trace)
    assert verdict.status is Status.FAILED
    assert verdict.feedback is not None
    assert verdict.feedback.seen == told


def test_explanations_are_told_once_each_and_three_at_most() -> None:
    trace, other = Trace(), Trace()
    for about, sentence in (("a", "one"), ("a", "one again"), ("b", "two"), ("c", "three")):
        trace.explain(about, sentence)
    trace.explain("d", "four")
    assert trace.explanations == ("one", "two", "three")
    other.adopt(trace)
    assert other.explanations == trace.explanations


# --- the end of a process, and of the time ----------------------------------------------------


@pytest.mark.parametrize(
    ("end", "used_up"),
    [
        (Exit(code=None, signal=24, cpu_seconds=60.0), True),
        (Exit(code=None, signal=24, cpu_seconds=0.0), True),
        (Exit(code=None, signal=24, cpu_seconds=1.0), False),
        (Exit(code=None, signal=9, cpu_seconds=61.0), True),
        (Exit(code=None, signal=9, cpu_seconds=59.0), False),
        (Exit(code=None, signal=9, cpu_seconds=0.0), False),
        (Exit(code=0, cpu_seconds=61.0), False),
    ],
)
def test_cpu_time_is_used_up_when_the_kernel_says_so(end: Exit, *, used_up: bool) -> None:
    assert used_up_cpu(end, ProcessLimits(cpu_seconds=60)) is used_up


async def test_a_signal_that_the_server_sends_itself_is_no_limit(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    with pytest.raises(ServerDied, match="ended by the signal SIGXCPU"):
        await run(student, "import signal\nos.kill(os.getpid(), signal.SIGXCPU)")


async def test_too_many_calls_of_the_model_are_ended(bench: Bench) -> None:
    student = await bench.serve(RUNS, wire=WireLimits(model_calls=3))
    code = "import httpx\nwhile True: httpx.post('https://x/v1/responses', json={})"
    with pytest.raises(OverLimit, match="your server called the model more than 3 times"):
        await run(student, code)


class Hands:
    """What the grader's clock shows, which a test sets."""

    seconds = 0.0


@pytest.mark.parametrize(("held_up", "ours"), [(0.0, False), (600.0, True)])
async def test_a_check_ends_on_the_graders_clock(
    launcher: Launcher, bench: Bench, held_up: float, *, ours: bool
) -> None:
    hands = Hands()
    clock = RunClock(
        Deadlines(), now=lambda: hands.seconds, held_up=lambda pid: held_up if pid else 0.0
    )
    settings = ServerSettings(source=bench.write({"server.py": RUNS}))
    student = await Student.launch(launcher, settings, bench.model, bench.trace, clock)
    hands.seconds = 301.0
    with pytest.raises(
        GraderBrokeError if ours else TookTooLong, match="the check was ended after 300 s"
    ):
        await run(student, "while True: pass")
    await student.stop()
    await bench.serve_honest()


async def test_a_start_ends_on_the_graders_clock(launcher: Launcher, bench: Bench) -> None:
    times = iter((0.0, 0.0))
    clock = RunClock(Deadlines(), now=lambda: next(times, 301.0), held_up=lambda _: 0.0)
    settings = ServerSettings(source=bench.write({"server.py": "while True: pass"}))
    with pytest.raises(StartFailed) as failed:
        await Student.launch(launcher, settings, bench.model, bench.trace, clock)
    assert failed.value.problem.title.startswith("The check was ended after 300 s")


async def test_no_server_is_started_once_the_time_of_the_run_is_over(
    launcher: Launcher, tmp_path: Path
) -> None:
    (tmp_path / "server.py").write_text(HONEST, encoding="utf-8")
    times = iter((0.0,))
    run_clock = RunClock(Deadlines(), now=lambda: next(times, 1_801.0))
    factory = ProcessFactory(launcher, ServerSettings(source=tmp_path), clock=run_clock)
    with pytest.raises(GraderBrokeError, match="the 1,800 s that all checks together may take"):
        await factory.start(Trace())
