"""Texts as programs keep them: plain, as UTF-16, in base64 or hexadecimal, compressed.

All of it is a stranger's: only so much is unpacked, of one value and in all, and what cannot be
holds nothing. Nothing is unpickled. Must not know files, nor what is searched for.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

_MOST_BYTES = 4 * 1024 * 1024
_MOST_TIMES, _LEAST_BYTES = 64, 4096
"""A text is seldom packed to less than a sixty-fourth; what is longer holds nothing but a trap."""
_MOST_IN_ALL = 256 * 1024 * 1024
"""Of one look at what a server stores: half a second. Values may share their bytes on the disk."""
_MOST_MEMORY = 64 * 1024 * 1024
_SHORTEST = 16
"""Shorter ones hold no word of the grader's."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]+={0,2}\s*")
_HEXADECIMAL = re.compile(rb"(?:\\x)?([0-9a-fA-F]+)\s*")


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Return no more than so many bytes."""


_COMPRESSED: dict[bytes, Callable[[], _Decompressor]] = {
    b"\x78": zlib.decompressobj,
    b"\x1f\x8b": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ": lambda: lzma.LZMADecompressor(memlimit=_MOST_MEMORY),
}


class Unpacking:
    """Unpacks values for one look at what a server stores, so many bytes in all."""

    def __init__(self, most: int = _MOST_IN_ALL) -> None:
        self._left = most

    def holds(self, value: bytes, word: bytes) -> bool:
        """Return whether ``word`` stands in ``value``, as UTF-16 too, or in what it unpacks to."""
        return (
            word in value
            or word in value.replace(b"\0", b"")
            or any(word in each for each in self.unpacked(value))
        )

    def unpacked(self, value: bytes) -> Iterator[bytes]:
        """Yield what a value unpacks to, in one way or in several, one within the other."""
        if len(value) < _SHORTEST or self._left <= 0:
            return
        decoded = self._counted(_decoded(value))
        if decoded:
            yield decoded
        whole = self._counted(_decompressed(decoded or value))
        if whole:
            yield whole
            yield from filter(None, [self._counted(_decoded(whole))])

    def _counted(self, unpacked: bytes) -> bytes:
        self._left -= len(unpacked)
        return unpacked


def _decoded(value: bytes) -> bytes:
    if digits := _HEXADECIMAL.fullmatch(value):
        text = digits[1].decode()
        return bytes.fromhex(text) if len(text) % 2 == 0 else b""
    if not _BASE64.fullmatch(value):
        return b""
    try:
        return base64.b64decode(value.strip().translate(bytes.maketrans(b"-_", b"+/")))
    except binascii.Error:
        return b""


def _decompressed(value: bytes) -> bytes:
    for magic, decompressor in _COMPRESSED.items():
        if value.startswith(magic):
            most = min(_MOST_BYTES, _MOST_TIMES * len(value) + _LEAST_BYTES)
            try:
                return decompressor().decompress(value, most)
            except (zlib.error, OSError, lzma.LZMAError, EOFError):
                return b""
    return b""
