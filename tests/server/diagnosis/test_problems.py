"""Every way in which a submission cannot be started, by real submissions and their problems."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from graders.engine.core.limits import ProcessLimits
from graders.engine.core.results import Problem
from graders.engine.harness import ServerDied, StartFailed, Trace
from graders.engine.harness.server_factory import open_factory
from graders.engine.sandbox.process import Exit, Launcher
from graders.engine.server.diagnosis.incidents import how_it_ended
from graders.engine.server.diagnosis.problems import HandedIn, ended_at_start, load_problem
from graders.engine.server.trouble import ProtocolBroken
from graders.engine.submissions.submission import (
    Submission,
    SubmissionProblem,
    find_submission,
)
from graders.engine.wire.frames import LoadFailed
from tests.students import HONEST, Bench

APP = "from fastapi import FastAPI\napp = FastAPI()\n"
MAIN_GUARD = 'under `if __name__ == "__main__":`'


async def problem_of(
    launcher: Launcher, folder: Path, files: Mapping[str, str], **limits: int
) -> Problem:
    """Return the problem of a submission, as grading finds it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    try:
        submission = find_submission(folder)
    except SubmissionProblem as trouble:
        return trouble.problem
    opened = open_factory(submission, launcher, limits=limits, env={})
    with opened as factory, pytest.raises(StartFailed) as failed:
        async with factory.serve(Trace()):
            pass
    problem = failed.value.problem
    _is_fit_for_a_student(problem)
    return problem


def _is_fit_for_a_student(problem: Problem) -> None:
    told = f"{problem.title}\n{problem.detail}\n{problem.cure}"
    assert tempfile.gettempdir() not in told
    assert "site-packages" not in told
    assert "graders/" not in told
    assert re.fullmatch(r"[A-Z`].*\.", problem.title)
    assert re.fullmatch(r"[A-Z`].*[.`]", problem.cure)


@pytest.mark.parametrize(
    ("files", "kind", "title"),
    [
        ({"readme.txt": ""}, "no-server-file", "There is no `server.py`"),
        (
            {"server.py": "x = 1\ndef f(:\n    pass\n"},
            "syntax-error",
            "Python cannot read your code: invalid syntax (server.py, line 2).",
        ),
        (
            {"server.py": "import store\n" + APP, "store.py": "x = ["},
            "syntax-error",
            "Python cannot read your code: '[' was never closed (store.py, line 1).",
        ),
        (
            {"server.py": "1 / 0\n"},
            "import-error",
            "Your code raised ZeroDivisionError: division by zero, while it was imported.",
        ),
        ({"server.py": "x = 1\n"}, "no-app", "`server` has no variable `app`."),
        (
            {"server.py": "x = 1\n", "submission.yaml": "app: server:make.app\n"},
            "no-app",
            "`server` has no variable `make.app`.",
        ),
        (
            {"server.py": "from fastapi import FastAPI as app\n"},
            "not-asgi",
            "`server:app` is no ASGI application, but this: class.",
        ),
        (
            {"server.py": "from fastapi import FastAPI\ndef app():\n    return FastAPI()\n"},
            "not-asgi",
            "`server:app` is no ASGI application, but this: function.",
        ),
        (
            {"server.py": "def app(environ, start_response):\n    return []\n"},
            "not-asgi",
            "`server:app` is no ASGI application, but this: function.",
        ),
        (
            {"server.py": "from fastapi import APIRouter\napp = APIRouter()\n"},
            "not-asgi",
            "`server:app` is no ASGI application, but this: APIRouter.",
        ),
        (
            {"server.py": "app = None\n"},
            "not-asgi",
            "`server:app` is no ASGI application, but this: `None`.",
        ),
        (
            {"server.py": "import nowhere.at_all\n"},
            "missing-package",
            "Your code imports `nowhere`, which is neither in the submission nor installed.",
        ),
        (
            {"server.py": "import sys\nsys.exit('bye')\n"},
            "exit-at-import",
            "Your code ends the program while it is imported.",
        ),
        (
            {"server.py": "raise KeyboardInterrupt\n"},
            "exit-at-import",
            "Your code ends the program while it is imported.",
        ),
        (
            {"server.py": "import pytest\npytest.exit('done', returncode=0)\n"},
            "import-error",
            "Your code raised Exit: done, while it was imported.",
        ),
        (
            {"server.py": APP + "import uvicorn\nuvicorn.run(app)\n"},
            "runs-at-import",
            "Your code starts a server or an event loop while it is imported.",
        ),
        (
            {"server.py": "import os\nos._exit(0)\n"},
            "died-at-start",
            "Your server's process ended while it started: it exited with code 0.",
        ),
        (
            {"server.py": "import threading\nthreading.Event().wait()\n"},
            "start-hangs",
            "Your server never became ready: its start waits for something that never comes.",
        ),
        (
            {"server.py": "import os\nos.write(3, b'\\0\\0\\0\\x02{}')\n"},
            "broke-protocol",
            "Something in your code wrote to the grader's own connection.",
        ),
        (
            {"server.py": "while True: print('x' * 100_000)\n"},
            "start-floods",
            "Your server printed more than 32 MiB while it started.",
        ),
    ],
)
async def test_what_cannot_be_started_is_told(
    launcher: Launcher, tmp_path: Path, files: Mapping[str, str], kind: str, title: str
) -> None:
    problem = await problem_of(launcher, tmp_path, files)
    assert (problem.kind, problem.title) == (kind, title)


