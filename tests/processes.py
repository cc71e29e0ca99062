"""The numbers of processes that lie in another pid namespace, as a student's may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def number_here(student: int, number: int) -> int:
    """Return the number by which we know a process that a student knows by ``number``.

    ``student`` is our own number of the student. It is the student itself, its descendant, or an
    orphan of it (whose parent is the fork server, or the first process of its namespace), if no
    other student of the same fork server has any.
    """
    own = _numbers(student)
    if own[-1] == number:
        return student
    server = _parent(student)
    for folder in Path("/proc").glob("[0-9]*"):
        # A process may end while it is looked at.
        with suppress(FileNotFoundError, ProcessLookupError, IndexError):
            pid, numbers = int(folder.name), _numbers(int(folder.name))
            if numbers[-1] != number or len(numbers) != len(own):
                continue
            if {student, server} & set(_ancestors(pid)):
                return pid
    raise ProcessLookupError(number)


def _ancestors(pid: int) -> Iterator[int]:
    while pid := _parent(pid):
        yield pid


def _parent(pid: int) -> int:
    return int(_status(pid, "PPid")[0])


def _numbers(pid: int) -> list[int]:
    """Return a process's numbers, from our pid namespace to its own."""
    return list(map(int, _status(pid, "NSpid")))


def _status(pid: int, name: str) -> list[str]:
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    return text.partition(f"\n{name}:")[2].partition("\n")[0].split()
