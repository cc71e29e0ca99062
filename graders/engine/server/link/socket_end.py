"""One end of a socket on the event loop: bytes in, bytes out, neither ever waited for.

Must not know what the bytes mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

_READ_BYTES = 1024 * 1024


class WireEnd:
    """Calls ``on_data`` with what comes, with nothing when the other end is gone."""

    def __init__(self, wire: socket.socket, on_data: Callable[[bytes], None]) -> None:
        wire.setblocking(False)
        self._wire = wire
        self._on_data = on_data
        self._outgoing = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(wire, self.readable)
        self.closed = False

    def send(self, data: bytes) -> None:
        """Send ``data`` as soon as the other end takes it, behind what waits for that already."""
        if not self._outgoing:
            data = data[self._write(data) :]
        if data:
            self._outgoing += data
            self._loop.add_writer(self._wire, self._writable)

    def readable(self) -> None:
        """Take in what has come; called by the event loop."""
        try:
            data = self._wire.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        self._on_data(data)

    def read_no_more(self) -> None:
        """Leave what comes from now on where it is."""
        self._loop.remove_reader(self._wire)

    def close(self) -> None:
        """Close the socket, which the other end notices."""
        self.closed = True
        self._loop.remove_reader(self._wire)
        self._loop.remove_writer(self._wire)
        self._wire.close()

    def _write(self, data: bytes | bytearray) -> int:
        try:
            return self._wire.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            # The other end is gone; the reading side tells.
            return len(data)

    def _writable(self) -> None:
        del self._outgoing[: self._write(self._outgoing)]
        if not self._outgoing:
            with contextlib.suppress(OSError, ValueError):
                self._loop.remove_writer(self._wire)
