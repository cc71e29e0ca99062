"""The student's end of the wire: frames in and out of one socket, within the app's event loop.

Must not know what a frame means. A raw socket instead of asyncio's streams, because a student's
code may block the event loop in a synchronous model call: :meth:`HostConnection.pump` then reads
the wire in its stead.
"""

from __future__ import annotations

import asyncio
import select
import socket
import threading
from collections.abc import Callable

from graders.engine.wire import Frame, FrameBuffer, ToStudent, encode, parse_to_student

_READ_BYTES = 262_144
_WRITE_BYTES = 262_144
_HIGH_WATER_BYTES = 4 * 1024 * 1024


class HostConnection:
    """Sends frames from any thread; receives them in the event loop's thread.

    ``on_frame`` is called for each frame of the grader, ``on_close`` once it has gone.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        on_frame: Callable[[ToStudent], None],
        on_close: Callable[[], None],
    ) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._on_frame = on_frame
        self._on_close = on_close
        self._incoming = FrameBuffer()
        self._outgoing = bytearray()
        # Whether the event loop watches for the socket to take more, or is about to.
        self._watched = False
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread: int | None = None
        self._writable = asyncio.Event()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Serve frames from ``loop``, which must be the running one."""
        self._loop = loop
        self._loop_thread = threading.get_ident()
        loop.add_reader(self._sock, self._readable)

    def in_loop_thread(self) -> bool:
        """Return whether the caller runs in the thread of the event loop."""
        return threading.get_ident() == self._loop_thread

    def send(self, frame: Frame) -> None:
        """Send ``frame`` after all that was sent before; never blocks. Any thread may call it."""
        data = encode(frame)
        with self._lock:
            self._outgoing += data
            # Also behind what waits already: a blocked event loop may never get to write it.
            self._write_some()
            begin = self._loop is not None and bool(self._outgoing) and not self._watched
            self._watched = self._watched or begin
        if begin and self._loop is not None:
            self._loop.call_soon_threadsafe(self._watch_writable)

    async def drain(self) -> None:
        """Wait while the grader is far behind in reading."""
        while len(self._outgoing) > _HIGH_WATER_BYTES:
            self._writable.clear()
            await self._writable.wait()

    def pump(self, timeout: float | None) -> None:
        """Block until the grader has said something, or ``timeout`` seconds; act on what came.

        Only for code that blocks the event loop's own thread.
        """
        self.flush_blocking()
        readable, _, _ = select.select([self._sock], [], [], timeout)
        if readable:
            self._readable()

    def flush_blocking(self) -> None:
        """Block until everything that was sent has left this process."""
        with self._lock:
            while self._outgoing:
                select.select([], [self._sock], [])
                self._write_some()

    def _write_some(self) -> None:
        """Write what the socket takes now; the lock must be held."""
        data = bytes(self._outgoing[:_WRITE_BYTES])
        try:
            written = self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            written = 0
        except OSError:
            # The grader has gone; on_close follows from the reading side.
            written = len(data)
        del self._outgoing[:written]

    def _watch_writable(self) -> None:
        # Also when all was written meanwhile: whoever waits in drain() is woken there.
        if self._loop is not None:
            self._loop.add_writer(self._sock, self._on_writable)

    def _on_writable(self) -> None:
        with self._lock:
            self._write_some()
            self._watched = bool(self._outgoing)
            if not self._watched and self._loop is not None:
                self._loop.remove_writer(self._sock)
        if len(self._outgoing) <= _HIGH_WATER_BYTES:
            self._writable.set()

    def _readable(self) -> None:
        try:
            data = self._sock.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._on_close()
            return
        for payload in self._incoming.feed(data):
            self._on_frame(parse_to_student(payload))
