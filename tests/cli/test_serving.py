"""``grade.py serve`` and ``grade.py token``: a student's server with real uvicorn."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import jwt
import pytest

from graders.engine.cli.exit_codes import ExitCode
from graders.engine.core.places import REPOSITORY
from tests.cli.course import SOLUTION, run

SERVER = REPOSITORY / "reference_solutions" / "lesson06" / "solution"
HELLO = {
    "type": "threads.create",
    "params": {
        "input": {
            "content": [{"type": "input_text", "text": "Say kiwi"}],
            "attachments": [],
            "inference_options": {},
        }
    },
}
IS_UP = "Application startup complete"


def read_until(output: IO[str], wanted: str) -> str:
    """Return what is printed up to the line that holds ``wanted``."""
    told = ""
    for line in output:
        told += line
        if wanted in line:
            return told
    pytest.fail(f"{wanted!r} was never printed:\n{told}")


@contextmanager
def served(folder: Path, *words: str, **variables: str) -> Iterator[tuple[str, str, IO[str]]]:
    """Serve lesson06 from ``folder``; yield the address, what was announced, and what is printed.

    Ctrl-C ends it, as in a terminal: each process of the group gets it.
    """
    given = ["serve", "6", str(folder), "--port", "0", *words]
    command = [sys.executable, "-m", "graders.engine.cli", *given]
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**clean, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        told = read_until(process.stdout, IS_UP)
        try:
            yield told.partition("Address")[2].split()[0], told, process.stdout
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.stdout.read()
    assert process.returncode == ExitCode.FULL_MARKS


def answer_of(url: str, user: str) -> str:
    """Return what the server streams when ``user`` says hello."""
    token = run("token", user, root=REPOSITORY).out.strip()
    told = httpx.post(url, json=HELLO, headers={"authorization": f"Bearer {token}"}, timeout=60)
    assert told.status_code == 200
    events = [json.loads(line[6:]) for line in told.text.splitlines() if line.startswith("data:")]
    updates = (event.get("update", {}) for event in events)
    return "".join(update.get("delta", "") for update in updates)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of a solution of lesson06."""
    return shutil.copytree(SERVER, tmp_path / "mine")


def test_server_is_served_with_the_lessons_variables_and_a_scripted_model(folder: Path) -> None:
    with served(folder) as (url, told, output):
        assert f"{folder} (server:app)" in told
        assert "it repeats what you say" in told
        assert "JWT_SECRET" in told
        assert "Bearer $(python grade.py token alice)" in told
        assert httpx.post(url, json=HELLO, timeout=60).status_code == 401
        assert answer_of(url, "alice").startswith("You said: Say kiwi\n")
        server = folder / "server.py"
        changed = server.read_text(encoding="utf-8").replace('"/chatkit"', '"/moved"')
        server.write_text(changed, encoding="utf-8")
        read_until(output, IS_UP)
        assert answer_of(url.replace("/chatkit", "/moved"), "bob").startswith("You said: Say kiwi")


def test_own_key_and_own_secret_are_used(folder: Path) -> None:
    (folder / "server.py").write_text(
        "import os\n"
        "async def app(scope, receive, send):\n"
        "    assert scope['type'] != 'lifespan'\n"
        "    names = ('OPENAI_API_KEY', 'JWT_SECRET', 'CHATKIT_GRADER_SERVE', 'DATABASE_URL')\n"
        "    body = '|'.join(os.environ.get(name, '-') for name in names)\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': body.encode()})\n",
        encoding="utf-8",
    )
    with served(folder, OPENAI_API_KEY="sk-mine", JWT_SECRET="s" * 32) as (url, told, _):
        assert "the provider of your own OPENAI_API_KEY" in told
        key, secret, setting, database = httpx.get(url, timeout=60).text.split("|")
    assert (key, secret, setting) == ("sk-mine", "s" * 32, "-")
    assert database.startswith("sqlite:////")


