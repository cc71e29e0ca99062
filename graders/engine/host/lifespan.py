"""Runs an app's start-up and shutdown by ASGI's lifespan protocol, forgiving as uvicorn's "auto".

Must not know what the app does in them.
"""

from __future__ import annotations

import asyncio
from typing import Any

from graders.engine.host.exchanges import App, Message
from graders.engine.host.loading import LoadError
from graders.engine.host.tracebacks import describe, own_traceback


class Lifespan:
    """One run of the protocol; an app that does not speak it is taken to need none."""

    def __init__(self, app: App, root: str) -> None:
        self._app = app
        self._root = root
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}

    async def startup(self) -> None:
        """Run the start-up; raises :class:`LoadError` when the app says that it failed."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        answer = await self._ask("lifespan.startup")
        if answer is not None and answer["type"] == "lifespan.startup.failed":
            message = str(answer.get("message", ""))
            raise LoadError("lifespan", "StartupFailed", message.strip()[-1_500:], message)

    async def shutdown(self) -> str:
        """Run the shutdown; return what went wrong in it, or an empty string."""
        if self._task is None or self._task.done():
            return ""
        answer = await self._ask("lifespan.shutdown")
        if answer is not None and answer["type"] == "lifespan.shutdown.failed":
            return str(answer.get("message", ""))[:1_500]
        return ""

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        await self._app(scope, self._to_app.get, self._from_app.put)

    async def _ask(self, kind: str) -> Message | None:
        """Send ``kind`` to the app; its answer, or ``None`` when it does not speak lifespan."""
        assert self._task is not None, "startup() comes first"
        await self._to_app.put({"type": kind})
        answer = asyncio.ensure_future(self._from_app.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        self._raise_exit()
        return None

    def _raise_exit(self) -> None:
        """Report an app that ended the process; any other exception means "no lifespan"."""
        assert self._task is not None, "called only while it runs"
        error = self._task.exception() if not self._task.cancelled() else None
        if isinstance(error, SystemExit):
            raise LoadError(
                "lifespan", "SystemExit", describe(error), own_traceback(error, self._root)
            )
