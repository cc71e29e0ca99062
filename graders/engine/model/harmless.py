"""Harmless answers of the provider's smaller APIs: embeddings, moderations.

All texts are equally near, and none is flagged. Must not know scripts.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping
from typing import Any

from graders.engine.model.ids import Ids

_MAX_VECTORS = 2048
_MAX_DIMENSIONS = 4096
_CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit",
    "illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual",
    "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip


def embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a vector for each text."""
    dimensions = _count(body.get("dimensions"), 1536, _MAX_DIMENSIONS)
    given = body.get("input")
    is_batch = isinstance(given, list) and bool(given) and isinstance(given[0], str | list)
    count = min(len(given), _MAX_VECTORS) if is_batch and isinstance(given, list) else 1
    vector = _vector(dimensions, packed=body.get("encoding_format") == "base64")
    return {
        "object": "list",
        "model": "text-embedding",
        "data": [{"object": "embedding", "index": i, "embedding": vector} for i in range(count)],
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }


def _vector(dimensions: int, *, packed: bool) -> str | list[float]:
    """Return a vector of length one; all texts are equally near."""
    vector = [1 / math.sqrt(dimensions)] * dimensions
    if not packed:
        return vector
    return base64.b64encode(struct.pack(f"<{dimensions}f", *vector)).decode("ascii")


def moderation(body: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """Return a result for each text."""
    given = body.get("input")
    texts = isinstance(given, list) and all(isinstance(text, str) for text in given)
    count = min(len(given), _MAX_VECTORS) if texts and isinstance(given, list) else 1
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.0),
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
    return {"id": ids.fresh("modr-"), "model": "omni-moderation", "results": [result] * count}


def _count(value: object, default: int, most: int) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most
    return value if is_count and isinstance(value, int) else default
