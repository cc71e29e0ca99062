"""What a grading costs: the CPU time of this process, and of all that it has started.

Servers are ended by the fork server, so no count of this process has them. Must not know what is
graded, and judges nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_USER_TO_CHILDREN = slice(11, 15)
"""Where ``/proc/PID/stat`` has the CPU time of a process and of its children that have ended."""


def cpu_seconds() -> float:
    """Return the CPU time so far; only this process's own where the kernel tells no more."""
    own = sum(os.times()[:4])
    return own + sum(map(_cpu_seconds_of, _children(os.getpid())))


def _cpu_seconds_of(pid: int) -> float:
    with suppress(OSError, ValueError, IndexError):
        # The name, which may hold anything, ends with a parenthesis.
        told = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        own = sum(map(int, told[_USER_TO_CHILDREN])) / os.sysconf("SC_CLK_TCK")
        return own + sum(map(_cpu_seconds_of, _children(pid)))
    return 0.0


def _children(pid: int) -> list[int]:
    with suppress(OSError, ValueError):
        files = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for file in files for child in file.read_bytes().split()]
    return []
