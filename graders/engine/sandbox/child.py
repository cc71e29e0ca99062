"""What a student's process does to itself before any student code runs.

Runs in the forked or fresh process. What shuts it in is in ``isolation``. Must not import anything
of the trusted side.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from graders.engine.host import serve
from graders.engine.isolation.apply_layers import apply_layers
from graders.engine.isolation.layers import Layer

WIRE_FD = 3


def become_student(settings: Mapping[str, Any]) -> NoReturn:
    """Turn this process into the student's: environment, folder, limits, then serve the wire.

    Descriptor 3 is the wire, 0 to 2 are standard streams, anything else is closed.
    """
    os.closerange(WIRE_FD + 1, _open_files_limit())
    _reset_signals()
    os.environ.clear()
    os.environ.update(settings["environment"])
    os.umask(0o077)
    os.chdir(settings["root"])
    # No .pyc files into the submission's copy: the second start would read what the first wrote.
    sys.dont_write_bytecode = True
    sys.argv = ["server"]
    _use_time_zone()
    # Where tests let the system start processes, so does the guard, which has the words about it.
    one_process = Layer.SYSCALLS not in settings["without"]
    serve.run(
        socket.socket(fileno=WIRE_FD),
        apply_layers(settings),
        one_process=one_process,
        lock_seconds=settings["limits"]["lock_seconds"],
    )


def _open_files_limit() -> int:
    if sys.platform == "win32":
        return 256
    import resource  # noqa: PLC0415 - not on Windows

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(soft, 65_536)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _use_time_zone() -> None:
    import time  # noqa: PLC0415 - only here

    if hasattr(time, "tzset"):
        time.tzset()
