"""What the kernel says about a student's process: whether it still does anything.

Read from outside, so the process cannot lie about it. Must not know what it should be doing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Activity:
    """``cpu_ns`` is the CPU time of all threads so far, ``asleep`` whether every thread sleeps."""

    cpu_ns: int
    asleep: bool


def activity(pid: int) -> Activity | None:
    """Give what ``pid`` is doing; ``None`` where the kernel does not tell (not Linux, or gone)."""
    total = 0
    asleep = True
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            total += int((thread / "schedstat").read_bytes().split()[0])
            # The state follows the name, which is in parentheses and may hold anything.
            state = (thread / "stat").read_bytes().rpartition(b")")[2].split()[0]
            asleep = asleep and state in {b"S", b"I", b"Z", b"X"}
    except (OSError, ValueError, IndexError):
        return None
    return Activity(cpu_ns=total, asleep=asleep)
