"""Items as the provider stores them and hands them out again: with an id, a type and parts.

What a student's side sent is kept as it is where the API keeps it. Must not know who keeps them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from graders.engine.model.answer import to_json
from graders.engine.model.ids import Ids

MOST_AT_ONCE = 20
"""Items that one request may add to a conversation, as the real API has it."""
_DEFAULT_PAGE = 20
_LARGEST_PAGE = 100
_MOST_PAGE_BYTES = 4 << 20
"""A page of larger items ends earlier, and says that more follow."""
_PREFIXES = {
    "message": "msg_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "reasoning": "rs_",
    "compaction": "cmp_",
}
_WITH_STATUS = frozenset({"message", "function_call", "function_call_output"})

StoredItem = dict[str, Any]


def stored_items(
    given: Iterable[object], ids: Ids, taken: Collection[str] = ()
) -> list[StoredItem]:
    """Return items as they are stored; an id that is missing or ``taken`` is made new.

    Raises ValueError for what is no item.
    """
    used = set(taken)
    items = []
    for raw in given:
        item = _stored(raw, ids, used)
        used.add(item["id"])
        items.append(item)
    return items


def is_item(raw: object) -> bool:
    """Return whether something that was sent can be stored."""
    return isinstance(raw, dict) and isinstance(raw.get("type", "message"), str)


def page_of(items: Sequence[StoredItem], query: str) -> dict[str, Any]:
    """Return the page that a query asks for: ``limit``, ``order`` and ``after``.

    Raises ValueError for a query that asks for none.
    """
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    ordered = list(items) if _order(asked) == "asc" else list(reversed(items))
    start = _start(ordered, asked.get("after", ""))
    limit = _limit(asked.get("limit", ""))
    page = _not_too_large(ordered[start : start + limit])
    return list_object(page, has_more=start + len(page) < len(ordered))


def _not_too_large(items: Sequence[StoredItem]) -> list[StoredItem]:
    """Return the first of the items, one at least, that a page has room for."""
    page: list[StoredItem] = []
    size = 0
    for item in items:
        size += len(to_json(item))
        if page and size > _MOST_PAGE_BYTES:
            break
        page.append(item)
    return page


def list_object(items: Sequence[StoredItem], *, has_more: bool = False) -> dict[str, Any]:
    """Return a list as the API writes it."""
    return {
        "object": "list",
        "data": list(items),
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
        "has_more": has_more,
    }


def _stored(raw: object, ids: Ids, taken: Collection[str]) -> StoredItem:
    if not isinstance(raw, dict) or not is_item(raw):
        message = "an item is not an object with a type"
        raise ValueError(message)
    kind = raw.get("type", "message")
    item: StoredItem = {"id": raw.get("id"), "type": kind}
    if kind in _WITH_STATUS:
        item["status"] = "completed"
    item |= {name: value for name, value in raw.items() if name not in {"id", "type"}}
    if not isinstance(item["id"], str) or not item["id"] or item["id"] in taken:
        item["id"] = ids.fresh(_PREFIXES.get(kind, "item_"))
    if kind == "message":
        item["content"] = _parts(item)
    return item


def _parts(item: Mapping[str, Any]) -> object:
    """Return a message's content as a list of parts; it may have been sent as one text."""
    content = item.get("content")
    if not isinstance(content, str):
        return content
    if item.get("role") == "assistant":
        return [{"type": "output_text", "text": content, "annotations": [], "logprobs": []}]
    return [{"type": "input_text", "text": content}]


def _order(asked: Mapping[str, str]) -> str:
    order = asked.get("order", "desc")
    if order not in ("asc", "desc"):
        message = f"Invalid value for 'order': {order!r}. It is 'asc' or 'desc'"
        raise ValueError(message)
    return order


def _limit(asked: str) -> int:
    if not asked:
        return _DEFAULT_PAGE
    limit = int(asked) if asked.isdecimal() and len(asked) < 10 else 0
    if not 1 <= limit <= _LARGEST_PAGE:
        message = f"Invalid value for 'limit': {asked[:20]!r}. It is from 1 to {_LARGEST_PAGE}"
        raise ValueError(message)
    return limit


def _start(items: Sequence[StoredItem], after: str) -> int:
    if not after:
        return 0
    place = next((index for index, item in enumerate(items) if item["id"] == after), None)
    if place is None:
        message = f"Item with id {after[:80]!r} not found"
        raise ValueError(message)
    return place + 1
