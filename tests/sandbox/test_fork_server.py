"""The fork server's own conduct: starts and ends, many and at once, and nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import pytest

from graders.engine.core.places import REPOSITORY
from graders.engine.isolation.layers import Layer
from graders.engine.sandbox.fork_client import ForkLauncher
from graders.engine.sandbox.launcher import open_launcher
from graders.engine.sandbox.process import Launcher, LaunchError, LaunchSpec
from graders.engine.wire.frames import Hello
from tests.processes import number_here
from tests.sandbox.wired import (
    Starter,
    Wired,
    has_ended,
    starting,
    wait_for_end,
    watching,
)

FORKING = {Layer.SYSCALLS}
"""What is left off so that a student can start processes at all."""

# Runs in the student's process. A `survivor` outlives whoever started it: it is in a session of its
# own, its parent is gone, and it holds the wire and the output open. Its number comes by a pipe.
SURVIVOR = """
    import os, signal

    def survivor():
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.write(writing, str(os.getpid()).encode())
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                while True:
                    signal.pause()
            os._exit(0)
        os.wait()
        return int(os.read(reading, 20))

    def child():
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.write(writing, b"!")
            while True:
                signal.pause()
        os.read(reading, 1)
        return pid

"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[ForkLauncher, Starter]]:
    """Yield a fork server of this test's own, to count, to look into and to break."""
    launcher = ForkLauncher(without=frozenset({Layer.MEMORY}))
    try:
        with starting(launcher, tmp_path) as starter:
            yield launcher, starter
    finally:
        launcher.close()


def survivors_pid(student: Wired, code: str) -> int:
    pid = student.ask(f"{SURVIVOR}\n    {code}")
    assert isinstance(pid, int)
    return number_here(student.process.pid, pid)


