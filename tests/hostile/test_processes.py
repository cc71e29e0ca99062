"""Submissions that end, survive, stop or spend more than they may."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from graders.engine.core.limits import ProcessLimits, WireLimits
from graders.engine.harness import (
    OverLimit,
    RanAway,
    Student,
)
from graders.engine.isolation.layers import Layer
from tests.students import Bench, number_of

RUNS = """
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        names = {}
        exec((await receive())["body"].decode(), names)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(names.get("result")).encode()})
"""

DAEMON = """
import os, subprocess, sys

CODE = '''
import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
daemon = os.fork()
if daemon:
    os.write(int(sys.argv[1]), str(daemon).encode())
    os._exit(0)
os.closerange(0, 256)
time.sleep(10_000)
'''
reader, writer = os.pipe()
subprocess.run([sys.executable, "-S", "-c", CODE, str(writer)], pass_fds=[writer])
result = os.read(reader, 20).decode()
"""


# With these on, a student can start no process at all.
FORKING = frozenset({Layer.FILES, Layer.SYSCALLS})


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def run(student: Student, code: str) -> str:
    """Run ``code`` in the student's process; return its ``result``."""
    return (await student.http.post("/", content=code)).text


@pytest.mark.parametrize("cold", [False, True])
async def test_a_daemon_is_gone_with_its_server(bench: Bench, *, cold: bool) -> None:
    files = {"yaml.py": ""} if cold else {}
    shadows = tuple(name[:-3] for name in files)
    student = await bench.serve(RUNS, files=files, shadows=shadows, without=FORKING)
    daemon = number_of(student, int(await run(student, DAEMON)))
    await student.stop()
    assert not _exists(daemon)
    await bench.serve_honest()


async def test_a_forked_copy_of_the_server_is_gone_with_it(bench: Bench) -> None:
    student = await bench.serve(RUNS, without=FORKING)
    code = "import os, time\nresult = os.fork()\nif result == 0:\n    time.sleep(10_000)"
    child = number_of(student, int(await run(student, code)))
    await student.stop()
    assert not _exists(child)


@pytest.mark.parametrize("where", ["import", "request"])
async def test_an_endless_loop_ends_at_the_watchdogs_budget(bench: Bench, where: str) -> None:
    wire = WireLimits(answer_cpu_seconds=1, start_cpu_seconds=1)
    if where == "import":
        assert (await bench.problem("while True: pass", wire=wire)).kind == "start-loops"
    else:
        student = await bench.serve(RUNS, wire=wire)
        with pytest.raises(RanAway):
            await run(student, "while True: pass")
    await bench.serve_honest()


async def test_an_endless_loop_ends_at_the_kernels_limit(bench: Bench) -> None:
    student = await bench.serve(RUNS, limits=ProcessLimits(cpu_seconds=1))
    with pytest.raises(
        OverLimit, match=r"^your server used more than 1 s of CPU time while it answered `POST /`$"
    ):
        await run(student, "while True: pass")
    await bench.serve_honest()


async def test_too_much_memory_is_an_error_of_the_students_code(bench: Bench) -> None:
    student = await bench.serve(RUNS, limits=ProcessLimits(memory_mb=400))
    code = "try:\n    bytearray(10**10)\nexcept MemoryError:\n    result = 'refused'"
    assert await run(student, code) == "refused"


async def test_the_graders_own_files_and_settings_are_not_handed_on(bench: Bench) -> None:
    student = await bench.serve(RUNS)
    code = (
        "import os\n"
        "result = [os.readlink(f'/proc/self/fd/{fd}').split(':')[0]\n"
        "          for fd in sorted(map(int, os.listdir('/proc/self/fd'))) if fd <= 3]\n"
        "result += [os.getsid(0) == os.getpid()]"
    )
    assert await run(student, code) == "['/dev/null', 'pipe', 'pipe', 'socket', True]"
    assert os.environ.get("PATH")
