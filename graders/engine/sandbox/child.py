"""What a student's process does to itself before any student code runs.

Runs in the forked or fresh process. Each layer is one function that returns the names of what took
hold; :data:`LAYERS` has them in the order in which they are applied. Must not import anything of
the trusted side.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from graders.engine.host import serve
from graders.engine.sandbox import landlock, limits, network, privileges, reachable, seccomp
from graders.engine.sandbox.layers import Layer

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
    held = tuple(
        taken
        for name, layer in LAYERS.items()
        if name not in settings["without"]
        for taken in layer(settings)
    )
    serve.run(socket.socket(fileno=WIRE_FD), held)


def _die_with_parent(_settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Ask the kernel to end this process when the one that started it ends."""
    return (Layer.PARENT,) if privileges.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) else ()


def _limit_resources(settings: Mapping[str, Any]) -> tuple[str, ...]:
    return limits.apply(limits.ProcessLimits(**settings["limits"]))


def _leave_network(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Leave the network, unless the process that this one comes from has left it already."""
    inherited: str = settings.get("network", "")
    return (inherited,) if inherited else network.leave_network()


def _leave_files(settings: Mapping[str, Any]) -> tuple[str, ...]:
    own = map(Path, (settings["root"], *settings["writable"]))
    return landlock.shut_in(reachable.readable(), (*own, *reachable.DEVICES))


LAYERS: Mapping[Layer, Callable[[Mapping[str, Any]], tuple[str, ...]]] = {
    Layer.NETWORK: _leave_network,
    Layer.PARENT: _die_with_parent,
    Layer.LIMITS: _limit_resources,
    Layer.PRIVILEGES: lambda _: privileges.refuse_new_privileges(),
    Layer.FILES: _leave_files,
    Layer.CAPABILITIES: lambda _: privileges.drop_capabilities(),
    Layer.MEMORY: lambda _: privileges.hide_memory(),
    # Last: it refuses what the others need.
    Layer.SYSCALLS: lambda _: seccomp.refuse_calls(),
}


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
