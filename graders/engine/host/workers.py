"""Work that the student's event loop has handed to threads, so that the clock can wait for it.

A loop that has nothing ready may still be owed an answer by a thread: moving the clock then would
let the answer come at a later time than it should. So the doors through which work goes to threads
(asyncio's executors, anyio's, aiosqlite's) are watched, and each piece of work is a :class:`Job`.
Counting jobs is exact where looking at threads is a guess. Must not know what time it is, nor
what a job does.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import aiosqlite
import anyio.to_thread

# Every coroutine of a connection that its own thread answers.
_AIOSQLITE_DOORS = ("_connect", "_execute", "close")


@dataclass(eq=False)
class Job:
    """One piece of work outside the loop.

    ``asleep``: it waits for the virtual clock. ``stuck``: it was waited for in vain, and holds
    nothing up any more. ``thread``: set where the work is a whole thread, done when that ends.
    """

    asleep: bool = False
    stuck: bool = False
    thread: threading.Thread | None = None

    @property
    def ended(self) -> bool:
        """Whether the thread that this job stands for has run to its end."""
        return self.thread is not None and not self.thread.is_alive()


def replace(undo: ExitStack, owner: object, name: str, new: object) -> None:
    """Set an attribute of ``owner`` until ``undo`` is closed."""
    undo.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, new)


class Workers:
    """All jobs that are open in this process."""

    def __init__(self) -> None:
        self._open: set[Job] = set()
        self._local = threading.local()

    def busy(self) -> bool:
        """Return whether any job is running, as far as is known: neither asleep nor stuck."""
        for job in tuple(self._open):
            if job.ended:
                self._open.discard(job)
        return any(not (job.asleep or job.stuck) for job in tuple(self._open))

    def give_up(self) -> None:
        """Wait no longer for the jobs that run now."""
        for job in tuple(self._open):
            job.stuck = job.stuck or not job.asleep

    def here(self) -> Job:
        """Return the job that the calling thread works on; a thread of the student's is one job."""
        job: Job | None = getattr(self._local, "job", None)
        if job is None:
            job = self._local.job = Job(thread=threading.current_thread())
            self._open.add(job)
        return job

    @contextmanager
    def working(self) -> Iterator[Job]:
        """Keep a job open for the length of a ``with`` block."""
        job = Job()
        self._open.add(job)
        try:
            yield job
        finally:
            self._open.discard(job)

    def install(self, undo: ExitStack) -> None:
        """Watch the doors until ``undo`` is closed."""
        loop_class = asyncio.BaseEventLoop
        replace(undo, loop_class, "run_in_executor", self._executor_door(loop_class))
        replace(undo, anyio.to_thread, "run_sync", self._anyio_door(anyio.to_thread.run_sync))
        for name in _AIOSQLITE_DOORS:
            door = self._awaited_door(getattr(aiosqlite.Connection, name))
            replace(undo, aiosqlite.Connection, name, door)

    def _executor_door(self, loop_class: type[asyncio.BaseEventLoop]) -> Callable[..., Any]:
        original: Callable[..., asyncio.Future[Any]] = loop_class.run_in_executor

        @functools.wraps(original)
        def run_in_executor(
            loop: asyncio.BaseEventLoop,
            executor: Executor | None,
            func: Callable[..., Any],
            *args: Any,
        ) -> asyncio.Future[Any]:
            if not isinstance(executor, ThreadPoolExecutor | None):
                return original(loop, executor, func, *args)
            job = Job()
            future = original(loop, executor, self._bound(job, func), *args)
            # The loop's future, not the thread's: a job is over once the loop knows of its result.
            self._open.add(job)
            future.add_done_callback(lambda _: self._open.discard(job))
            return future

        return run_in_executor

    def _anyio_door(self, original: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        @functools.wraps(original)
        async def run_sync(func: Callable[..., Any], *args: Any, **options: Any) -> Any:
            with self.working() as job:
                return await original(self._bound(job, func), *args, **options)

        return run_sync

    def _awaited_door(self, original: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        @functools.wraps(original)
        async def awaited(*args: Any, **options: Any) -> Any:
            with self.working():
                return await original(*args, **options)

        return awaited

    def _bound(self, job: Job, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``func`` such that the thread which calls it is known to work on ``job``."""

        @functools.wraps(func)
        def bound(*args: Any, **options: Any) -> Any:
            self._local.job = job
            try:
                return func(*args, **options)
            finally:
                self._local.job = None

        return bound
