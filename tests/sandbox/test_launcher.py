"""Small facts of starting: how an exit is read, what is in an environment, what is preloaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from graders.engine.core.errors import GraderBrokeError
from graders.engine.core.limits import ProcessLimits
from graders.engine.core.places import REPOSITORY
from graders.engine.sandbox.environment import server_environment, student_environment
from graders.engine.sandbox.process import Exit, LaunchError
from tests.sandbox.wired import Starter


@pytest.mark.parametrize("code", [0, 1, 70, 255])
def test_exit_code_is_read(code: int) -> None:
    ended = subprocess.Popen([sys.executable, "-S", "-c", f"import os; os._exit({code})"])
    _, status = os.waitpid(ended.pid, 0)
    ended.returncode = code
    assert Exit.from_wait_status(status) == Exit(code=code)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGXCPU])
def test_signal_is_read(number: signal.Signals) -> None:
    code = f"import os; os.kill(os.getpid(), {int(number)})"
    ended = subprocess.Popen([sys.executable, "-S", "-c", code])
    _, status = os.waitpid(ended.pid, 0)
    ended.returncode = -number
    end = Exit.from_wait_status(status, 0.5)
    assert end == Exit(code=None, signal=number, cpu_seconds=0.5)


def test_launch_errors_are_ours() -> None:
    assert issubclass(LaunchError, GraderBrokeError)


def test_environment_has_nothing_of_the_graders(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "PYTHONPATH", "LD_PRELOAD", "PATH", "HOME"):
        monkeypatch.setenv(name, "/the/graders")
    here = Path("/here")
    for environment in (server_environment(), student_environment({}, home=here, temp=here)):
        assert "/the/graders" not in environment.values()


def test_environment_has_what_windows_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEMROOT", r"C:\Windows")
    assert server_environment()["SYSTEMROOT"] == r"C:\Windows"


def test_variables_of_the_lesson_win() -> None:
    here = Path("/here")
    environment = student_environment({"TZ": "Asia/Tokyo", "A": "b"}, home=here, temp=here)
    assert (environment["TZ"], environment["A"]) == ("Asia/Tokyo", "b")
    assert environment["HOME"] == environment["TMPDIR"] == "/here"


def test_time_zone_of_the_lesson_is_the_processs(students: Starter) -> None:
    student = students.serve(variables={"TZ": "Asia/Tokyo"})
    assert student.ask("import time; answer = time.strftime('%z', time.localtime(0))") == "+0900"


def test_limits_go_over_as_plain_data() -> None:
    limits = ProcessLimits(cpu_seconds=5)
    assert ProcessLimits(**limits.as_json()) == limits


def test_limits_never_rise_above_those_in_force() -> None:
    code = (
        "import resource; from graders.engine.core.limits import ProcessLimits;"
        "from graders.engine.isolation.limits import apply;"
        "resource.setrlimit(resource.RLIMIT_CPU, (30, 30));"
        "apply(ProcessLimits(cpu_seconds=60));"
        "print(*resource.getrlimit(resource.RLIMIT_CPU))"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=REPOSITORY, text=True)
    assert printed.split() == ["30", "30"]


def test_warm_up_leaves_libraries_and_nothing_else(students: Starter) -> None:
    assert students.serve().ask(
        """
        import gc, logging, sys, threading, warnings
        wanted = {"agents", "aiosqlite", "chatkit", "fastapi", "openai", "sqlalchemy", "uvicorn"}
        answer = {
            "missing": sorted(wanted - set(sys.modules)),
            "threads": threading.active_count(),
            "logging": logging.root.manager.disable,
            "frozen": gc.get_freeze_count() > 10_000,
            "collects": gc.isenabled(),
        }
        """
    ) == {"missing": [], "threads": 1, "logging": 0, "frozen": True, "collects": True}
