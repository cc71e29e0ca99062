"""Cuts a byte stream into frames: four bytes of length, big endian, then that many bytes.

Does no I/O and must not know what a frame means.
"""

from __future__ import annotations

from graders.engine.core.errors import AutograderError
from graders.engine.core.limits import MAX_FRAME_BYTES

_PREFIX = 4


class WireError(AutograderError):
    """The other side sent something that is not a valid frame."""


def add_prefix(payload: bytes) -> bytes:
    """Make ``payload`` one frame; raises :class:`WireError` when it is larger than the cap."""
    if len(payload) > MAX_FRAME_BYTES:
        raise WireError(f"a frame of {len(payload)} bytes is over the cap of {MAX_FRAME_BYTES}")
    return len(payload).to_bytes(_PREFIX, "big") + payload


class FrameBuffer:
    """Collects bytes and hands out whole payloads; linear in the bytes fed."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def unfinished(self) -> int:
        """How many bytes wait for the rest of their frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Take ``data`` in; return each payload that it completed.

        Raises :class:`WireError` as soon as a prefix promises more than the cap, or nothing.
        """
        self._buffer += data
        payloads = []
        start = 0
        while len(self._buffer) - start >= _PREFIX:
            body = start + _PREFIX
            length = int.from_bytes(self._buffer[start:body], "big")
            _check_length(length)
            if len(self._buffer) < body + length:
                break
            payloads.append(bytes(self._buffer[body : body + length]))
            start = body + length
        del self._buffer[:start]
        return payloads


def _check_length(length: int) -> None:
    if length == 0:
        raise WireError("a frame without content")
    if length > MAX_FRAME_BYTES:
        raise WireError(f"a frame of {length} bytes is over the cap of {MAX_FRAME_BYTES}")
