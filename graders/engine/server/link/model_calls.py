"""Takes each model call of a server to the scripted model, and its answer back, part by part.

Must not know scripts: it only carries.
"""

from __future__ import annotations

import asyncio

from graders.engine.model import (
    Chunk,
    Drop,
    End,
    Head,
    OutgoingCall,
    Refuse,
    ScriptedModel,
)
from graders.engine.server.link.link import Link
from graders.engine.wire.frames import ModelChunk, ModelDrop, ModelEnd, ModelHead, ModelRequest


class ModelCalls:
    """The open calls of one started server.

    While ``asks_loop`` is set, a call is answered only once the server's event loop has shown that
    it goes on meanwhile: a server whose own loop waits for the model is then known as blocked.
    """

    def __init__(self, model: ScriptedModel, link: Link) -> None:
        self._model = model
        self._link = link
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.asks_loop = False

    def begin(self, frame: ModelRequest) -> None:
        """Answer a call that has just left the server."""
        task = asyncio.get_running_loop().create_task(self._answer(frame))
        self._tasks[frame.call] = task
        task.add_done_callback(lambda task: self._forget(frame.call, task))

    def cancelled(self, number: int) -> None:
        """Stop answering a call that the server has given up."""
        if task := self._tasks.get(number):
            task.cancel()

    async def close(self) -> None:
        """Stop answering all calls."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, number: int, task: asyncio.Task[None]) -> None:
        self._tasks.pop(number, None)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            # An error of ours: it must not look as if the server waited in vain.
            self._link.give_up(error)

    async def _answer(self, frame: ModelRequest) -> None:
        number = frame.call
        if self.asks_loop:
            pong = self._link.ping()
            await self._link.until(pong.done)
        call = OutgoingCall(
            id=number, method=frame.method, url=frame.url, headers=frame.headers, body=frame.body
        )
        async for part in self._model.answer(call):
            match part:
                case Head(status=status, headers=headers):
                    self._link.send(ModelHead(call=number, status=status, headers=headers))
                case Chunk(data=data):
                    self._link.send(ModelChunk(call=number, data=data))
                case End():
                    self._link.send(ModelEnd(call=number))
                case Drop():
                    self._link.send(ModelDrop(call=number))
                case Refuse(reason=reason):
                    self._link.send(ModelDrop(call=number, refused=reason))