@pytest.mark.parametrize(
    ("files", "cure"),
    [
        (
            {"server.py": "import openai_chatkit\n"},
            "The package `openai-chatkit` is imported under the name `chatkit`.",
        ),
        (
            {"server.py": "import chatkit.memory\n"},
            "`chatkit` has no such module in the installed version: look into its source.",
        ),
        (
            {"server.py": "from chatkit.store import InMemoryStore\n"},
            "Look into the source of `chatkit.store` for what it really has.",
        ),
        ({"server.py": "from .store import MemoryStore\n"}, "without the dot"),
        ({"server.py": "input('Key? ')\n"}, "remove `input()`"),
        ({"server.py": "import os\nos.environ['SECRET']\n"}, "os.environ.get(name, default)"),
        ({"server.py": "open('prompt.txt')\n"}, "Hand in all files that your code reads"),
        (
            {"server.py": "import socket\nsocket.create_connection(('db', 5432))\n"},
            "There is no network here",
        ),
        ({"server.py": "raise ValueError\n"}, "Run `python -c 'import server'` in your folder"),
        ({"server.py": "import sys\nsys.exit()\n"}, MAIN_GUARD),
        ({"server.py": "import asyncio\nasyncio.run(asyncio.sleep(1))\n"}, MAIN_GUARD),
        (
            {"server.py": "from fastapi import FastAPI\ndef app():\n    return FastAPI()\n"},
            "If it makes the application, call it: `app = create_app()`.",
        ),
    ],
)
async def test_the_cure_fits_the_mistake(
    launcher: Launcher, tmp_path: Path, files: Mapping[str, str], cure: str
) -> None:
    assert cure in (await problem_of(launcher, tmp_path, files)).cure


async def test_the_traceback_shows_the_own_files_only(launcher: Launcher, tmp_path: Path) -> None:
    files = {
        "server.py": "from store import make\nmake()\n",
        "store.py": "import decimal\ndef make():\n    return decimal.Decimal(1) / 0\n",
    }
    problem = await problem_of(launcher, tmp_path, files)
    assert problem.detail.splitlines() == [
        '  File "server.py", line 2, in <module>',
        "    make()",
        '  File "store.py", line 3, in make',
        "    return decimal.Decimal(1) / 0",
        "decimal.DivisionByZero: [<class 'decimal.DivisionByZero'>]",
    ]


async def test_an_own_package_that_hides_an_installed_one_is_named(
    launcher: Launcher, tmp_path: Path
) -> None:
    files = {
        "server.py": "from agents import Agent\n" + APP,
        "agents/__init__.py": "from agents.planner import plan\n",
        "agents/planner.py": "def plan(): ...\n",
    }
    problem = await problem_of(launcher, tmp_path, files)
    assert problem.kind == "shadowed-package"
    assert problem.title.startswith("Your own `agents` hides the installed package `openai-agents`")
    assert "`my_agents`" in problem.cure


async def test_a_hidden_package_that_another_package_needs_is_named(
    launcher: Launcher, tmp_path: Path
) -> None:
    files = {"server.py": "import agents\n" + APP, "mcp/__init__.py": ""}
    problem = await problem_of(launcher, tmp_path, files)
    assert problem.kind == "shadowed-package"
    assert problem.title.startswith("Your own `mcp` hides the installed package `mcp`")


