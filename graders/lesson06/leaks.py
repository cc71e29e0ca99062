"""What an answer shows of somebody: words wherever they are, ids as whole strings of its JSON.

An id may be as short as `4`, which is in every date, so it is not searched for within a text.
Must not know who asked, nor what they may see.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any


def strings_of(values: Iterable[Any]) -> frozenset[str]:
    """Collect every string in JSON values, keys too."""
    return frozenset(_strings([*values]))


def _strings(left: list[Any]) -> Iterator[str]:
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            left += value
        elif isinstance(value, dict):
            left += [*value.keys(), *value.values()]


def json_in(body: str) -> list[Any]:
    """Read a body as JSON; an empty list if it is none."""
    try:
        return [json.loads(body)]
    except (ValueError, RecursionError):
        return []


def tells(text: str, word: str, sent: Iterable[str] = ()) -> bool:
    """Return whether ``word`` is in ``text`` but for what was ``sent``, which may hold it."""
    for each in sent:
        if word in each:
            text = text.replace(each, "").replace(_escaped(each), "")
    return word in text


def _escaped(text: str) -> str:
    return json.dumps(text)[1:-1]
