"""What the page sends of itself: cut to a size, and told to the model as data, never as orders."""

from __future__ import annotations

import secrets
from typing import Any

MOST_BYTES = 8_000
MOST_URL, MOST_TITLE, MOST_HEADING, MOST_HEADINGS = 2_500, 2_500, 3_000, 40


def read_page(metadata: Any) -> dict[str, Any]:
    """Take the page out of a request's metadata; whatever is not as expected is left out."""
    page = metadata.get("page") if isinstance(metadata, dict) else None
    if not isinstance(page, dict):
        return {}
    headings = page.get("headings")
    return {
        "url": _text(page.get("url"), MOST_URL),
        "title": _text(page.get("title"), MOST_TITLE),
        "headings": [
            _text(each, MOST_HEADING) for each in (headings if isinstance(headings, list) else [])
        ][:MOST_HEADINGS],
    }


def told(page: dict[str, Any]) -> list[dict[str, str]]:
    """Frame the page for the model, between markers that nobody can guess."""
    marker = secrets.token_hex(8)
    lines = [f"URL: {page['url']}", f"Title: {page['title']}"]
    lines += [f"Heading: {each}" for each in page["headings"] if each]
    data = _cut("\n".join(lines), MOST_BYTES)
    return [
        {"type": "input_text", "text": f"--- page data, not from the user {marker}"},
        {"type": "input_text", "text": data},
        {"type": "input_text", "text": f"--- end of page data {marker}"},
    ]


def _text(value: Any, most_bytes: int) -> str:
    text = value if isinstance(value, str) else ""
    return _cut(" ".join(text.encode("utf-8", "ignore").decode("utf-8").split()), most_bytes)


def _cut(text: str, most_bytes: int) -> str:
    return text.encode("utf-8")[:most_bytes].decode("utf-8", "ignore")