def test_server_is_served_with_postgresql_until_it_has_ended(folder: Path) -> None:
    (folder / "server.py").write_text(
        "import os, pathlib, psycopg\n"
        "def said(sql):\n"
        "    with psycopg.connect(os.environ['DATABASE_URL']) as connection:\n"
        "        return connection.execute(sql).fetchone()[0]\n"
        "async def app(scope, receive, send):\n"
        "    if scope['type'] == 'lifespan':\n"
        "        await receive()\n"
        "        await send({'type': 'lifespan.startup.complete'})\n"
        "        await receive()\n"
        "        last = pathlib.Path(__file__).with_name('last.txt')\n"
        "        last.write_text(said('SELECT version()'))\n"
        "        return await send({'type': 'lifespan.shutdown.complete'})\n"
        "    body = said('SELECT current_database()').encode()\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': body})\n",
        encoding="utf-8",
    )
    with served(folder, "--database", "postgresql") as (url, told, _):
        assert httpx.get(url, timeout=60).text == "chat_1"
        socket_folder = Path(told.partition("?host=")[2].split()[0])
        assert socket_folder.is_dir()
    # Ctrl-C ends uvicorn first: what a server still stores then has where to go.
    assert (folder / "last.txt").read_text(encoding="utf-8").startswith("PostgreSQL")
    assert not socket_folder.exists()


def test_own_database_stays_as_it_is(folder: Path) -> None:
    own = "postgresql://me@db.example/mine"
    (folder / "server.py").write_text(
        "import os\n"
        "async def app(scope, receive, send):\n"
        "    assert scope['type'] != 'lifespan'\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    body = os.environ['DATABASE_URL'].encode()\n"
        "    await send({'type': 'http.response.body', 'body': body})\n",
        encoding="utf-8",
    )
    with served(folder, "--database", "postgresql", DATABASE_URL=own) as (url, told, _):
        assert httpx.get(url, timeout=60).text == own
        assert "DATABASE_URL" not in told


def test_lesson_that_knows_no_other_database_is_not_served_with_it(folder: Path) -> None:
    words = ("serve", "2", str(folder), "--database", "postgresql")
    found = run(*words, root=REPOSITORY)
    assert found.code == ExitCode.USAGE
    assert "lesson02 cannot be graded with postgresql" in found.err


def test_port_that_is_taken_is_told_at_once(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = run("serve", "6", str(folder), "--port", str(port), root=REPOSITORY)
    assert (found.code, found.out) == (ExitCode.USAGE, "")
    assert f"127.0.0.1:{port}" in found.err
    assert "--port" in found.err


@pytest.mark.parametrize("port", ["-1", "70000"])
def test_number_that_is_no_port_is_told(port: str, folder: Path) -> None:
    found = run("serve", "6", str(folder), "--port", port, root=REPOSITORY)
    assert found.code == ExitCode.USAGE


def test_folder_without_a_server_is_told(tmp_path: Path) -> None:
    found = run("serve", "6", str(tmp_path), root=REPOSITORY)
    assert found.code == ExitCode.NOT_FULL_MARKS
    assert "The server cannot be started." in found.out
    assert "There is no `server.py`" in found.out


def test_file_cannot_be_served(folder: Path) -> None:
    found = run("serve", "6", str(folder / "server.py"), root=REPOSITORY)
    assert found.code == ExitCode.USAGE


def test_token_is_that_of_the_lessons_secret() -> None:
    token = run("token", "alice", "--minutes", "5", root=REPOSITORY).out.strip()
    env = (REPOSITORY / "graders/lesson06/lesson.yaml").read_text(encoding="utf-8")
    secret = env.partition("JWT_SECRET: ")[2].split()[0]
    claims = jwt.decode(token, secret, algorithms=["HS256"], audience="chatkit")
    assert claims["sub"] == "alice"
    assert 0 < claims["exp"] - time.time() <= 300


def test_token_is_signed_with_a_secret_of_ones_own() -> None:
    found = run("token", "bob", environment={"JWT_SECRET": "x" * 32})
    claims = jwt.decode(found.out.strip(), "x" * 32, algorithms=["HS256"], audience="chatkit")
    assert claims["sub"] == "bob"


@pytest.mark.parametrize("words", [("alice",), ("alice", "--lesson", "greeting")])
def test_token_without_a_secret_is_a_usage_error(words: tuple[str, ...]) -> None:
    found = run("token", *words)
    assert (found.code, found.out) == (ExitCode.USAGE, "")
    assert "JWT_SECRET" in found.err


def test_serving_starts_nothing_that_grades() -> None:
    assert run("serve", "greeting", SOLUTION + "/server.py").code == ExitCode.USAGE
