"""Both ends of a wire in one event loop: the host's connection, and a grader that only listens."""

from __future__ import annotations

import asyncio
import select
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from graders.engine.host.connection import HostConnection
from graders.engine.wire import (
    Frame,
    FrameBuffer,
    FromStudent,
    ToStudent,
    encode,
    parse_from_student,
)

F = TypeVar("F", bound=Frame)


class Ends:
    """``connection`` is the host's end; ``heard`` what it was told; ``closed`` whether it ended."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self.heard: list[ToStudent] = []
        self.closed = asyncio.Event()
        self.connection = HostConnection(
            theirs, on_frame=self.heard.append, on_close=self.closed.set
        )
        ours.setblocking(False)
        self._ours = ours
        self._buffer = FrameBuffer()
        self._frames: deque[FromStudent] = deque()

    async def hear(self, kind: type[F]) -> F:
        """Return the next frame of the host, which must be of ``kind``."""
        while not self._frames:
            data = await asyncio.get_running_loop().sock_recv(self._ours, 1024 * 1024)
            assert data, "the host has closed the wire"
            self._frames += map(parse_from_student, self._buffer.feed(data))
        frame = self._frames.popleft()
        assert isinstance(frame, kind), f"{frame!r:.200} instead of {kind.__name__}"
        return frame

    def say(self, *frames: Frame) -> None:
        """Send ``frames`` to the host."""
        self._ours.sendall(b"".join(map(encode, frames)))

    def swallow(self, count: int) -> None:
        """Block until ``count`` bytes of the host's have come; read them away."""
        while count > 0:
            select.select([self._ours], [], [])
            count -= len(self._ours.recv(count))

    def leave(self) -> None:
        """Close the grader's end."""
        self._ours.close()


@contextmanager
def connected() -> Iterator[Ends]:
    """Yield both ends, attached to the running loop."""
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    with ours, theirs:
        ends = Ends(ours, theirs)
        ends.connection.attach(loop)
        try:
            yield ends
        finally:
            loop.remove_reader(theirs)
            loop.remove_writer(theirs)
