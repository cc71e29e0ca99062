"""What the checks of one submission share: servers that are stopped, how they are isolated."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from graders.engine.harness import StartFailed, Trace
from graders.engine.harness.server_factory import open_factory
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
