"""What the kernel says about a student's process: whether it still does anything, what it uses.

Read from outside, so the process cannot lie about it; by the system's own calls, as ``Path`` would
cost more than the kernel does, and a watched server is looked at fifty times a second. Must not
know what it should be doing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

# Asleep, idle, a zombie, dead, and stopped: a process that stops itself does nothing either.
_SLEEPING = frozenset({b"S", b"I", b"Z", b"X", b"T", b"t"})
_PART = 65_536


@dataclass(frozen=True)
class Activity:
    """``cpu_ns`` is the CPU time of all threads so far, ``asleep`` whether every thread sleeps.

    Threads of child processes are counted with their parent's.
    """

    cpu_ns: int
    asleep: bool


def activity(pid: int) -> Activity | None:
    """Return what ``pid`` is doing.

    ``None`` where the kernel does not tell (not Linux, or gone).
    """
    try:
        threads = _threads(pid)
        own = [_thread(folder) for folder in threads]
        children = [activity(int(child)) for folder in threads for child in _children(folder)]
    except (OSError, ValueError, IndexError):
        return None
    return _together([*own, *(child for child in children if child is not None)])


def activity_alone(pid: int) -> Activity | None:
    """Return what ``pid`` is doing, without its children; ``None`` as :func:`activity` does."""
    try:
        return _together([_thread(folder) for folder in _threads(pid)])
    except (OSError, ValueError, IndexError):
        return None


@dataclass(frozen=True)
class Use:
    """``memory`` is what is really in use, with what is shared, in bytes; ``threads`` how many.

    ``own_memory`` is without what is shared.
    """

    memory: int
    threads: int
    own_memory: int


def use(pid: int) -> Use | None:
    """Return what ``pid`` uses; ``None`` where the kernel does not tell (not Linux, or gone)."""
    try:
        text = _read(f"/proc/{pid}/status").decode("ascii", "replace")
        lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        own, swapped, shared = (
            int(lines[name].split()[0]) * 1_024 for name in ("RssAnon", "VmSwap", "RssShmem")
        )
        return Use(own + swapped + shared, int(lines["Threads"]), own + swapped)
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _threads(pid: int) -> list[str]:
    """Return the folder of each of its threads."""
    tasks = f"/proc/{pid}/task"
    return [f"{tasks}/{name}" for name in os.listdir(tasks)]  # noqa: PTH208 - see above


def _together(seen: list[Activity]) -> Activity:
    return Activity(sum(each.cpu_ns for each in seen), all(each.asleep for each in seen))


def _thread(folder: str) -> Activity:
    cpu_ns = int(_read(f"{folder}/schedstat").split()[0])
    # The state follows the name, which is in parentheses and may hold anything.
    state = _read(f"{folder}/stat").rpartition(b")")[2].split()[0]
    return Activity(cpu_ns, state in _SLEEPING)


def _children(folder: str) -> list[bytes]:
    """Return the processes that a thread has started; none where the kernel does not tell."""
    try:
        return _read(f"{folder}/children").split()
    except OSError:
        return []


def _read(name: str) -> bytes:
    """Return what the kernel tells in a file, which it makes up anew for each reader."""
    file = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(file, _PART):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(file)
