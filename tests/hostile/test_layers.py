"""Attacks from the student's process: refused with all layers on, and possible without some.

The second half shows that the first can fail. Targets are processes, files and sockets of ours.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.content.submission import find_submission
from graders.engine.core.results import IsolationLevel
from graders.engine.grading.run import grade
from graders.engine.harness.rig import rig_for
from graders.engine.sandbox import Launcher, Layer, syscalls
from graders.engine.sandbox.fork_client import ForkLauncher
from graders.engine.sandbox.launcher import ENGINE_ROOT
from graders.engine.sandbox.layers import SECOND_WALL
from graders.engine.sandbox.seccomp import MACHINES
from tests.hostile.attacks import ATTACKS, PRELUDE, Attack
from tests.sandbox.wired import Starter, Wired, starting

# Runs until it is told to end; lets itself be traced even where the system forbids that.
VICTIM = """
import ctypes, sys
secret = ctypes.create_string_buffer(b"secret")
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)
print(ctypes.addressof(secret), flush=True)
sys.stdin.read()
"""
Targets = dict[str, Any]


@pytest.fixture(scope="module")
def open_launcher() -> Iterator[ForkLauncher]:
    """Give a fork server that has not left the network, and has no other namespace either."""
    launcher = ForkLauncher(without=SECOND_WALL)
    yield launcher
    launcher.close()


@pytest.fixture
def targets(tmp_path: Path) -> Iterator[Targets]:
    """Give what the attacks aim at."""
    with ExitStack() as stack:
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ck-")))
        yield {
            "PROJECT": str(ENGINE_ROOT),
            "OTHER": str(_another_submission(tmp_path / "other")),
            "CALLS": _calls(),
            **_victim(stack),
            **_listeners(stack, sockets),
        }


def _another_submission(folder: Path) -> Path:
    folder.mkdir()
    for name in ("server.py", "spare", "moved", "emptied"):
        (folder / name).write_text("secret = 1\n", encoding="utf-8")
    return folder


def _calls() -> dict[str, int]:
    column = MACHINES[os.uname().machine].column
    own = {"shmctl": (31, 195)}
    tables = (syscalls.DENIED, syscalls.IGNORED, syscalls.CONDITIONAL, own)
    return {
        name: number
        for table in tables
        for name, numbers in table.items()
        if (number := numbers[column]) is not None
    }


def _victim(stack: ExitStack) -> Targets:
    victim = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-c", VICTIM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
    )
    stack.callback(victim.kill)
    assert victim.stdout is not None
    return {"PID": victim.pid, "ADDRESS": int(victim.stdout.readline())}


def _listeners(stack: ExitStack, folder: Path) -> Targets:
    def bound(family: int, kind: int, address: Any) -> socket.socket:
        end = stack.enter_context(closing(socket.socket(family, kind)))
        end.bind(address)
        if kind == socket.SOCK_STREAM:
            end.listen()
        return end

    path, datagrams, abstract = str(folder / "s"), str(folder / "d"), f"\0{folder}"
    bound(socket.AF_UNIX, socket.SOCK_STREAM, path)
    bound(socket.AF_UNIX, socket.SOCK_STREAM, abstract)
    bound(socket.AF_UNIX, socket.SOCK_DGRAM, datagrams)
    tcp = bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    return {
        "TCP_PORT": tcp.getsockname()[1],
        "UNIX_PATH": path,
        "UNIX_DATAGRAM_PATH": datagrams,
        "ABSTRACT": abstract,
    }


def outcome(student: Wired, attack: Attack, targets: Targets) -> str:
    """Let ``student`` try ``attack``; give what became of it."""
    aims = "".join(f"{name} = {value!r}\n" for name, value in targets.items())
    tried = textwrap.indent(textwrap.dedent(attack.code).strip(), "    ")
    answer: str = student.ask(
        f"{aims}{PRELUDE}\ntry:\n{tried}\n    answer = 'succeeded'\n"
        "except FileNotFoundError as error:\n    answer = 'not found'\n"
        "except OSError as error:\n    answer = errno.errorcode[error.errno]\n"
    )
    return answer


# A link or a move over the border is refused by saying that it is one; what is not in the student's
# own root is not there to be refused.
REFUSED = {"EPERM", "EACCES", "EXDEV", "EROFS", "ESRCH", "not found"}


@pytest.fixture
def students(launcher: Launcher, tmp_path: Path) -> Iterator[Starter]:
    """Start processes with all layers."""
    with starting(launcher, tmp_path / "students") as starter:
        yield starter


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_attack_is_refused(students: Starter, targets: Targets, attack: Attack) -> None:
    assert outcome(students.serve(), attack, targets) in REFUSED


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_attack_would_succeed_without_the_layers_that_stop_it(
    open_launcher: ForkLauncher, tmp_path: Path, targets: Targets, attack: Attack
) -> None:
    with starting(open_launcher, tmp_path / "students") as starter:
        student = starter.serve(without=attack.stopped_by | SECOND_WALL)
        expected = {"succeeded"} | ({"not found"} if "nowhere" in attack.code else set())
        assert outcome(student, attack, targets) in expected


@pytest.mark.parametrize("of", ["grader", "fork server"])
def test_memory_of_the_grader_is_closed_even_without_the_other_layers(
    open_launcher: ForkLauncher, tmp_path: Path, targets: Targets, of: str
) -> None:
    pid = os.getpid() if of == "grader" else open_launcher.pid
    with starting(open_launcher, tmp_path / "students") as starter:
        student = starter.serve(without={Layer.FILES, Layer.SYSCALLS} | SECOND_WALL)
        for attack in ATTACKS:
            if attack.name in {"open-memory-of-another", "trace-another"}:
                assert outcome(student, attack, {**targets, "PID": pid}) in {"EPERM", "EACCES"}


def test_modes_and_times_of_files_are_not_changed(students: Starter, targets: Targets) -> None:
    file = Path(targets["OTHER"], "server.py")
    before = file.stat()
    code = f"import os; os.chmod({str(file)!r}, 0); os.utime({str(file)!r}, (1, 1)); answer = 1"
    assert students.serve().ask(code) == 1
    after = file.stat()
    assert (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_honest_submission_scores_as_before_after_all_attacks(
    students: Starter, launcher: Launcher, targets: Targets
) -> None:
    attacker = students.serve()
    assert {outcome(attacker, attack, targets) for attack in ATTACKS} <= REFUSED
    lesson = Catalogue(ENGINE_ROOT).lesson("lesson02")
    submission = find_submission(lesson.solutions_dir / "solution")
    with rig_for(submission, launcher, limits=lesson.info.limits, env=lesson.info.env) as rig:
        result = grade(lesson, submission, seed=1, starter=rig)
    assert result.full_marks
    assert result.isolation.level is not IsolationLevel.PRACTICE
