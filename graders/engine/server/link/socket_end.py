"""One end of a socket on the event loop: bytes in, bytes out, without ever waiting for either.

Must not know what the bytes mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

_READ_BYTES = 1024 * 1024


class SocketEnd:
    """Calls ``on_data`` with what comes, with nothing when the other end is gone."""

    def __init__(self, own: socket.socket, on_data: Callable[[bytes], None]) -> None:
        own.setblocking(False)
        self._socket = own
        self._on_data = on_data
        self._outgoing = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(own, self.readable)
        self.closed = False

    def send(self, data: bytes) -> None:
        """Send ``data`` as soon as the other end takes it, after what already waits for that."""
        if not self._outgoing:
            data = data[self._write(data) :]
        if data:
            self._outgoing += data
            self._loop.add_writer(self._socket, self._writable)

    def readable(self) -> None:
        """Read what has come; called by the event loop."""
        try:
            data = self._socket.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        self._on_data(data)

    def stop_reading(self) -> None:
        """Do not read what comes from now on."""
        self._loop.remove_reader(self._socket)

    def close(self) -> None:
        """Close the socket, which the other end notices."""
        self.closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()

    def _write(self, data: bytes | bytearray) -> int:
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            # The other end is gone; whoever reads is told.
            return len(data)

    def _writable(self) -> None:
        del self._outgoing[: self._write(self._outgoing)]
        if not self._outgoing:
            with contextlib.suppress(OSError, ValueError):
                self._loop.remove_writer(self._socket)
