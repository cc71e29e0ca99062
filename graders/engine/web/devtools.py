"""Speaks with the browser over a socket that no page can reach, in the DevTools protocol.

A few commands are used, and one event: that a page has crashed. What the browser says is a
stranger's: it runs the student's page. Must not know what a page is to show.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from typing import Any

_MOST_SAID = 4 * 1024 * 1024
_PAGES = {"discover": True, "filter": [{"type": "page"}]}
_END = b"\0"


class DevToolsError(Exception):
    """The browser answers no commands; there will be none later either."""


class DevTools:
    """A conversation with a browser; use :meth:`open`. ``crashed`` says that a page has."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._waiting: dict[object, asyncio.Future[dict[str, Any]]] = {}
        self._listening = asyncio.ensure_future(self._listen())
        self.crashed = False

    @classmethod
    async def open(cls, spoken: socket.socket) -> DevTools:
        """Return a conversation over a socket to the browser, and close it."""
        return cls(*await asyncio.open_connection(sock=spoken, limit=_MOST_SAID))

    def watch_pages(self) -> None:
        """Let the browser tell of each page that crashes."""
        self._send(next(self._numbers), "Target.setDiscoverTargets", _PAGES, "")

    async def ask(
        self, method: str, parameters: dict[str, Any], session: str = ""
    ) -> dict[str, Any]:
        """Return the result of a command; raises :class:`DevToolsError` if there will be none."""
        if self._listening.done():
            raise DevToolsError
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._send(number, method, parameters, session)
            return await answer
        finally:
            del self._waiting[number]

    def _send(self, number: int, method: str, parameters: dict[str, Any], session: str) -> None:
        whose = {"sessionId": session} if session else {}
        command = {"id": number, "method": method, "params": parameters, **whose}
        self._writer.write(json.dumps(command).encode() + _END)

    async def _listen(self) -> None:
        try:
            while True:
                self._hear(json.loads((await self._reader.readuntil(_END)).removesuffix(_END)))
        except (OSError, ValueError, RecursionError, asyncio.IncompleteReadError,
                asyncio.LimitOverrunError):  # fmt: skip
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(DevToolsError())

    def _hear(self, said: Any) -> None:
        if not isinstance(said, dict):
            return
        if said.get("method") == "Target.targetCrashed":
            self.crashed = True
        number, result = said.get("id"), said.get("result")
        answer = self._waiting.get(number) if isinstance(number, int) else None
        if answer is not None and not answer.done():
            answer.set_result(result if isinstance(result, dict) else {})

    def close(self) -> None:
        """Close the socket, whatever was still to be said."""
        self._listening.cancel()
        self._writer.transport.abort()