def descriptors_of(pid: int | str) -> list[str]:
    return sorted(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names, not paths


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


# --- one student ------------------------------------------------------------------------------


def test_kill(students: Starter) -> None:
    student = students.serve()
    with watching(student.process.pid) as pidfd:
        assert student.process.kill().signal == signal.SIGKILL
        assert has_ended(pidfd)
    student.wait_for_eof()


def test_kill_twice_gives_the_same(students: Starter) -> None:
    student = students.serve()
    first = student.process.kill()
    assert student.process.kill() == first
    assert student.process.wait() == first


def test_kill_before_the_process_has_said_anything(students: Starter) -> None:
    student = students.start()
    assert student.process.kill().signal == signal.SIGKILL


def test_wait_gives_the_exit_code(students: Starter) -> None:
    student = students.serve()
    student.begin(body=b"import os; os._exit(7)")
    assert student.process.wait().code == 7


def test_wait_gives_the_signal(students: Starter) -> None:
    student = students.serve()
    student.begin(body=b"import os; os.abort()")
    assert student.process.wait().signal == signal.SIGABRT


def test_kill_of_a_process_that_has_already_ended_tells_how_it_ended(students: Starter) -> None:
    student = students.serve()
    with watching(student.process.pid) as pidfd:
        student.begin(body=b"import os; os._exit(7)")
        wait_for_end(pidfd)
    assert student.process.kill().code == 7


@pytest.mark.parametrize("attempt", range(20))
def test_kill_of_a_process_that_is_just_ending(students: Starter, attempt: int) -> None:
    student = students.start()
    student.hear(Hello)
    student.process.wire.shutdown(socket.SHUT_WR)
    if attempt % 2:
        student.wait_for_eof()
    end = student.process.kill()
    assert (end.code, end.signal) in {(0, None), (None, signal.SIGKILL)}


def test_process_ends_when_its_wire_is_closed(students: Starter) -> None:
    student = students.serve()
    student.process.wire.shutdown(socket.SHUT_RDWR)
    assert student.process.wait().code == 0


# --- what a student leaves behind ---------------------------------------------------------------


@pytest.mark.parametrize("without", [FORKING, FORKING | {Layer.PROCESSES}])
@pytest.mark.parametrize("kind", ["survivor", "child"])
def test_descendants_are_gone_after_kill(students: Starter, kind: str, without: set[Layer]) -> None:
    student = students.serve(without=without)
    with watching(survivors_pid(student, f"answer = {kind}()")) as pidfd:
        student.process.kill()
        assert has_ended(pidfd)


@pytest.mark.parametrize("without", [FORKING, FORKING | {Layer.PROCESSES}])
@pytest.mark.parametrize("kind", ["survivor", "child"])
def test_wire_held_open_by_a_descendant_is_closed_when_the_process_ends(
    students: Starter, kind: str, without: set[Layer]
) -> None:
    student = students.serve(without=without)
    student.begin(body=dedent(f"{SURVIVOR}\n    {kind}()\n    os._exit(3)").encode())
    student.wait_for_eof()
    assert student.process.wait().code == 3


def test_descendants_of_one_student_are_ended_and_another_student_is_not(
    students: Starter,
) -> None:
    first, second = students.serve(without=FORKING), students.serve(without=FORKING)
    survivors_pid(first, "answer = survivor()")
    child = survivors_pid(second, "answer = child()")
    with watching(child) as pidfd:
        first.process.kill()
        assert second.ask("answer = 1") == 1
        assert not has_ended(pidfd)
        second.process.kill()
        assert has_ended(pidfd)


# --- many students ------------------------------------------------------------------------------


def test_several_students_at_once(students: Starter) -> None:
    crowd = [students.serve(variables={"NUMBER": str(number)}) for number in range(6)]
    for number, student in reversed(list(enumerate(crowd))):
        assert student.ask("import os; answer = os.environ['NUMBER']") == str(number)
    for student in crowd[::2]:
        student.end()
    for number, student in list(enumerate(crowd))[1::2]:
        assert student.ask("import os; answer = os.environ['NUMBER']") == str(number)
        assert student.end().signal == signal.SIGKILL


def test_several_threads_start_and_end_students_at_once(launcher: Launcher, tmp_path: Path) -> None:
    def live(number: int) -> tuple[str, int | None]:
        with starting(launcher, tmp_path / str(number)) as starter:
            student = starter.serve(variables={"NUMBER": str(number)})
            said = student.ask("import os; answer = os.environ['NUMBER']")
            return said, student.end().signal

    with ThreadPoolExecutor(4) as threads:
        lives = list(threads.map(live, range(12)))
    assert lives == [(str(number), signal.SIGKILL) for number in range(12)]


def test_a_hundred_starts_leak_nothing(own: tuple[ForkLauncher, Starter], tmp_path: Path) -> None:
    launcher, _ = own
    spec = LaunchSpec(root=tmp_path, environment={})

    def start_and_end() -> None:
        process = launcher.start(spec)
        process.kill()
        process.wire.close()
        os.close(process.output)

    start_and_end()
    ours, theirs = descriptors_of("self"), descriptors_of(launcher.pid)
    for _ in range(100):
        start_and_end()
    assert descriptors_of("self") == ours
    assert descriptors_of(launcher.pid) == theirs
    assert threads_of(launcher.pid) == 1
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children")
    assert children.read_text(encoding="ascii") == ""


def test_modules_of_a_lesson_are_imported_once_before_its_servers(
    own: tuple[ForkLauncher, Starter],
) -> None:
    launcher, starter = own
    loaded = (
        "import os, sys; answer = ['numpy' in sys.modules, 'OPENBLAS_NUM_THREADS' in os.environ]"
    )
    assert starter.serve().ask(loaded) == [False, False]
    wanted = ("qdrant_client", "no_such_module")
    assert starter.serve(preload=wanted).ask(loaded) == [True, False]
    assert starter.serve(preload=wanted).ask(loaded) == [True, False]
    assert threads_of(launcher.pid) == 1


def test_fork_server_has_one_thread_and_a_clean_environment(
    own: tuple[ForkLauncher, Starter],
) -> None:
    launcher, starter = own
    starter.serve()
    assert threads_of(launcher.pid) == 1
    environment = Path(f"/proc/{launcher.pid}/environ").read_bytes().rstrip(b"\0").split(b"\0")
    assert sorted(line.partition(b"=")[0] for line in environment) == [
        b"LANG",
        b"OPENAI_AGENTS_DISABLE_TRACING",
        b"OPENAI_AGENTS_DONT_LOG_TOOL_DATA",
        b"PATH",
        b"TZ",
    ]


def test_a_thread_that_is_about_to_end_is_waited_for() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LEAVING], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert told.stdout.split() == ["1", "2"]