@pytest.mark.parametrize(
    ("shadows", "message", "kind", "title"),
    [
        (("openai",), "cannot import name 'AsyncOpenAI' from 'openai' (openai.py)", "shadowed", ""),
        (("mcp",), "No module named 'mcp.types'; 'mcp' is not a package", "shadowed", ""),
        (
            ("logging",),
            "module 'logging' has no attribute 'getLogger'",
            "shadowed",
            "Your own `logging` hides Python's own module `logging`",
        ),
        (("tests",), "cannot import name 'stroe' from 'store' (store.py)", "import-error", ""),
    ],
)
def test_only_a_shadow_that_the_error_names_is_blamed(
    shadows: tuple[str, ...], message: str, kind: str, title: str
) -> None:
    failure = LoadFailed(stage="import", error="ImportError", message=message)
    problem = load_problem(failure, "server:app", HandedIn(shadows=shadows))
    assert problem.kind.startswith(kind)
    assert problem.title.startswith(title)


async def test_a_hidden_package_that_nobody_needs_is_only_noted(
    launcher: Launcher, tmp_path: Path
) -> None:
    (tmp_path / "server.py").write_text(APP, encoding="utf-8")
    (tmp_path / "yaml.py").write_text("", encoding="utf-8")
    with open_factory(Submission(tmp_path), launcher, limits={}, env={}) as factory:
        async with factory.serve(Trace()):
            pass
    assert [note for note in factory.notes if "`yaml`" in note]


async def test_start_up_code_that_fails_is_told_with_its_own_lines(
    launcher: Launcher, tmp_path: Path
) -> None:
    files = {
        "server.py": "from contextlib import asynccontextmanager\n"
        "from fastapi import FastAPI\n"
        "@asynccontextmanager\n"
        "async def lifespan(app):\n"
        "    raise ValueError('no database')\n"
        "    yield\n"
        "app = FastAPI(lifespan=lifespan)\n"
    }
    problem = await problem_of(launcher, tmp_path, files)
    assert problem.kind == "start-up-failed"
    assert problem.title == "Your server's start-up code failed: ValueError: no database."
    assert problem.detail.splitlines() == [
        '  File "server.py", line 5, in lifespan',
        "    raise ValueError('no database')",
        "ValueError: no database",
    ]


async def test_start_up_code_that_waits_for_ever_hangs(launcher: Launcher, tmp_path: Path) -> None:
    files = {
        "server.py": "import asyncio\n"
        "async def app(scope, receive, send):\n"
        "    print('waiting')\n"
        "    await asyncio.Event().wait()\n"
    }
    problem = await problem_of(launcher, tmp_path, files)
    assert (problem.kind, problem.detail) == ("start-hangs", "waiting\n")


async def test_an_endless_loop_at_import_is_told(launcher: Launcher, tmp_path: Path) -> None:
    files = {"server.py": "while True: pass\n"}
    problem = await problem_of(launcher, tmp_path, files, start_cpu_seconds=1)
    assert problem.kind == "start-loops"
    assert problem.title == "Your server computes without end while it starts."


async def test_an_endless_loop_against_the_kernels_limit_is_told_the_same(bench: Bench) -> None:
    problem = await bench.problem("while True: pass", limits=ProcessLimits(cpu_seconds=1))
    assert problem.kind == "start-loops"


async def test_an_app_in_another_module_is_found(bench: Bench) -> None:
    files = {"backend/__init__.py": "", "backend/main.py": f"class web:\n{HONEST}"}
    student = await bench.serve(None, files=files, app="backend.main:web.app")
    assert (await student.http.get("/")).text == "honest"


async def test_a_module_that_is_not_there_is_told(bench: Bench) -> None:
    problem = await bench.problem(None, app="backend.main:app")
    assert problem.kind == "no-server-file"
    assert "`backend/main.py`" in problem.cure


async def test_an_endpoint_that_is_not_there_is_no_problem_of_the_start(bench: Bench) -> None:
    student = await bench.serve(APP)
    assert (await student.chat().raw({"type": "threads.list"})).status == 404


