"""Harmless answers of the provider's smaller APIs: no text is flagged. Must not know scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graders.engine.model.ids import Ids

_MOST_TEXTS = 2048
_CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit",
    "illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual",
    "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip


def moderation(body: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """Return a result for each text."""
    given = body.get("input")
    texts = isinstance(given, list) and all(isinstance(text, str) for text in given)
    count = min(len(given), _MOST_TEXTS) if texts and isinstance(given, list) else 1
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.0),
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
    return {"id": ids.fresh("modr-"), "model": "omni-moderation", "results": [result] * count}
