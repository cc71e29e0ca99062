"""Orders are graded over any executor, whatever their workers do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from graders.engine.bulk.orders import Batch, CourseVersions, GradedOrder, GradeOrder
from graders.engine.bulk.processes import (
    Parameters,
    Returned,
    SeparateProcesses,
    WorkerDiedError,
)
from graders.engine.bulk.schedule import FailedOrder, Scheduler
from graders.engine.core.errors import ContentError, UsageError
from graders.engine.core.results import IsolationLevel

ORDER = GradeOrder(
    number=0,
    lesson="greeting",
    seed=1,
    require=IsolationLevel.PRACTICE,
    versions=CourseVersions("g", "l", "p"),
    called="x",
    shown="x",
)


class Immediate(Executor):
    """Does each task when it is given, in the process that gives it, and counts them."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []

    def submit(
        self,
        fn: Callable[Parameters, Returned],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Future[Returned]:
        """Call it now."""
        self.batches.append(tuple(order.number for order in cast("Batch", args[0])))
        future: Future[Returned] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is the task's
            future.set_exception(error)
        return future


def orders(count: int) -> Iterator[GradeOrder]:
    """Yield orders with numbers."""
    return (replace(ORDER, number=number) for number in range(count))


def echo(batch: Batch) -> tuple[GradedOrder, ...]:
    """Grade each with its number."""
    return tuple(GradedOrder(order.number, str(order.number), "") for order in batch)


def ends_the_process(batch: Batch) -> tuple[GradedOrder, ...]:
    """End the process at the third order."""
    if any(order.number == 2 for order in batch):
        os._exit(1)
    return echo(batch)


def test_every_order_is_graded_once_in_batches() -> None:
    executor = Immediate()
    outcomes = list(Scheduler(executor, echo, window=2, batch=3).graded(orders(7)))
    assert sorted(each.number for each in outcomes) == list(range(7))
    assert executor.batches == [(0, 1, 2), (3, 4, 5), (6,)]


def test_no_more_orders_exist_than_are_on_the_way() -> None:
    made, finished, most = 0, 0, 0

    def counted() -> Iterator[GradeOrder]:
        nonlocal made, most
        for order in orders(100):
            made += 1
            most = max(most, made - finished)
            yield order

    with ThreadPoolExecutor(2) as executor:
        for _ in Scheduler(executor, echo, window=4).graded(counted()):
            finished += 1
    assert finished == 100
    # Those of one round are told one by one.
    assert most <= 8


def test_order_that_fails_has_one_more_try_and_is_then_our_error() -> None:
    tries: list[int] = []

    def work(batch: Batch) -> tuple[GradedOrder, ...]:
        tries.extend(order.number for order in batch)
        if any(order.number == 1 for order in batch):
            raise OSError("no memory")
        return echo(batch)

    outcomes = {each.number: each for each in Scheduler(Immediate(), work, 2).graded(orders(3))}
    assert outcomes[1] == FailedOrder(1, "OSError: no memory")
    assert isinstance(outcomes[2], GradedOrder)
    assert sorted(tries) == [0, 1, 1, 2]


def test_batch_that_fails_is_tried_one_by_one() -> None:
    def work(batch: Batch) -> tuple[GradedOrder, ...]:
        if any(order.number == 1 for order in batch):
            raise OSError
        return echo(batch)

    executor = Immediate()
    outcomes = list(Scheduler(executor, work, window=1, batch=3).graded(orders(3)))
    assert executor.batches == [(0, 1, 2), (0,), (1,), (2,), (1,)]
    assert [type(each) for each in outcomes] == [GradedOrder, GradedOrder, FailedOrder]


@pytest.mark.parametrize("error", [UsageError("u"), ContentError(Path("x"), 1, "wrong.")])
def test_what_is_wrong_for_all_ends_the_run(error: Exception) -> None:
    def work(_: Batch) -> tuple[GradedOrder, ...]:
        raise error

    with pytest.raises(type(error)):
        list(Scheduler(Immediate(), work, window=2).graded(orders(3)))


def test_worker_that_dies_costs_only_its_own_order() -> None:
    with SeparateProcesses(2) as processes:
        outcomes = list(Scheduler(processes, ends_the_process, window=4).graded(orders(6)))
    found = {each.number: each for each in outcomes}
    assert sorted(found) == list(range(6))
    assert found.pop(2) == FailedOrder(2, "WorkerDiedError: The process that graded it has ended.")
    assert all(isinstance(each, GradedOrder) for each in found.values())


def test_killed_processes_end_what_they_do() -> None:
    processes = SeparateProcesses(1)
    future = processes.submit(os.getppid)
    assert future.result() == os.getpid()
    waiting = processes.submit(input_that_never_comes)
    left = processes.submit(os.getpid)
    while not waiting.running():
        pass
    processes.kill()
    assert isinstance(waiting.exception(), WorkerDiedError)
    assert left.cancelled()


def input_that_never_comes() -> bytes:
    """Read from a pipe that nobody writes to."""
    read, _ = os.pipe()
    return os.read(read, 1)
