"""ChatKit events as the client got them: the JSON itself, what is handy about it, what is wrong.

A payload comes from a student's server, so it may be anything: parsing never raises. What does
not fit the SDK's own types is kept as it is and described in plain sentences, because an event
that the SDK does not know is something to show, not something to lose.

Must not know in which order events may come, and must not import the SDK before the first event
is parsed (its import is slow).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from graders.engine.protocol.misfits import misfits

MAX_DEPTH = 200
"""Deeper payloads are not read: no real widget is, and code that walks them could overflow."""

_EXCERPT = 60


@dataclass(frozen=True, slots=True)
class ChatKitEvent:
    """One event of a ChatKit stream.

    ``type`` is empty when the payload has none or is no JSON object; ``raw`` is the payload,
    unknown fields included, empty when it could not be read; ``problems`` has one sentence for
    each place where the payload does not fit the SDK's own types, and is empty for a good event.
    """

    type: str
    raw: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def item(self) -> dict[str, Any]:
        """The thread item that the event carries, empty if none."""
        return _dict(self.raw.get("item"))

    @property
    def update(self) -> dict[str, Any]:
        """The change that a ``thread.item.updated`` carries, empty if none."""
        return _dict(self.raw.get("update"))

    @property
    def item_id(self) -> str:
        """The id of the item that the event carries or is about, empty if none."""
        return _str(self.item.get("id")) or _str(self.raw.get("item_id"))

    @property
    def item_type(self) -> str:
        """The type of the item that the event carries, such as ``user_message``."""
        return _str(self.item.get("type"))

    @property
    def update_type(self) -> str:
        """The type of the update, such as ``assistant_message.content_part.text_delta``."""
        return _str(self.update.get("type"))

    @property
    def delta(self) -> str:
        """The piece of text that a text delta brings, empty for any other event."""
        is_text = self.update_type == "assistant_message.content_part.text_delta"
        return _str(self.update.get("delta")) if is_text else ""

    @property
    def content_index(self) -> int | None:
        """Which part of its message an update changes; ``None`` where it does not say."""
        index = self.update.get("content_index")
        return index if type(index) is int else None

    @property
    def part_texts(self) -> tuple[str, ...]:
        """The texts of the item's content parts, in order."""
        content = self.item.get("content")
        parts = content if isinstance(content, list) else []
        return tuple(_str(_dict(part).get("text")) for part in parts)

    @property
    def text(self) -> str:
        """The whole text of the user's or assistant's message that the event carries."""
        return "".join(self.part_texts)

    @property
    def thread_id(self) -> str:
        """The id of the thread that the event or its item belongs to, empty if it says none."""
        thread = _dict(self.raw.get("thread"))
        return _str(thread.get("id")) or _str(self.item.get("thread_id"))

    @property
    def label(self) -> str:
        """The type and, for items and updates, behind a slash what they are about.

        Such as ``thread.created``, ``thread.item.done/user_message`` or
        ``thread.item.updated/assistant_message.content_part.text_delta``.
        """
        match self.type:
            case "thread.item.updated":
                detail = self.update_type
            case "thread.item.added" | "thread.item.done" | "thread.item.replaced":
                detail = self.item_type
            case _:
                detail = ""
        return f"{self.type}/{detail}" if detail else self.type


def join_deltas(deltas: Iterable[str]) -> str:
    """Put pieces of text together as a browser does.

    JSON may carry half a surrogate pair in one piece and half in the next; a browser's strings
    join the halves to one character, Python's do not.
    """
    text = "".join(deltas)
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def parse_event(data: str) -> ChatKitEvent:
    """Read the data of one server-sent event; whatever is wrong with it becomes a problem."""
    doubled: list[str] = []
    try:
        payload = _load(data, doubled)
    except ValueError as reason:
        return ChatKitEvent("", problems=(str(reason),))
    if not isinstance(payload, dict):
        return ChatKitEvent("", problems=(_not_an_object(payload),))
    repeats = tuple(f"The key {_excerpt(key)} occurs twice in one object." for key in doubled[:3])
    kind = payload.get("type")
    if not isinstance(kind, str) or not kind:
        return ChatKitEvent(
            "", payload, (*repeats, "The event's `type` is missing or is not a text.")
        )
    return ChatKitEvent(kind, payload, (*repeats, *misfits(payload)))


def _load(data: str, doubled: list[str]) -> object:
    """Parse JSON as a browser would; ``ValueError`` with a plain sentence where it could not."""

    def as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            times = Counter(key for key, _ in pairs)
            doubled.extend(key for key in result if times[key] > 1)
        return result

    try:
        payload = json.loads(data, object_pairs_hook=as_object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ValueError(_not_json(data, error)) from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except ValueError as error:
        raise ValueError(_bad_number(error)) from None
    if _deeper_than(payload, MAX_DEPTH):
        raise ValueError(_TOO_DEEP)
    return payload


_TOO_DEEP = f"The data is nested more than {MAX_DEPTH} levels deep, so it was not read."


def _refuse_constant(name: str) -> None:
    raise _NotJsonNumberError(name)


class _NotJsonNumberError(ValueError):
    """Python's ``NaN`` or ``Infinity``, which no browser takes for JSON."""


def _bad_number(error: ValueError) -> str:
    if isinstance(error, _NotJsonNumberError):
        return f"The data is not JSON: {error} is a word of Python's, not a number in JSON."
    return "The data has a number with thousands of digits, so it was not read."


def _not_json(data: str, error: json.JSONDecodeError) -> str:
    if data.strip() == "[DONE]":
        return "The data is [DONE], which is not JSON: ChatKit has no end event, the stream ends."
    if data.startswith("data:"):
        return f"The line has `data:` twice, so the data is not JSON: it begins {_excerpt(data)}."
    where = f"{error.msg} at character {error.pos + 1}"
    return f"The data is not JSON ({where}): it begins {_excerpt(data)}."


def _not_an_object(payload: object) -> str:
    if isinstance(payload, str):
        return f"The data is a JSON string, not an object (encoded twice?): {_excerpt(payload)}."
    return f"The data is JSON, but not an object: {_excerpt(json.dumps(payload))}."


def _deeper_than(payload: object, limit: int) -> bool:
    """Return whether containers lie more than ``limit`` deep in one another; does not recurse."""
    level = [payload]
    for _ in range(limit):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return any(isinstance(node, dict | list) for node in level)


def _children(node: object) -> list[object]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _excerpt(text: str) -> str:
    """Return the beginning of a foreign text, made harmless for any terminal or report."""
    return ascii(text[:_EXCERPT]) + ("..." if len(text) > _EXCERPT else "")


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _str(value: object) -> str:
    return value if isinstance(value, str) else ""
