"""What a student's process may do with all layers on: everything that an honest server needs."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from graders.engine.core.places import REPOSITORY
from graders.engine.isolation.layers import Layer
from graders.engine.isolation.reachable import readable
from graders.engine.sandbox.launcher import open_launcher
from graders.engine.sandbox.process import Launcher
from tests.sandbox.wired import Starter, starting

HONEST = {
    "a thread": """
        import threading
        said = []
        thread = threading.Thread(target=lambda: said.append(1))
        thread.start()
        thread.join()
        answer = said == [1]
    """,
    "a thread of an event loop": """
        import asyncio, threading
        answer = []
        def work():
            answer.append(asyncio.run(asyncio.to_thread(int, "1")))
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        answer = answer == [1]
    """,
    "a database with a journal": """
        import sqlite3
        base = sqlite3.connect("chat.db")
        base.execute("pragma journal_mode = wal")
        with base:
            base.execute("create table t (a)")
            base.execute("insert into t values (1)")
        answer = base.execute("select a from t").fetchone() == (1,)
    """,
    "a temporary file": """
        import os, tempfile
        with tempfile.NamedTemporaryFile() as file:
            answer = file.name.startswith(os.environ["TMPDIR"])
    """,
    "copies, moves and removals": """
        import os, shutil
        shutil.copy2("server.py", "copy.py")
        os.makedirs("a/b")
        shutil.move("copy.py", "a/b/copy.py")
        os.replace("a/b/copy.py", os.environ["HOME"] + "/copy.py")
        shutil.rmtree("a")
        answer = os.path.exists(os.environ["HOME"] + "/copy.py")
    """,
    "a file in memory": """
        import mmap
        with open("mapped", "wb+") as file:
            file.truncate(mmap.PAGESIZE)
            with mmap.mmap(file.fileno(), 0) as mapped:
                mapped[:4] = b"word"
                mapped.flush()
            answer = file.read(4) == b"word"
    """,
    "timers and their signals": """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        answer = signal.sigwait({signal.SIGALRM}) == signal.SIGALRM
    """,
    "every way to wait for a descriptor": """
        import os, select, socket
        one, two = socket.socketpair()
        two.sendall(b"word")
        poll, epoll = select.poll(), select.epoll()
        poll.register(one, select.POLLIN)
        epoll.register(one, select.EPOLLIN)
        woken = (select.select([one], [], [])[0], poll.poll(), epoll.poll())
        answer = all(woken) and one.recv(9) == b"word" and os.eventfd(1) > 0
    """,
    "sending a file": """
        import socket
        one, two = socket.socketpair()
        with open("server.py", "rb") as file:
            sent = one.sendfile(file)
        answer = sent == len(two.recv(1_000_000))
    """,
    "locks of files": """
        import fcntl
        with open("lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            fcntl.lockf(file, fcntl.LOCK_EX)
        answer = True
    """,
    "all that is written to the disk": """
        import os
        os.sync()
        with open("written", "w") as file:
            os.fsync(file.fileno())
        answer = os.path.exists("written")
    """,
    "what the machine has to give": """
        import os, resource
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer = min(used, len(os.sched_getaffinity(0)), os.statvfs(".").f_bsize) > 0
    """,
    "time zones": """
        import zoneinfo
        answer = str(zoneinfo.ZoneInfo("Europe/Berlin")) == "Europe/Berlin"
    """,
    "certificates": """
        import certifi, ssl
        ssl.create_default_context()
        answer = "BEGIN CERTIFICATE" in open(certifi.where()).read()
    """,
    "kinds of files": """
        import mimetypes
        mimetypes.init()
        answer = mimetypes.guess_type("a.html")[0] == "text/html"
    """,
    "the machine's kind": """
        import os, platform
        answer = bool(platform.platform() and platform.libc_ver() and os.cpu_count())
    """,
    "packages": """
        import importlib.metadata, importlib.resources, sqlalchemy.dialects.postgresql
        answer = bool(importlib.metadata.version("openai-chatkit"))
    """,
    "nothing and chance": """
        with open("/dev/null", "w") as nothing, open("/dev/urandom", "rb") as chance:
            print("gone", file=nothing)
            answer = len(chance.read(4)) == 4
    """,
    "itself": """
        import os, resource, signal
        os.kill(os.getpid(), 0)
        signal.raise_signal(signal.SIGCONT)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        answer = "Threads" in open("/proc/self/status").read()
    """,
}


@pytest.mark.parametrize("code", HONEST.values(), ids=HONEST)
def test_honest_server_may_use(students: Starter, code: str) -> None:
    student = students.serve()
    assert student.ask(code) is True
    assert set(student.layers) >= {Layer.FILES, Layer.SYSCALLS, Layer.PRIVILEGES, Layer.MEMORY}


@pytest.mark.parametrize("kind", ["cold", "fresh"])
def test_fresh_interpreter_is_shut_in_as_well(
    launcher: Launcher, tmp_path: Path, kind: str
) -> None:
    with ExitStack() as stack:
        fresh = stack.enter_context(open_launcher(fresh=True))
        chosen = fresh if kind == "fresh" else launcher
        student = stack.enter_context(starting(chosen, tmp_path)).serve(cold=True)
        assert {Layer.FILES, Layer.SYSCALLS} <= set(student.layers)
        assert student.ask(HONEST["packages"]) is True


@pytest.mark.parametrize("off", [Layer.FILES, Layer.SYSCALLS, Layer.MEMORY, Layer.CAPABILITIES])
def test_layer_that_is_left_off_is_not_reported(students: Starter, off: Layer) -> None:
    student = students.serve(without={off})
    assert off not in student.layers
    assert Layer.PRIVILEGES in student.layers


@pytest.mark.parametrize("layer", [Layer.FILES, Layer.SYSCALLS])
def test_layer_cannot_be_left_off_by_the_submissions_environment(
    students: Starter, layer: Layer
) -> None:
    student = students.serve(variables={"WITHOUT": layer, "without": layer})
    assert layer in student.layers


def test_refusal_is_a_permission_error(students: Starter) -> None:
    code = """
        import os, subprocess
        answer = []
        for refused in (os.fork, lambda: os.listdir("/proc"), lambda: subprocess.run("true")):
            try:
                refused()
            except PermissionError as error:
                answer.append(type(error).__name__)
    """
    names = ["ProcessRefusedError", "PermissionError", "ProcessRefusedError"]
    assert students.serve().ask(code) == names


def test_nothing_that_may_be_read_holds_the_project() -> None:
    assert not [path for path in readable() if REPOSITORY.is_relative_to(path.resolve())]
