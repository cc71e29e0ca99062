"""What a student's process does to itself before any student code runs.

Runs in the forked or fresh process. Each layer is one function that returns the names of what took
hold; Landlock, seccomp and namespaces belong in :data:`LAYERS`, in the order in which they are to
be applied. Must not import anything of the trusted side.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from graders.engine.host import serve
from graders.engine.sandbox import limits, network

WIRE_FD = 3
_PR_SET_PDEATHSIG = 1


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
    held = tuple(name for layer in LAYERS for name in layer(settings))
    serve.run(socket.socket(fileno=WIRE_FD), held)


def _die_with_parent(_settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Ask the kernel to end this process when the one that started it ends."""
    if not sys.platform.startswith("linux"):
        return ()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return ("PDEATHSIG",)


def _limit_resources(settings: Mapping[str, Any]) -> tuple[str, ...]:
    return limits.apply(limits.ProcessLimits(**settings["limits"]))


def _leave_network(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Leave the network, unless the process that this one comes from has left it already."""
    inherited: str = settings.get("network", "")
    return (inherited,) if inherited else network.leave_network()


LAYERS: tuple[Callable[[Mapping[str, Any]], tuple[str, ...]], ...] = (
    _leave_network,
    _die_with_parent,
    _limit_resources,
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
