"""What the kernel says about a student's process: whether it still does anything, what it uses.

Read from outside, so the process cannot lie about it. Must not know what it should be doing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# Asleep, idle, a zombie, dead, and stopped: a process that stops itself does nothing either.
_SLEEPING = frozenset({b"S", b"I", b"Z", b"X", b"T", b"t"})


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
        text = Path(f"/proc/{pid}/status").read_bytes().decode("ascii", "replace")
        lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        own, swapped, shared = (
            int(lines[name].split()[0]) * 1_024 for name in ("RssAnon", "VmSwap", "RssShmem")
        )
        return Use(own + swapped + shared, int(lines["Threads"]), own + swapped)
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _threads(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


def _together(seen: list[Activity]) -> Activity:
    return Activity(sum(each.cpu_ns for each in seen), all(each.asleep for each in seen))


def _thread(folder: Path) -> Activity:
    cpu_ns = int((folder / "schedstat").read_bytes().split()[0])
    # The state follows the name, which is in parentheses and may hold anything.
    state = (folder / "stat").read_bytes().rpartition(b")")[2].split()[0]
    return Activity(cpu_ns, state in _SLEEPING)


def _children(folder: Path) -> list[bytes]:
    """Return the processes that a thread has started; none where the kernel does not tell."""
    try:
        return (folder / "children").read_bytes().split()
    except OSError:
        return []
