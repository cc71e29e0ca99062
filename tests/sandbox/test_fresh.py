"""A student in an interpreter of its own: without a fork server, and cold from the fork server."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graders.engine.core.places import REPOSITORY
from graders.engine.sandbox.fresh import FreshLauncher
from graders.engine.sandbox.launcher import open_launcher
from graders.engine.sandbox.process import Launcher, LaunchError, LaunchSpec
from graders.engine.wire.frames import Loaded, LoadFailed
from tests.sandbox.wired import Starter, Wired, has_ended, starting, watching

# What a process tells of itself; equal for all ways to start it, but for the paths.
SELF = """
    import os, signal, sys

    answer = {
        "environment": dict(os.environ),
        "descriptors": [os.readlink(f"/proc/self/fd/{fd}").partition(":")[0] for fd in range(4)],
        "more": len(os.listdir("/proc/self/fd")),
        "folder": os.getcwd(),
        "leads": os.getsid(0) == os.getpid(),
        "argv": sys.argv,
        "path": sys.path,
        "input": sys.stdin.read(),
        "modules": sorted({name.partition(".")[0] for name in sys.modules}
                          & {"graders", "pytest", "_pytest", "tests"}),
        "umask": os.umask(0o077),
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    }
"""


@pytest.fixture(params=["fork server", "fresh process"])
def fresh(request: pytest.FixtureRequest, launcher: Launcher, tmp_path: Path) -> Iterator[Starter]:
    """Start fresh interpreters, in either way."""
    if request.param == "fork server":
        with starting(launcher, tmp_path) as starter:
            yield starter
    else:
        with open_launcher(fresh=True) as other, starting(other, tmp_path) as starter:
            yield starter


def what_it_says(student: Wired) -> dict[str, Any]:
    """Ask :data:`SELF`, with the folder's own name taken out."""
    folder = str(student.root.parent)
    answer = student.ask(SELF)
    answer["environment"] = {
        name: value.replace(folder, "") for name, value in answer["environment"].items()
    }
    answer["folder"] = answer["folder"].replace(folder, "")
    answer["path"] = [entry.replace(folder, "") for entry in answer["path"]]
    assert isinstance(answer, dict)
    return answer


def test_fresh_process_is_like_a_forked_one(fresh: Starter, students: Starter) -> None:
    answer = what_it_says(fresh.serve(cold=True))
    assert answer == what_it_says(students.serve())
    assert answer["modules"] == []
    assert answer["path"][0] == "/submission"
    assert str(REPOSITORY) not in answer["path"]


def test_fresh_process_has_nothing_preloaded(fresh: Starter) -> None:
    student = fresh.serve(cold=True)
    assert (
        student.ask(
            "import sys; answer = [name for name in ('agents', 'chatkit', 'fastapi', 'openai', "
            "'sqlalchemy') if name in sys.modules]"
        )
        == []
    )


def test_fresh_process_is_killed(fresh: Starter) -> None:
    student = fresh.serve(cold=True)
    with watching(student.process.pid) as pidfd:
        assert student.process.kill().signal == signal.SIGKILL
        assert has_ended(pidfd)
    assert student.process.wait().signal == signal.SIGKILL


def test_fresh_process_tells_its_exit_code(fresh: Starter) -> None:
    student = fresh.serve(cold=True)
    student.begin(body=b"import os; os._exit(7)")
    assert student.process.wait().code == 7
    assert student.process.kill().code == 7


@pytest.mark.parametrize(
    "name",
    [
        "agents",
        "anyio",
        "chatkit",
        "httpx",
        "mcp",
        "openai",
        "pydantic",
        "pydantic_core",
        "respx",
        "starlette",
        "typing_extensions",
    ],
)
def test_shadow_of_an_installed_package_is_what_the_submission_imports(
    students: Starter, name: str
) -> None:
    student = students.start(
        f"import {name}\nanswer = {name}.ANSWER\n"
        "async def app(scope, receive, send):\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': answer.encode()})\n",
        files={f"{name}/__init__.py": "ANSWER = 'own'"},
        cold=True,
    )
    assert student.load(shadows=(name,)) == Loaded()
    assert student.post() == b"own"


def test_shadow_that_breaks_an_installed_package_is_an_import_error(students: Starter) -> None:
    student = students.start(
        "import openai\n", files={"pydantic.py": "", "agents.py": ""}, cold=True
    )
    failed = student.load(shadows=("pydantic", "agents"))
    assert isinstance(failed, LoadFailed)
    assert (failed.stage, failed.error) == ("import", "ModuleNotFoundError")
    assert "pydantic" in failed.message
    assert "site-packages" not in failed.detail


def test_shadow_of_a_module_of_python_does_not_hide_it(students: Starter) -> None:
    student = students.start(
        "import logging\nassert logging.getLogger\nassert 'Own' not in vars(logging)\n"
        "async def app(scope, receive, send): pass\n",
        files={"logging.py": "Own = 1"},
        cold=True,
    )
    assert student.load(shadows=("logging",)) == Loaded()


def test_submission_with_a_package_named_as_the_engine(students: Starter) -> None:
    student = students.start(
        "from graders import app\n",
        files={"graders/__init__.py": "async def app(scope, receive, send): pass"},
    )
    assert student.load() == Loaded()


def test_files_that_steer_python_are_not_obeyed(students: Starter) -> None:
    stop = "import os; os._exit(9)"
    names = ("sitecustomize.py", "usercustomize.py", "conftest.py", "json.py", "asyncio.py")
    files = dict.fromkeys(names, stop) | {"evil.pth": stop}
    assert students.serve(files=files, cold=True).ask("answer = 1") == 1


def test_close_leaves_alone_what_has_long_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = FreshLauncher()
    process = launcher.start(LaunchSpec(root=tmp_path, environment={}))
    process.kill()
    process.wire.close()
    os.close(process.output)
    killed: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda pid, _signal: killed.append(pid))
    launcher.close()
    assert killed == []


def test_folder_that_does_not_exist_is_our_error(tmp_path: Path) -> None:
    before = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names, not paths
    with pytest.raises(LaunchError, match="no new process"):
        FreshLauncher().start(LaunchSpec(root=tmp_path / "gone", environment={}))
    assert sorted(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
