"""Stands in for a server that does not start: every page may ask it, and it never has an answer.

So it can still be seen what a widget does by itself. Must not know what is judged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]


async def app(scope: Mapping[str, Any], receive: object, send: Send) -> None:
    """Answer 503, and a preflight as the browser wants it."""
    del receive
    if scope["type"] != "http":
        return
    asked = dict(scope["headers"])
    allowed = {
        b"access-control-allow-origin": asked.get(b"origin", b"null"),
        b"access-control-allow-credentials": b"true",
        b"access-control-allow-headers": asked.get(b"access-control-request-headers", b""),
        b"access-control-allow-methods": b"POST",
    }
    status = 204 if scope["method"] == "OPTIONS" else 503
    await send({"type": "http.response.start", "status": status, "headers": [*allowed.items()]})
    await send({"type": "http.response.body", "body": b""})
