"""Runs an app's start-up by ASGI's lifespan protocol, forgiving as uvicorn's "auto".

A server is ended by killing it, so no shutdown is ever run. Must not know what the app does.
"""

from __future__ import annotations

import asyncio
from typing import Any

from graders.engine.host.exchanges import App, Message
from graders.engine.host.loading import LoadError
from graders.engine.host.tracebacks import describe, name_of, own_traceback, sendable


class Lifespan:
    """One run of the protocol; an app that does not speak it is taken to need none."""

    def __init__(self, app: App, root: str) -> None:
        self._app = app
        self._root = root
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self.state: dict[str, Any] = {}

    async def startup(self) -> None:
        """Run the start-up; raises :class:`LoadError` when the app says that it failed."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        answer = await self._ask("lifespan.startup")
        if answer is not None and answer.get("type") == "lifespan.startup.failed":
            raise self._failed(answer)
        if isinstance(self._error, SystemExit | KeyboardInterrupt):
            raise self._failed({})

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        # The task itself never fails: sys.exit() in it would end the event loop.
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
        except BaseException as error:  # noqa: BLE001 - whatever the student's app raises
            self._error = error

    async def _ask(self, kind: str) -> Message | None:
        """Send ``kind`` to the app; its answer, or ``None`` when it does not speak lifespan."""
        assert self._task is not None, "startup() comes first"
        await self._to_app.put({"type": kind})
        answer = asyncio.ensure_future(self._from_app.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None

    def _failed(self, answer: Message) -> LoadError:
        """Tell of a failure: by the exception, if the app let it out, else by its own message.

        Starlette's message is a traceback through its own files, and it raises the exception too.
        """
        if self._error is not None:
            name = name_of(self._error)
            detail = own_traceback(self._error, self._root)
            return LoadError("lifespan", name, describe(self._error), detail)
        message = sendable(str(answer.get("message", "")).strip()[-1_500:])[-1_500:]
        return LoadError("lifespan", "StartupFailed", message, message)
