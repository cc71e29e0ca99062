"""Orders to results over any executor: a bounded number on the way, one more try where one fails.

Must not know what an order is about, nor whether the executor is this machine or a cluster.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from itertools import islice

from graders.engine.bulk.orders import Batch, GradedOrder, GradeOrder, Work
from graders.engine.core.errors import ContentError, IsolationError, UsageError

TRIES = 2
_ENDS_THE_RUN = (UsageError, ContentError, IsolationError)
"""What is wrong with the course or the machine is wrong for all that would follow."""


@dataclass(frozen=True)
class FailedOrder:
    """An order that could not be graded by any worker: our error, with the last one's reason."""

    number: int
    reason: str


def reason_of(error: Exception) -> str:
    """Return an error of a worker in a line."""
    return f"{type(error).__name__}: {error}"


@dataclass
class Scheduler:
    """Grades orders with ``work``: ``window`` batches are on the way at once, and no more exist.

    ``batch`` orders go together, which spares a cluster the talk. Results come as they are ready.
    ``reason`` says an error of the executor in words.
    """

    executor: Executor
    work: Work
    window: int
    batch: int = 1
    reason: Callable[[Exception], str] = reason_of
    _again: deque[GradeOrder] = field(default_factory=deque)
    _failures: dict[int, int] = field(default_factory=dict)

    def graded(self, orders: Iterator[GradeOrder]) -> Iterator[GradedOrder | FailedOrder]:
        """Yield what came of each order."""
        running: dict[Future[tuple[GradedOrder, ...]], Batch] = {}
        try:
            while True:
                while len(running) < self.window and (batch := self._next(orders)):
                    running[self.executor.submit(self.work, batch)] = batch
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    # Forgotten at once: what it holds would add up.
                    yield from self._outcome(running.pop(future), future)
        finally:
            for future in running:
                future.cancel()

    def _next(self, orders: Iterator[GradeOrder]) -> Batch:
        if self._again:
            return (self._again.popleft(),)
        return tuple(islice(orders, self.batch))

    def _outcome(
        self, batch: Batch, future: Future[tuple[GradedOrder, ...]]
    ) -> Iterator[GradedOrder | FailedOrder]:
        error = future.exception()
        if error is None:
            yield from future.result()
            return
        if isinstance(error, _ENDS_THE_RUN) or not isinstance(error, Exception):
            raise error
        if len(batch) > 1:
            # Nobody knows which of them it was; each gets its own tries.
            self._again.extend(batch)
            return
        (order,) = batch
        count = self._failures[order.number] = self._failures.get(order.number, 0) + 1
        if count < TRIES:
            self._again.append(order)
        else:
            yield FailedOrder(order.number, self.reason(error))
