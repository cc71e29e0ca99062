"""What a page of items or of threads holds, and a thread, read defensively.

Must not know which items ought to be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graders.engine.core.errors import Finding
from graders.engine.harness.chat import Reply


@dataclass(frozen=True)
class Item:
    """One item: its ``type`` (``user_message``, ``assistant_message``, ...), id and text."""

    id: str
    type: str
    text: str

    @property
    def is_message(self) -> bool:
        """Whether a person or the assistant said it."""
        return self.type in {"user_message", "assistant_message"}


def items_of(reply: Reply) -> list[Item]:
    """Read the items of a page, or of a thread; a :class:`Finding` when there are none to read."""
    page = reply.object
    holder = page.get("items", page)
    data = holder.get("data") if type(holder) is dict else None
    if type(data) is not list:
        raise Finding(
            f"the answer has no list `data` of items: {reply.excerpt}",
            hint="no-items",
            mark=reply.serial,
        )
    return [_item(raw) for raw in data if type(raw) is dict]


def messages_of(reply: Reply) -> list[Item]:
    """Read the items that somebody said, leaving out widgets, tasks and the like."""
    return [item for item in items_of(reply) if item.is_message]


def texts_of(reply: Reply, kind: str | None = None) -> list[str]:
    """Read the texts of the items of a page, or of a thread: of all, or of those of one type."""
    return [item.text for item in items_of(reply) if kind in (None, item.type)]


def item_ids_of(reply: Reply) -> list[str]:
    """Read the ids of the items of a page, or of a thread."""
    return [item.id for item in items_of(reply)]


def lacking(reply: Reply, words: Sequence[str]) -> list[str]:
    """Return those of ``words`` that no item of the page holds."""
    texts = texts_of(reply)
    return [word for word in words if not any(word in text for text in texts)]


def thread_ids_of(reply: Reply) -> list[str]:
    """Read the ids of a page of threads; a :class:`Finding` when there are none to read."""
    data = reply.object.get("data")
    if type(data) is not list:
        raise Finding(f"the answer has no list `data`: {reply.excerpt}", mark=reply.serial)
    return [str(entry.get("id")) for entry in data if type(entry) is dict]


def _item(raw: dict[str, Any]) -> Item:
    content = raw.get("content")
    parts = content if type(content) is list else []
    texts = [part.get("text") for part in parts if type(part) is dict]
    return Item(
        id=str(raw.get("id", "")),
        type=str(raw.get("type", "")),
        text="".join(text for text in texts if type(text) is str),
    )
