"""Worker processes on this machine, each on its own: one that dies costs one task.

The standard pool loses every task when one process dies, and does not tell whose it was. Here each
worker is a pool of one. Must not know what the tasks are.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from typing import Any, NamedTuple, ParamSpec, TypeVar

from graders.engine.core.errors import GraderBrokeError
from graders.engine.core.places import REPOSITORY

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")


class WorkerDiedError(GraderBrokeError):
    """A process that graded has ended by itself; its task was not done."""


class _Task(NamedTuple):
    future: Future[Any]
    call: Callable[[], Any]


class SeparateProcesses(Executor):
    """Runs tasks in ``jobs`` processes, each started afresh when it has died.

    All of them end with this process, however it ends, and with :meth:`kill`.
    """

    def __init__(self, jobs: int) -> None:
        self._tasks: SimpleQueue[tuple[_Task, Any, Any] | None] = SimpleQueue()
        # Not forked: a process that runs threads and open connections must not be copied.
        self._context = multiprocessing.get_context("spawn")
        # Whatever becomes of this process, its end of the line closes with it.
        self._line, self._our_end = self._context.Pipe(duplex=False)
        # New processes take `sys.path` over, and `grade.py` is not on it.
        sys.path.append(str(REPOSITORY))
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(jobs)]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        fn: Callable[Parameters, Returned],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Future[Returned]:
        """Have a function called in one of the processes, whichever is free first."""
        future: Future[Returned] = Future()
        self._tasks.put((_Task(future, fn), args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes once all tasks are done, or, with ``cancel_futures``, all begun."""
        while cancel_futures and not self._tasks.empty():
            if task := self._tasks.get():
                task[0].future.cancel()
        for _ in self._threads:
            self._tasks.put(None)
        if wait:
            for thread in self._threads:
                thread.join()
            self._our_end.close()
            with suppress(ValueError):
                sys.path.remove(str(REPOSITORY))

    def kill(self) -> None:
        """End all processes at once, and what they have started."""
        self._our_end.close()
        self.shutdown(cancel_futures=True)

    def _serve(self) -> None:
        """Give one process its tasks, one by one; runs in a thread of its own."""
        pool = self._new_pool()
        while (each := self._tasks.get()) is not None:
            (future, call), args, kwargs = each
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(pool.submit(call, *args, **kwargs).result())
            except BrokenProcessPool:
                pool.shutdown(wait=False)
                pool = self._new_pool()
                future.set_exception(WorkerDiedError("The process that graded it has ended."))
            except Exception as error:  # noqa: BLE001 - whatever the task raises is its result
                future.set_exception(error)
        pool.shutdown()

    def _new_pool(self) -> ProcessPoolExecutor:
        """Return a pool of one process, which starts with its first task."""
        return ProcessPoolExecutor(1, self._context, _end_with_parent, (self._line,))


def _end_with_parent(line: Connection) -> None:
    """Let this process end when the one that gives the tasks has: no more will come."""
    # Ctrl-C goes to every process of a terminal; the parent decides what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_wait_and_end, args=(line,), daemon=True).start()


def _wait_and_end(line: Connection) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "only a process of a pool runs this"
    wait([line, parent.sentinel])
    os._exit(1)
