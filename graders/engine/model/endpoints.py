"""What an outgoing request is for, by the end of its path: any host may stand for the model's.

Besides the model's two APIs a few calls that applications make on the side are answered
harmlessly. Must not know scripts.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from graders.engine.model.answer import CREATED_AT, to_json
from graders.engine.model.calls import Api, OutgoingCall
from graders.engine.model.ids import Ids
from graders.engine.model.reading import json_object

_APIS: dict[str, Api] = {"/responses": "responses", "/chat/completions": "chat_completions"}
_MAX_VECTORS = 2048
_MAX_DIMENSIONS = 4096
_CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit",
    "illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual",
    "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip


def model_api(call: OutgoingCall) -> Api | None:
    """Return which of the model's APIs is called, or ``None``."""
    if call.method.upper() != "POST":
        return None
    path = _path(call.url)
    return next((api for suffix, api in _APIS.items() if path.endswith(suffix)), None)


def host_of(url: str) -> str:
    """Return the host that a URL names, as it is shown to a student."""
    try:
        return urlsplit(url).hostname or "an unnamed host"
    except ValueError:
        return "an unreadable address"


def harmless_body(call: OutgoingCall, ids: Ids) -> bytes | None:
    """Return the answer to a call that the model's provider also serves, or ``None``."""
    path = _path(call.url)
    match call.method.upper():
        case "GET" if path.endswith("/models"):
            return to_json({"object": "list", "data": []})
        case "POST" if path.endswith("/embeddings"):
            return to_json(_embeddings(_object_or_empty(call.body)))
        case "POST" if path.endswith("/moderations"):
            return to_json(_moderation(_object_or_empty(call.body), ids))
        case "POST" if path.endswith("/conversations"):
            return to_json(_conversation(ids))
        case _:
            return None


def _conversation(ids: Ids) -> dict[str, Any]:
    fresh = ids.fresh("conv_")
    return {"id": fresh, "object": "conversation", "created_at": CREATED_AT, "metadata": {}}


def _embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
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


def _moderation(body: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
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


def _object_or_empty(body: bytes) -> dict[str, Any]:
    try:
        return json_object(body)
    except ValueError:
        return {}


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""
