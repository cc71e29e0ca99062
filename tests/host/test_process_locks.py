"""Locks of ``multiprocessing`` between threads: they do what the real ones do."""

from __future__ import annotations

import importlib
import threading
from typing import Any

import pytest

from graders.engine.host.process_locks import ThreadSemLock
from tests.sandbox.wired import Starter

RECURSIVE, SEMAPHORE = 0, 1
Made = Any
"""One or the other: the real class has no types."""


@pytest.fixture(params=["ours", "real"])
def kind_of(request: pytest.FixtureRequest) -> Made:
    """Return what makes a lock: what is true of ours is true of the real one."""
    real: Any = importlib.import_module("_multiprocessing")
    made = ThreadSemLock if request.param == "ours" else real.SemLock

    def make(kind: int, value: int, most: int) -> Made:
        return made(kind, value, most, f"/chatkit-test-{id(request):x}", True)

    return make


def in_another_thread(work: Any) -> Any:
    """Return what ``work`` gives in a thread of its own."""
    given: list[Any] = []
    thread = threading.Thread(target=lambda: given.append(work()))
    thread.start()
    thread.join()
    return given[0]


def test_lock_is_taken_once(kind_of: Made) -> None:
    lock = kind_of(SEMAPHORE, 1, 1)
    assert lock.acquire()
    assert not lock.acquire(False)
    assert not lock.acquire(True, 0.001)
    assert (lock._is_zero(), lock._get_value(), lock._is_mine()) == (True, 0, True)
    assert not in_another_thread(lambda: lock.acquire(False))
    assert not in_another_thread(lock._is_mine)
    lock.release()
    assert in_another_thread(lambda: lock.acquire(False))


def test_lock_given_back_twice_is_an_error(kind_of: Made) -> None:
    lock = kind_of(SEMAPHORE, 1, 1)
    with pytest.raises(ValueError, match="released too many times"):
        lock.release()


def test_semaphore_counts(kind_of: Made) -> None:
    semaphore = kind_of(SEMAPHORE, 2, 2)
    assert [semaphore.acquire(False) for _ in range(3)] == [True, True, False]
    semaphore.release()
    assert semaphore._get_value() == 1


def test_recursive_lock_is_its_owners(kind_of: Made) -> None:
    lock = kind_of(RECURSIVE, 1, 1)
    assert lock.acquire()
    assert lock.acquire(False)
    assert lock._count() == 2
    lock.release()
    assert not in_another_thread(lambda: lock.acquire(False))
    lock.release()
    with pytest.raises(AssertionError, match="not owned by thread"):
        lock.release()


def test_block_takes_it_and_gives_it_back(kind_of: Made) -> None:
    lock = kind_of(SEMAPHORE, 1, 1)
    with lock:
        assert lock._is_zero()
    assert not lock._is_zero()


def test_waiting_thread_gets_it_when_it_is_given_back(kind_of: Made) -> None:
    lock = kind_of(SEMAPHORE, 0, 1)
    taken: list[bool] = []
    thread = threading.Thread(target=lambda: taken.append(lock.acquire()))
    thread.start()
    lock.release()
    thread.join()
    assert taken == [True]


@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
def test_all_kinds_can_be_made_however_processes_are_started(students: Starter, start: str) -> None:
    code = f"""
        import multiprocessing
        from multiprocessing.pool import ThreadPool
        context = multiprocessing.get_context("{start}")
        value, queue, event = context.Value("i", 1), context.Queue(), context.Event()
        with context.Lock(), context.RLock(), context.Semaphore(2), value.get_lock():
            value.value += 1
        queue.put(value.value)
        event.set()
        with ThreadPool(2) as pool:
            answer = [queue.get(timeout=60), event.is_set(), pool.map(abs, [-1, 2])]
    """
    student = students.serve()
    assert student.ask(code) == [2, True, [1, 2]]
    assert not student.refused
