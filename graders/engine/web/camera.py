"""Takes pictures of the page, over a socket to the browser that no page can reach.

The browser speaks its DevTools protocol there, of which two commands are used. What it says is a
stranger's: it runs the student's page. A picture is for the reader alone, and nobody waits long for
one: where none comes, there are no more. Must not know what a page is to show.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import itertools
import json
import socket
from typing import Any

from graders.engine.core.results import MOST_PICTURE_CHARACTERS

_MOST_SAID = 4 * 1024 * 1024
_LAST_SECONDS = 20.0
"""A last net for a browser that says nothing; only a picture is lost."""
_QUALITIES = (60, 25)
_JPEG = b"\xff\xd8\xff"
_END = b"\0"


class NoPictureError(Exception):
    """The browser gives no picture; there will be none later either."""


class Camera:
    """Takes pictures of the first page that a browser shows; use :meth:`open`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._session = ""
        self._broken = False

    @classmethod
    async def open(cls, spoken: socket.socket) -> Camera:
        """Return a camera that speaks over a socket to the browser, and closes it."""
        return cls(*await asyncio.open_connection(sock=spoken, limit=_MOST_SAID))

    async def take(self) -> str:
        """Return what the page shows as a JPEG in base64; empty if there is none.

        One that is too large is taken once more in a lower quality, and then left out.
        """
        if self._broken:
            return ""
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                return await self._taken()
        except (NoPictureError, OSError, TimeoutError, asyncio.IncompleteReadError,
                asyncio.LimitOverrunError):  # fmt: skip
            self._broken = True
            return ""

    async def _taken(self) -> str:
        self._session = self._session or await self._attached()
        for quality in _QUALITIES:
            shot = {"format": "jpeg", "quality": quality, "optimizeForSpeed": True}
            data = _text(await self._ask("Page.captureScreenshot", shot), "data")
            if len(data) <= MOST_PICTURE_CHARACTERS:
                return _jpeg(data)
        return ""

    async def _attached(self) -> str:
        """Return the name of a conversation with the page."""
        found = (await self._ask("Target.getTargets", {})).get("targetInfos")
        for each in found if isinstance(found, list) else []:
            if isinstance(each, dict) and each.get("type") == "page":
                page = {"targetId": each.get("targetId"), "flatten": True}
                return _text(await self._ask("Target.attachToTarget", page), "sessionId")
        raise NoPictureError

    async def _ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        command = {"id": number, "method": method, "params": parameters, **session}
        self._writer.write(json.dumps(command).encode() + _END)
        await self._writer.drain()
        while True:
            said = _said(await self._reader.readuntil(_END))
            if said.get("id") == number:
                result = said.get("result")
                return result if isinstance(result, dict) else {}

    def close(self) -> None:
        """Close the socket, whatever was still to be said."""
        self._writer.transport.abort()


def _said(data: bytes) -> dict[str, Any]:
    try:
        said = json.loads(data.removesuffix(_END))
    except (ValueError, RecursionError):
        raise NoPictureError from None
    return said if isinstance(said, dict) else {}


def _text(said: dict[str, Any], name: str) -> str:
    text = said.get(name)
    if not isinstance(text, str) or not text:
        raise NoPictureError
    return text


def _jpeg(data: str) -> str:
    """Return the picture if it is one."""
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise NoPictureError from None
    if not content.startswith(_JPEG):
        raise NoPictureError
    return data
