"""Imports what students' servers import, and plays one conversation of each provider kind.

openai and pydantic build their schemas at first use: about a second of CPU that every forked server
would spend again. Runs in the fork server only, leaves no event loop, thread or client behind, and
must not know a script: the answers are two fixed words.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
from typing import Any

from graders.engine.host.relay import patch_libraries
from graders.engine.sandbox.preload.events import tell_events_by_type
from graders.engine.sandbox.preload.requests import skip_needless_searches
from graders.engine.sandbox.preload.schemas import keep_schemas
from graders.engine.sandbox.preload.warm_up_server import make_app

# Libraries that many servers import; each is worth its place in memory only because it is shared.
# SQLModel: 12 ms at each start of a server that uses it, for 0.3 MB. Left out, because few servers
# use them and all would pay: slowapi (23 ms, 1.8 MB), structlog (30 ms, 1.8 MB), tenacity (10 ms,
# 1.3 MB), passlib (11 ms, 1.3 MB), asyncpg (18 ms, 2.8 MB), psycopg (64 ms, 9.3 MB).
_PRELOADED = (
    "aiosqlite",
    "dotenv",
    "fastapi.middleware.cors",
    "fastapi.responses",
    "graders.engine.host.serve",
    "jwt",
    "pydantic_settings",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.orm",
    "sqlite3",
    "sqlmodel.ext.asyncio.session",
    "starlette.testclient",
    "time_machine",
    "uvicorn",
)


def warm_up() -> None:
    """Import and play; what fails here is only slower later, so nothing is raised for it."""
    for name in _PRELOADED:
        import_quietly(name)
    patch_libraries()
    keep_schemas()
    skip_needless_searches()
    tell_events_by_type()
    logging.disable(logging.CRITICAL)
    try:
        for kind in ("responses", "chat_completions"):
            asyncio.run(_play(make_app(kind)))
    finally:
        logging.disable(logging.NOTSET)


def import_quietly(name: str) -> None:
    """Import a module; one that is not installed is only not there later."""
    try:
        importlib.import_module(name)
    except ImportError:
        logging.getLogger(__name__).info("%s is not installed", name)


async def _play(app: Any) -> None:
    first = await _post(app, "threads.create", {"input": _message("hello")})
    created = next(
        json.loads(line.removeprefix(b"data: "))
        for line in first.split(b"\n")
        if line.startswith(b"data: ")
    )
    thread = created["thread"]["id"]
    for kind, params in (
        ("threads.add_user_message", {"thread_id": thread, "input": _message("again")}),
        ("threads.get_by_id", {"thread_id": thread}),
        ("items.list", {"thread_id": thread}),
        ("threads.list", {}),
    ):
        await _post(app, kind, params)


def _message(text: str) -> dict[str, Any]:
    return {
        "content": [{"type": "input_text", "text": text}],
        "attachments": [],
        "inference_options": {},
    }


async def _post(app: Any, kind: str, params: dict[str, Any]) -> bytes:
    """Call ``app`` as a server would, and give the whole body of its answer."""
    body = json.dumps({"type": kind, "params": params}).encode()
    requests = iter([{"type": "http.request", "body": body, "more_body": False}])
    answer = bytearray()

    async def receive() -> dict[str, Any]:
        try:
            return next(requests)
        except StopIteration:
            # No client ever leaves here: whoever waits for that waits until the loop ends.
            await asyncio.Event().wait()
            raise

    async def send(message: dict[str, Any]) -> None:
        answer.extend(message.get("body", b""))

    await app(_scope(len(body)), receive, send)
    return bytes(answer)


def _scope(length: int) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/chatkit",
        "raw_path": b"/chatkit",
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(length).encode()),
        ],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8000),
    }