LEAVING = """
import threading
from graders.engine.sandbox import fork_server

ends = threading.Event()
fork_server.time.sleep = lambda _seconds: ends.set()
threading.Thread(target=ends.wait).start()
print(fork_server._threads())
threading.Thread(target=threading.Event().wait, daemon=True).start()
print(fork_server._threads())
"""


# --- the end of all -----------------------------------------------------------------------------


def test_close_ends_every_student_and_what_it_started(own: tuple[ForkLauncher, Starter]) -> None:
    launcher, starter = own
    with contextlib.ExitStack() as stack:
        pidfds = [stack.enter_context(watching(launcher.pid))]
        for kind in ("survivor", "child"):
            student = starter.serve(without=FORKING)
            descendant = survivors_pid(student, f"answer = {kind}()")
            pidfds += [
                stack.enter_context(watching(pid)) for pid in (student.process.pid, descendant)
            ]
        launcher.close()
        assert all(map(has_ended, pidfds))


def test_fork_server_that_was_killed_is_told(own: tuple[ForkLauncher, Starter]) -> None:
    launcher, starter = own
    student = starter.serve()
    before = descriptors_of("self")
    os.kill(launcher.pid, signal.SIGKILL)
    student.wait_for_eof()
    with pytest.raises(LaunchError, match="the fork server"):
        launcher.start(LaunchSpec(root=student.root, environment={}))
    assert descriptors_of("self") == before


def test_launcher_closed_at_once_says_nothing() -> None:
    code = "from graders.engine.sandbox.launcher import open_launcher\nwith open_launcher(): pass"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"", b"")


GRADER = """
import sys
from pathlib import Path
from graders.engine.sandbox import LaunchSpec
from graders.engine.sandbox.{module} import {launcher}
from tests.processes import number_here
from tests.sandbox.wired import starting
from tests.sandbox.test_fork_server import FORKING, SURVIVOR

launcher = {launcher}()
with starting(launcher, Path(sys.argv[1])) as starter:
    student = starter.serve(without=FORKING)
    descendant = number_here(student.process.pid, student.ask({code!r}))
    server = getattr(launcher, "pid", student.process.pid)
    print(server, student.process.pid, descendant, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def grader_killed_with_its_student(
    module: str, launcher: str, folder: Path, code: str
) -> Iterator[list[int]]:
    """Yield pidfds of all that a grader started, right after it was killed."""
    script = GRADER.format(module=module, launcher=launcher, code=code)
    with (
        subprocess.Popen(
            [sys.executable, "-c", script, str(folder)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as grader,
        contextlib.ExitStack() as stack,
    ):
        assert grader.stdout is not None
        pids = [int(pid) for pid in grader.stdout.readline().split()]
        pidfds = [stack.enter_context(watching(pid)) for pid in pids]
        grader.kill()
        yield pidfds


def test_everything_ends_with_the_graders_process(tmp_path: Path) -> None:
    code = f"{SURVIVOR}\n    answer = survivor()"
    with grader_killed_with_its_student("fork_client", "ForkLauncher", tmp_path, code) as pidfds:
        for pidfd in pidfds:
            wait_for_end(pidfd)


def test_fresh_students_end_with_the_graders_process(tmp_path: Path) -> None:
    code = "import os; answer = os.getpid()"
    with grader_killed_with_its_student("fresh", "FreshLauncher", tmp_path, code) as pidfds:
        for pidfd in pidfds:
            wait_for_end(pidfd)


def test_open_launcher_takes_the_fork_server_where_it_can() -> None:
    with open_launcher() as launcher:
        assert launcher.kind == "fork server"
    with open_launcher(fresh=True) as launcher:
        assert launcher.kind == "fresh process"
