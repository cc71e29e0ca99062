"""Short notation for ChatKit events in tests, expanded to the JSON that the SDK sends."""

from __future__ import annotations

import json
from typing import Any

from graders.engine.protocol import ChatKitEvent, parse_event

CREATED_AT = "2026-01-01T00:00:00"
PART = "assistant_message.content_part."
SHORT = {"text_delta": "text_delta", "part.added": "added", "part.done": "done"}


def event(payload: dict[str, Any]) -> ChatKitEvent:
    """Parse a payload as if it had come over the wire."""
    return parse_event(json.dumps(payload))


def message(kind: str, *, id: str, texts: list[str]) -> dict[str, Any]:  # noqa: A002
    """Return an event with an assistant message whose parts have these texts."""
    content = [_content(text) for text in texts]
    item = {"type": "assistant_message", "id": id, "content": content}
    return {"type": kind, "item": {**item, "thread_id": "thr_1", "created_at": CREATED_AT}}


def raw(label: str, **about: Any) -> dict[str, Any]:
    """Return an event by its label, or ``text_delta``, ``part.added``, ``part.done`` for short."""
    kind, _, detail = label.partition("/")
    if kind in SHORT:
        return _part_update(SHORT[kind], **about)
    if kind == "thread.item.updated":
        return {"type": kind, "item_id": about["id"], "update": {"type": detail}}
    if kind == "thread.item.removed":
        return {"type": kind, "item_id": about["id"]}
    if detail == "assistant_message":
        return message(kind, id=about["id"], texts=about.get("texts", []))
    if detail:
        return {"type": kind, "item": _item(detail, **about)}
    return {"type": kind, **_OTHERS.get(kind, {})}


_THREAD = {"id": "thr_1", "created_at": CREATED_AT, "items": {"data": []}}
_OTHERS: dict[str, dict[str, Any]] = {
    "thread.created": {"thread": _THREAD},
    "thread.updated": {"thread": _THREAD},
    "stream_options": {"stream_options": {"allow_cancel": True}},
    "progress_update": {"text": "..."},
    "client_effect": {"name": "flash"},
    "notice": {"level": "info", "message": "..."},
}


def _part_update(
    kind: str,
    id: str = "a1",  # noqa: A002
    part: int = 0,
    delta: Any = "x",
    text: str = "",
) -> dict[str, Any]:
    update: dict[str, Any] = {"type": PART + kind, "content_index": part}
    update |= {"delta": delta} if kind == "text_delta" else {"content": _content(text)}
    return {"type": "thread.item.updated", "item_id": id, "update": update}


def _content(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def _item(kind: str, id: str = "i1", text: str = "hi") -> dict[str, Any]:  # noqa: A002
    item = {"type": kind, "id": id, "thread_id": "thr_1", "created_at": CREATED_AT}
    if kind == "user_message":
        content = [{"type": "input_text", "text": text}]
        return {**item, "content": content, "inference_options": {}}
    return item
