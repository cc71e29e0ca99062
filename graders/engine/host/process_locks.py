"""Locks and semaphores of ``multiprocessing``, for a process that may start no other.

The real ones are files in ``/dev/shm``, which a process has only where it has a root folder of its
own. A pool of threads (``multiprocessing.pool.ThreadPool``), a queue or a progress bar makes some
without meaning to start a process. In one process, a lock between threads does all that they do.
Must not know which layers of isolation hold.
"""

from __future__ import annotations

import importlib
import multiprocessing.heap
import threading
from typing import Any

# It has no types.
_multiprocessing: Any = importlib.import_module("_multiprocessing")

_RECURSIVE = 0
"""The kind of a lock that its owner may take again; the other is a semaphore."""


class ThreadSemLock:
    """Stand in for ``_multiprocessing.SemLock``, between the threads of this process."""

    SEM_VALUE_MAX = getattr(getattr(_multiprocessing, "SemLock", None), "SEM_VALUE_MAX", 2**31 - 1)

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:  # noqa: ARG002 - as the original is called
        self.kind = kind
        self.maxvalue = maxvalue
        self.handle = id(self)
        # Without a name, nobody registers it to be removed by another process.
        self.name = None
        self._value = value
        self._changed = threading.Condition()
        self._owner: int | None = None
        self._taken = 0

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take it; return whether it was taken."""
        with self._changed:
            if self.kind == _RECURSIVE and self._is_mine():
                self._taken += 1
                return True
            seconds = timeout if timeout is None else max(timeout, 0.0)
            if not self._changed.wait_for(lambda: self._value > 0, seconds if block else 0.0):
                return False
            self._value -= 1
            self._owner = threading.get_ident()
            self._taken += 1
            return True

    def release(self) -> None:
        """Give it back; raises what the original raises where that cannot be."""
        with self._changed:
            if self.kind == _RECURSIVE:
                if not self._is_mine():
                    raise AssertionError("attempt to release recursive lock not owned by thread")
                if self._taken > 1:
                    self._taken -= 1
                    return
            elif self._value >= self.maxvalue:
                raise ValueError("semaphore or lock released too many times")
            self._taken -= 1
            self._value += 1
            self._changed.notify()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _count(self) -> int:
        return self._taken

    def _is_mine(self) -> bool:
        return self._taken > 0 and self._owner == threading.get_ident()

    def _get_value(self) -> int:
        return self._value

    def _is_zero(self) -> bool:
        return self._value == 0

    def _after_fork(self) -> None:
        """There is no fork."""


def keep_locks_in_the_process() -> None:
    """Make the locks of ``multiprocessing`` such ones, and keep shared values in plain files."""
    _multiprocessing.SemLock = ThreadSemLock
    arena: Any = multiprocessing.heap.Arena
    # Else the first choice is /dev/shm, whatever may be written there.
    arena._dir_candidates = []  # noqa: SLF001 - there is no public way
