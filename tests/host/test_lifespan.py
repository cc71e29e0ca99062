"""Start-up by ASGI's lifespan protocol, as far as an app speaks it."""

# ruff: noqa: ARG001 - ASGI prescribes the arguments

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from graders.engine.host.exchanges import App
from graders.engine.host.lifespan import Lifespan
from graders.engine.host.loading import LoadError

HERE = str(Path(__file__).parent)


def speaking(*answers: Any, before: Callable[[], None] = lambda: None) -> App:
    """Make an app that answers each question with the next of ``answers``, then returns."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        for answer in answers:
            await receive()
            before()
            await send(answer)

    return app


STARTED = {"type": "lifespan.startup.complete"}


def fastapi_app(*, fails: BaseException | None = None) -> App:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, int]]:
        if fails is not None:
            raise fails
        yield {"pool": 7}

    return FastAPI(lifespan=lifespan)


async def failure_of(app: App) -> LoadError:
    with pytest.raises(LoadError) as failed:
        await Lifespan(app, HERE).startup()
    assert failed.value.stage == "lifespan"
    return failed.value


async def test_app_that_speaks_lifespan_starts() -> None:
    lifespan = Lifespan(speaking(STARTED), HERE)
    await lifespan.startup()
    assert lifespan.state == {}


async def test_state_of_the_start_up_is_kept() -> None:
    lifespan = Lifespan(fastapi_app(), HERE)
    await lifespan.startup()
    assert lifespan.state == {"pool": 7}


@pytest.mark.parametrize(
    "app",
    [speaking(), speaking({"type": "nonsense"}), speaking({})],
    ids=["returns at once", "says nonsense", "says nothing"],
)
async def test_app_without_lifespan_starts(app: App) -> None:
    lifespan = Lifespan(app, HERE)
    await lifespan.startup()
    assert lifespan.state == {}


async def test_app_that_refuses_lifespan_starts() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"

    lifespan = Lifespan(app, HERE)
    await lifespan.startup()
    assert lifespan.state == {}


async def test_start_up_that_says_why_it_failed() -> None:
    error = await failure_of(
        speaking({"type": "lifespan.startup.failed", "message": " no \ud83d database \n"})
    )
    assert error.error == "StartupFailed"
    assert error.message == error.detail == "no \\ud83d database"


async def test_of_a_long_message_the_end_is_told() -> None:
    error = await failure_of(
        speaking({"type": "lifespan.startup.failed", "message": "y" + "x" * 5_000})
    )
    assert error.message == "x" * 1_500


async def test_start_up_that_fails_without_a_word() -> None:
    error = await failure_of(speaking({"type": "lifespan.startup.failed"}))
    assert (error.error, error.message, error.detail) == ("StartupFailed", "", "")


async def test_start_up_of_fastapi_that_fails_is_told_by_its_own_files() -> None:
    error = await failure_of(fastapi_app(fails=LookupError("no database")))
    assert (error.error, error.message) == ("LookupError", "no database")
    assert 'File "test_lifespan.py"' in error.detail
    assert error.detail.endswith("LookupError: no database\n")
    assert "site-packages" not in error.detail


@pytest.mark.parametrize(
    "app",
    [
        fastapi_app(fails=SystemExit("no database")),
        speaking(STARTED, before=lambda: exec("raise SystemExit('no database')")),
    ],
    ids=["fastapi", "by hand"],
)
async def test_start_up_that_exits(app: App) -> None:
    error = await failure_of(app)
    assert (error.error, error.message) == ("SystemExit", "no database")
