"""The numbers of processes that lie in another pid namespace, as a student's may."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def number_here(student: int, number: int) -> int:
    """Give the number by which we know a process that a student knows by ``number``.

    ``student`` is our own number of the student. It is the student itself, its child, or an orphan
    of it, if no other student has orphans.
    """
    depth = len(_numbers(student))
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may end while it is looked at.
        with suppress(FileNotFoundError, ProcessLookupError):
            pid, numbers = int(folder.name), _numbers(int(folder.name))
            parent = int(_status(pid, "PPid")[0])
            related = student in {pid, parent} or _numbers(parent)[-1] == 1 or depth == 1
            if related and numbers[-1] == number and len(numbers) == depth:
                return pid
    raise ProcessLookupError(number)


def _numbers(pid: int) -> list[int]:
    """Give a process's numbers, from our pid namespace to its own."""
    return list(map(int, _status(pid, "NSpid")))


def _status(pid: int, name: str) -> list[str]:
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    return text.partition(f"\n{name}:")[2].partition("\n")[0].split()