async def test_a_server_that_dies_in_the_middle_of_a_stream_breaks_it_off(bench: Bench) -> None:
    student = await bench.serve(
        """
        import os, signal

        async def app(scope, receive, send):
            assert scope["type"] == "http"
            await send({"type": "http.response.start", "status": 200, "headers": []})
            event = b'data: {"type": "progress_update", "text": "soon"}\\n\\n'
            await send({"type": "http.response.body", "body": event, "more_body": True})
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    stream = await (await student.chat().create("hello")).finish()
    assert [event.type for event in stream.events] == ["progress_update"]
    assert isinstance(stream.broke, ServerDied)
    assert stream.broke.seen == "the server's process ended: it was ended by the signal SIGKILL"


# --- words alone -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (Exit(code=3), "it exited with code 3"),
        (Exit(code=None, signal=9), "it was ended by the signal SIGKILL"),
        (Exit(code=None, signal=24), "it was ended by the signal SIGXCPU"),
        (Exit(code=None, signal=50), "it was ended by the signal 50"),
    ],
)
def test_an_exit_is_told_in_words(end: Exit, told: str) -> None:
    assert how_it_ended(end) == told


def test_names_and_messages_from_a_student_cannot_steer_a_terminal() -> None:
    failure = LoadFailed(
        stage="import", error="\x1b[2JError", message="\x1b[31m" + "x" * 1_000, detail="\x07"
    )
    problem = load_problem(failure, "server:app", HandedIn())
    assert "\x1b" not in problem.title
    assert len(problem.title) < 500
    assert problem.detail == "\\x07"


def test_paths_of_installed_packages_are_cut() -> None:
    message = "cannot import name 'A' from 'b' (/home/x/.venv/lib/python3.11/site-packages/b.py)"
    failure = LoadFailed(stage="import", error="ImportError", message=message, detail=message)
    assert load_problem(failure, "server:app", HandedIn()).detail.endswith("from 'b' (b.py)")


def test_only_the_end_of_what_was_printed_is_shown() -> None:
    end = Exit(code=None, signal=9)
    problem = ended_at_start(ServerDied("gone"), end, "a" * 5_000 + "the end", "server:app")
    assert problem.kind == "died-at-start"
    assert len(problem.detail) == 3_000
    assert problem.detail.endswith("the end")


def test_a_broken_protocol_is_told_without_control_characters() -> None:
    trouble = ProtocolBroken("not a frame: \x1b[2J")
    problem = ended_at_start(trouble, Exit(code=0), "", "server:app")
    assert problem.detail == "not a frame: \\x1b[2J"


@pytest.mark.parametrize(
    ("error", "message", "named"),
    [
        ("KeyError", "'DATABASE_URL'", "`DATABASE_URL`"),
        ("ValidationError", "1 validation error for Settings: `model`: Field required", "`model`"),
        ("RuntimeError", "AZURE_API_KEY must be set", "`AZURE_API_KEY`"),
    ],
)
def test_a_lacking_setting_is_named_with_those_that_there_are(
    error: str, message: str, named: str
) -> None:
    failure = LoadFailed(stage="import", error=error, message=message)
    handed_in = HandedIn(variables=("OPENAI_API_KEY",), left_out=("web/.env",))
    problem = load_problem(failure, "server:app", handed_in)
    assert problem.kind == "missing-setting"
    assert named in problem.title
    assert "Your `web/.env` was left out" in problem.cure
    assert "The variables of this lesson are `OPENAI_API_KEY`." in problem.cure
    assert "left out" not in load_problem(failure, "server:app", HandedIn()).cure


@pytest.mark.parametrize(
    "message", ["'thread'", "1 validation error for Thread: `id`: Field required"]
)
def test_other_errors_are_no_lacking_settings(message: str) -> None:
    failure = LoadFailed(stage="import", error="KeyError", message=message)
    assert load_problem(failure, "server:app", HandedIn()).kind == "import-error"


def test_all_missing_packages_are_told_with_what_does_the_same() -> None:
    failure = LoadFailed(
        stage="import", error="ModuleNotFoundError", message="No module named 'peewee'"
    )
    handed_in = HandedIn(missing=("peewee", "redis"), meant="peewees")
    problem = load_problem(failure, "server:app", handed_in)
    assert problem.title.startswith("Your code imports `peewee`, `redis`, which are neither")
    assert "SQLAlchemy" in problem.cure
    assert "no Redis" in problem.cure
    assert "Did you mean `peewees`?" in problem.cure


def test_a_module_that_an_installed_package_lacks_is_no_missing_package() -> None:
    message = "No module named 'mcp.server.fastmcp'"
    failure = LoadFailed(stage="import", error="ModuleNotFoundError", message=message)
    problem = load_problem(failure, "server:app", HandedIn(installed={"mcp"}.__contains__))
    assert problem.title == "`mcp` is installed, and has no module `mcp.server.fastmcp`."
    assert "MCPServer" in problem.cure
