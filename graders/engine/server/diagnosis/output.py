"""What a student's server prints: read as it comes, kept in part, capped.

Must not know what the text means, beyond what a traceback of Python looks like.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable

from graders.engine.core.limits import MEBIBYTE, WireLimits

_LINE_BYTES = 400
"""How much of what came before is looked at again, for a line that came in two parts."""


class Output:
    """Drains the pipe ``fd`` and keeps the end of what came.

    ``on_text`` is called with what has just come and what may belong to it, ``on_flood`` once more
    has come than the limits allow.
    """

    def __init__(
        self,
        fd: int,
        limits: WireLimits,
        *,
        on_flood: Callable[[], None],
        on_text: Callable[[str], None],
    ) -> None:
        self._fd = fd
        self._kept_bytes = limits.printed_kept_kb * 1_024
        self._most_bytes = limits.printed_mb * MEBIBYTE
        self._on_flood = on_flood
        self._on_text = on_text
        self._kept = bytearray()
        self._bytes = 0
        self._open = True
        os.set_blocking(fd, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(fd, self._readable)

    @property
    def text(self) -> str:
        """The end of what was printed so far."""
        self.read()
        return self._kept.decode("utf-8", "replace")

    def read(self) -> None:
        """Read what has come, without waiting for the event loop."""
        if self._open:
            self._readable()

    def forget_from(self, text: str) -> None:
        """Drop ``text``, the end of what was printed: the server was asked for it."""
        kept = text.encode()
        if self._kept.endswith(kept):
            del self._kept[-len(kept) :]

    def close(self) -> None:
        """Read what is left and stop."""
        self.read()
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
        del self._kept[: -self._kept_bytes]
        self._on_text(self._kept[-len(data) - _LINE_BYTES :].decode("utf-8", "replace"))
        if self._bytes > self._most_bytes:
            self._stop()
            self._on_flood()

    def _stop(self) -> None:
        self._open = False
        self._loop.remove_reader(self._fd)
        os.close(self._fd)


_LAST_LINES = 5


# What Python prints of an exception: it is told by itself, at its request.
_TRACEBACK = re.compile(
    r"^Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*\S.*\n?", re.MULTILINE
)


def last_lines(printed: str) -> str:
    """Return the last five lines of what was printed, without tracebacks; empty for none."""
    lines = [line for line in _TRACEBACK.sub("", printed).splitlines() if line.strip()]
    return "\n".join(lines[-_LAST_LINES:])
