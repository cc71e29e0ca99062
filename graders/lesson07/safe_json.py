"""Reads JSON that a page, a widget or a backend wrote, whatever it is.

Must not know what it is for.
"""

from __future__ import annotations

import json
from typing import Any

_MOST_DEPTH = 64
"""Levels of lists and objects that are read: more than any widget writes, and few enough to walk
through one by one."""


def read_json(text: str | bytes | bytearray) -> Any:
    """Return the value; raises :class:`ValueError` if it is no JSON or nested too deeply."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level, depth = [value], 0
    while level:
        level = [part for each in level for part in _parts(each)]
        depth += 1
        if depth > _MOST_DEPTH:
            raise ValueError("it is nested too deeply")
    return value


def read_object(text: str | bytes | bytearray) -> dict[str, Any] | None:
    """Return the object that the JSON says; ``None`` if it says none."""
    try:
        value = read_json(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
