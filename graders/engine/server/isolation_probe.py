"""Starts a process of our own, without a submission, to see which layers of isolation hold.

So a machine that cannot isolate a server is known before any code of a student has run there.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from dataclasses import replace
from pathlib import Path

from graders.engine.core.errors import GraderBrokeError
from graders.engine.sandbox.environment import student_environment
from graders.engine.sandbox.process import Launcher, LaunchSpec
from graders.engine.wire import FrameBuffer, WireError, parse_from_student
from graders.engine.wire.frames import Hello

_READ_BYTES = 65_536
# A process says hello within milliseconds; after so long it will never say anything.
_LAST_RESORT_SECONDS = 120.0


def probe_isolation(launcher: Launcher, spec: LaunchSpec) -> tuple[str, ...]:
    """Start a process as ``spec`` says, in a folder of its own; return the layers that it has.

    Raises :class:`GraderBrokeError` when it does not come so far.
    """
    with tempfile.TemporaryDirectory(prefix="chatkit-probe-") as name:
        folder = Path(name)
        environment = student_environment({}, home=folder, temp=folder)
        process = launcher.start(replace(spec, root=folder, environment=environment))
        try:
            return _hello(process.wire).layers
        finally:
            process.kill()
            process.wire.close()
            os.close(process.output)


def _hello(wire: socket.socket) -> Hello:
    wire.settimeout(_LAST_RESORT_SECONDS)
    buffer = FrameBuffer()
    with contextlib.suppress(OSError, WireError):
        while data := wire.recv(_READ_BYTES):
            for payload in buffer.feed(data):
                frame = parse_from_student(payload)
                if isinstance(frame, Hello):
                    return frame
    raise GraderBrokeError("an isolated process could not be started on this machine")
