"""Vectors of texts, as a provider's API gives them: texts are as near as the words that they share.

Deterministic, so whoever asks again gets the same vectors. A body is hostile input. Must not know
scripts, nor what is searched for.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_MAX_VECTORS = 2048
_MAX_DIMENSIONS = 4096
_DIMENSIONS = 1536
_MAX_NUMBERS = 1 << 20
_SALT = 21
"""Two words in one place would make texts nearer than they are. With this one, passages of the
course's content that ought to match equally well do so, however long the vectors are: a test
compares them."""
_SHORTEST = 3
"""Letters of a word that counts: "of" and "is" are in every text."""
_EVERYWHERE = frozenset(
    {"all", "and", "any", "are", "but", "can", "for", "from", "has", "have", "how", "into", "its"}
    | {"not", "out", "that", "the", "their", "them", "then", "there", "they", "this", "was"}
    | {"what", "when", "where", "which", "who", "will", "with", "you", "your"}
)


@dataclass(frozen=True)
class EmbeddingCall:
    """One request for vectors: the texts in its order, and whether they came as a list."""

    id: int
    texts: tuple[str, ...]
    batch: bool


def read_embedding_call(call_id: int, body: Mapping[str, Any]) -> EmbeddingCall:
    """Return what a request asks for; tokens in the place of a text are read as words."""
    given = body.get("input")
    batch = isinstance(given, list) and bool(given) and isinstance(given[0], str | list)
    many = given[:_MAX_VECTORS] if batch and isinstance(given, list) else [given]
    return EmbeddingCall(call_id, tuple(_text(each) for each in many), batch)


def embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a request: a vector for each text."""
    dimensions = _count(body.get("dimensions"), _DIMENSIONS, _MAX_DIMENSIONS)
    packed = body.get("encoding_format") == "base64"
    texts = read_embedding_call(0, body).texts
    if len(texts) * dimensions > _MAX_NUMBERS:
        message = f"Invalid 'input': {len(texts)} texts of {dimensions} numbers each are too many."
        raise ValueError(message)
    vectors = [vector_of(text, dimensions) for text in texts]
    return {
        "object": "list",
        "model": "text-embedding",
        "data": [
            {"object": "embedding", "index": i, "embedding": _packed(v) if packed else v}
            for i, v in enumerate(vectors)
        ],
        "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)},
    }


def vector_of(text: str, dimensions: int = _DIMENSIONS) -> list[float]:
    """Return the vector of a text, of length one: each word counts in a place of its own."""
    vector = [0.0] * dimensions
    for word, count in Counter(words_of(text)).items():
        vector[_place(word) % dimensions] += count
    length = math.hypot(*vector)
    if not length:
        return [1 / math.sqrt(dimensions)] * dimensions
    return [value / length for value in vector]


def words_of(text: str) -> Iterable[str]:
    """Return the words of a text that count, in small letters."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return [word for word in words if len(word) >= _SHORTEST and word not in _EVERYWHERE]


def _place(word: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{_SALT}{word}".encode("utf-8", "replace")).digest()[:8])


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def _text(given: object) -> str:
    if isinstance(given, list):
        return " ".join(f"token{each}" for each in given)
    return given if isinstance(given, str) else ""


def _count(value: object, default: int, most: int) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most
    return value if is_count and isinstance(value, int) else default
