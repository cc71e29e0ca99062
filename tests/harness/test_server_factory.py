"""What the checks of one submission share: servers that are stopped, how they are isolated."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest

from graders.engine.core.errors import IsolationError
from graders.engine.database.databases import Databases
from graders.engine.harness import StartFailed, Trace
from graders.engine.harness.server_factory import open_factory
from graders.engine.isolation.layers import Layer
from graders.engine.sandbox.process import Launcher
from graders.engine.submissions.submission import find_submission
from tests.miniature import COURSE, FactoryStandIn

SOLUTION = COURSE / "reference_solutions" / "greeting" / "solution"


async def test_isolation_is_told_of_a_server_that_never_starts(
    launcher: Launcher, tmp_path: Path
) -> None:
    (tmp_path / "server.py").write_text("raise ValueError", encoding="utf-8")
    with open_factory(find_submission(tmp_path), launcher, limits={}, env={}) as factory:
        with pytest.raises(StartFailed):
            await factory.start(Trace())
        assert "RLIMIT_CPU" in factory.isolation.layers


async def test_what_a_server_asks_of_the_providers_api_is_told_once(
    launcher: Launcher, tmp_path: Path
) -> None:
    source = """
        from contextlib import asynccontextmanager
        from fastapi import FastAPI
        from openai import AsyncOpenAI

        @asynccontextmanager
        async def lifespan(app):
            for name in ("gpt-5", "gpt-5-mini"):
                assert (await AsyncOpenAI().models.retrieve(name)).id == name
            yield

        app = FastAPI(lifespan=lifespan)
    """
    (tmp_path / "server.py").write_text(dedent(source), encoding="utf-8")
    with open_factory(find_submission(tmp_path), launcher, limits={}, env={}) as factory:
        async with factory.serve(Trace()):
            pass
        assert [(call.purpose, call.summary) for call in factory.side_calls] == [
            ("provider's API", "GET /models/{model}")
        ]


async def test_server_is_stopped_at_the_end_of_its_block() -> None:
    factory = FactoryStandIn(SOLUTION)
    async with factory.serve(Trace()) as (student, _):
        assert factory.servers == [student]
        assert factory.servers[0].stops == 0
    assert factory.servers[0].stops == 1


async def test_server_is_stopped_where_its_block_fails() -> None:
    factory = FactoryStandIn(SOLUTION)
    with pytest.raises(ValueError, match="ours"):
        async with factory.serve(Trace()):
            raise ValueError("ours")
    assert factory.servers[0].stops == 1


# --- with PostgreSQL ------------------------------------------------------------------------------

ASKS = """
    import os
    from contextlib import asynccontextmanager
    import asyncpg
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(app):
        assert os.environ["OTHER"] == "kept"
        connection = await asyncpg.connect(os.environ["DATABASE_URL"])
        await connection.execute("CREATE TABLE IF NOT EXISTS notes (text text)")
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/wait")
    async def wait() -> str:
        connection = await asyncpg.connect(os.environ["DATABASE_URL"], timeout=5)
        return str(await connection.fetchval("SELECT count(*) FROM notes, pg_sleep(0)"))
"""


async def test_each_server_has_an_empty_database_of_its_own(
    launcher: Launcher, tmp_path: Path
) -> None:
    (tmp_path / "server.py").write_text(dedent(ASKS), encoding="utf-8")
    env = {"DATABASE_URL": "sqlite:///chat.db", "OTHER": "kept"}
    with (
        closing(Databases()) as databases,
        open_factory(
            find_submission(tmp_path), launcher, limits={}, env=env, databases=databases
        ) as factory,
    ):
        async with factory.serve(Trace()) as (one, _), factory.serve(Trace()) as (other, _):
            assert (await one.http.get("/wait")).json() == "0"
            assert one.stores.places_containing("apple") == []
            assert one.stores.is_database
            assert not one.stores.takes_time_from_sql
            # A move of the clock does not overtake what the two say to each other.
            asking = asyncio.ensure_future(one.http.get("/wait"))
            await one.advance(86_400)
            assert (await asking).json() == "0"
            await other.restart()
            assert (await other.http.get("/wait")).json() == "0"
        assert factory.notes == (f"The server was given {databases.version}, not SQLite.",)


async def test_servers_of_the_course_store_in_files(launcher: Launcher, tmp_path: Path) -> None:
    app = "from fastapi import FastAPI\nimport os\napp = FastAPI()\n"
    route = "@app.get('/')\ndef url() -> str:\n    return os.environ['DATABASE_URL']\n"
    (tmp_path / "server.py").write_text(app + route, encoding="utf-8")
    env = {"DATABASE_URL": "sqlite:///chat.db"}
    with (
        closing(Databases()) as databases,
        open_factory(
            find_submission(tmp_path), launcher, limits={}, env=env, databases=databases
        ) as factory,
    ):
        async with factory.reference(tmp_path).serve(Trace()) as (student, _):
            assert (await student.http.get("/")).json() == "sqlite:///chat.db"


async def test_a_server_that_uses_files_all_the_same_is_told_so(
    launcher: Launcher, tmp_path: Path
) -> None:
    (tmp_path / "server.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n", "utf-8")
    with (
        closing(Databases()) as databases,
        open_factory(
            find_submission(tmp_path), launcher, limits={}, env={}, databases=databases
        ) as factory,
    ):
        async with factory.serve(Trace()):
            pass
        assert "has made no table in PostgreSQL" in factory.notes[-1]


@pytest.mark.parametrize("layer", [Layer.ROOT, Layer.NETWORK])
async def test_without_a_root_and_a_network_of_its_own_no_server_gets_a_socket(
    launcher: Launcher, tmp_path: Path, layer: Layer
) -> None:
    (tmp_path / "server.py").write_text(dedent(ASKS), encoding="utf-8")
    without = frozenset({layer})
    with (
        closing(Databases()) as databases,
        open_factory(
            find_submission(tmp_path),
            launcher,
            limits={},
            env={},
            without=without,
            databases=databases,
        ) as factory,
        pytest.raises(IsolationError, match="a root folder and a network of its own"),
    ):
        await factory.start(Trace())
