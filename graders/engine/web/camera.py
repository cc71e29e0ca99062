"""Takes pictures of the page that a browser shows.

A picture is for the reader alone, and nobody waits long for one: where none comes, there are no
more. Must not know what a page is to show.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any

from graders.engine.core.results import MOST_PICTURE_CHARACTERS
from graders.engine.web.devtools import DevTools, DevToolsError

_LAST_SECONDS = 20.0
"""A last net for a browser that says nothing; only a picture is lost."""
_QUALITIES = (60, 25)
_JPEG = b"\xff\xd8\xff"


class NoPictureError(Exception):
    """The browser gives no picture; there will be none later either."""


class Camera:
    """Takes pictures of the first page that a browser shows."""

    def __init__(self, devtools: DevTools) -> None:
        self._devtools = devtools
        self._session = ""
        self._broken = False

    async def take(self) -> str:
        """Return what the page shows as a JPEG in base64; empty if there is none.

        One that is too large is taken once more in a lower quality, and then left out.
        """
        if self._broken:
            return ""
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                return await self._taken()
        except (NoPictureError, DevToolsError, TimeoutError):
            self._broken = True
            return ""

    async def _taken(self) -> str:
        self._session = self._session or await self._attached()
        for quality in _QUALITIES:
            shot = {"format": "jpeg", "quality": quality, "optimizeForSpeed": True}
            said = await self._devtools.ask("Page.captureScreenshot", shot, self._session)
            data = _text(said, "data")
            if len(data) <= MOST_PICTURE_CHARACTERS:
                return _jpeg(data)
        return ""

    async def _attached(self) -> str:
        """Return the name of a conversation with the page."""
        found = (await self._devtools.ask("Target.getTargets", {})).get("targetInfos")
        for each in found if isinstance(found, list) else []:
            if isinstance(each, dict) and each.get("type") == "page":
                page = {"targetId": each.get("targetId"), "flatten": True}
                said = await self._devtools.ask("Target.attachToTarget", page)
                return _text(said, "sessionId")
        raise NoPictureError


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
