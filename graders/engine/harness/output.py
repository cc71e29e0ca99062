"""What a student's server prints: read as it comes, kept in part, capped.

Must not know what the text means.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

_KEPT_BYTES = 64 * 1024
_MOST_BYTES = 32 * 1024 * 1024


class Output:
    """Drains the pipe ``fd`` and keeps its last 64 KiB; ``on_flood`` is called past 32 MiB."""

    def __init__(self, fd: int, *, on_flood: Callable[[], None]) -> None:
        self._fd = fd
        self._on_flood = on_flood
        self._kept = bytearray()
        self._bytes = 0
        self._open = True
        os.set_blocking(fd, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(fd, self._readable)

    @property
    def text(self) -> str:
        """The end of what was printed so far."""
        if self._open:
            self._readable()
        return self._kept.decode("utf-8", "replace")

    def close(self) -> None:
        """Read what is left and stop."""
        if self._open:
            self._readable()
        if self._open:
            self._stop()

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, 65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._stop()
            return
        self._bytes += len(data)
        self._kept += data
        del self._kept[:-_KEPT_BYTES]
        if self._bytes > _MOST_BYTES:
            self._stop()
            self._on_flood()

    def _stop(self) -> None:
        self._open = False
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
