"""One digest for many files: the same on every system and in whatever order they come.

Pure: must not read a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

ALGORITHM = "sha256"


def digest_of(blocks: Iterable[bytes]) -> bytes:
    """Return the digest of one file's bytes, block by block."""
    content = hashlib.new(ALGORITHM)
    for block in blocks:
        content.update(block)
    return content.digest()


def digest_of_all(entries: Mapping[str, bytes]) -> str:
    """Return `sha256:` and one digest of all ``entries``: the digest of each file by its name."""
    whole = digest_of(sorted(_record(*entry) for entry in entries.items()))
    return f"{ALGORITHM}:{whole.hex()}"


def _record(name: str, content: bytes) -> bytes:
    """Return one entry so that no two can look like one: each length stands before its bytes."""
    # A name that is no text in UTF-8 has surrogates, on every system.
    encoded = name.encode("utf-8", "surrogatepass")
    return len(encoded).to_bytes(4, "big") + encoded + len(content).to_bytes(1, "big") + content
