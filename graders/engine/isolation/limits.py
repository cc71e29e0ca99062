"""How the resource limits of a student's process are set, from inside it.

The kernel's limits lie above what a lesson allows (``core.limits``) wherever they count more than
is meant: what is merely reserved as memory, other programs' threads as processes. The grader's own
looks at the process keep it to the exact number; these here stop what is faster than a look. Must
not know which lesson asks for which limit.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from graders.engine.core.limits import MEBIBYTE, ProcessLimits
from graders.engine.isolation.libc import libc

_STACK_MB = 8
"""What a thread's stack reserves where no limit says otherwise; almost none of it is ever used."""
_RESERVE_MB = 1_536
"""Address space for what takes no memory: the libraries (340 MiB) and the arenas of malloc."""
_ARENAS = 8
"""Arenas of malloc, of 64 MiB of address space each; by itself it takes eight for each CPU."""
_M_ARENA_MAX = -8
_TASKS_MARGIN = 4
"""The kernel counts the threads of other submissions, too, which are graded beside this one."""


def apply(limits: ProcessLimits, *, counted_alone: bool = False) -> tuple[str, ...]:
    """Set ``limits`` on this process; return the names of those that were applied.

    ``counted_alone`` says that no processes of the machine are counted with it, because it has a
    user of its own, or lies in another user namespace.
    """
    if sys.platform == "win32":
        return ()
    import resource  # noqa: PLC0415 - not on Windows

    _keep_to_few_arenas()
    stacks_mb = limits.processes * _stack_mb()
    others = 0 if counted_alone else _tasks_of_the_machine()
    wanted = {
        "RLIMIT_DATA": (limits.memory_mb + stacks_mb) * MEBIBYTE,
        # Shared memory as well, which is no data.
        "RLIMIT_AS": (limits.memory_mb + stacks_mb + _RESERVE_MB) * MEBIBYTE,
        "RLIMIT_CPU": limits.cpu_seconds,
        "RLIMIT_FSIZE": limits.file_size_mb * MEBIBYTE,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_NPROC": others + _TASKS_MARGIN * limits.processes,
        "RLIMIT_CORE": 0,
    }
    held = []
    for name, value in wanted.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        _, hard = resource.getrlimit(kind)
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # Past the hard limit of CPU time comes SIGKILL, which says nothing: first the soft one's
        # SIGXCPU, which says why.
        highest = allowed + 1 if name == "RLIMIT_CPU" and hard != allowed else allowed
        try:
            resource.setrlimit(kind, (allowed, highest))
        except (ValueError, OSError):
            # An ordinary user may not always lower a limit below what is in use (macOS).
            continue
        held.append(name)
    return tuple(held)


def _tasks_of_the_machine() -> int:
    """Count what runs already: the kernel's limit counts all threads of the user, not ours alone.

    Zero where the kernel does not tell.
    """
    try:
        return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].split("/")[1])
    except (OSError, ValueError, IndexError):
        return 0


def _stack_mb() -> int:
    import resource  # noqa: PLC0415 - not on Windows

    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return _STACK_MB if soft == resource.RLIM_INFINITY else -(-soft // MEBIBYTE)


def _keep_to_few_arenas() -> None:
    """Let malloc reserve the same address space on a machine with many CPUs as on one with few."""
    with contextlib.suppress(AttributeError, OSError):
        libc().mallopt(_M_ARENA_MAX, _ARENAS)
