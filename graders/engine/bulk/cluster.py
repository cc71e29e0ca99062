"""Workers on a Dask cluster: an executor of many machines, and what runs on each of them.

`distributed` is installed only where it is asked for, so it is imported late. Must not know what a
task is.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders.engine.bulk.schedule import reason_of
from graders.engine.core.errors import UsageError
from graders.engine.core.optional import optional_module
from graders.engine.core.places import REPOSITORY
from graders.engine.core.text import quote

LOCAL = "local"
PATIENCE = "15s"
_SETTINGS = {
    # A task that ended its worker is told of at once: who gave it decides about another try.
    "distributed.scheduler.allowed-failures": 0,
    # What a worker has not begun is not lost with it.
    "distributed.scheduler.worker-saturation": 1.0,
    # A submission may be large, and travels as bytes.
    "distributed.admin.large-graph-warning-threshold": "1GB",
    "distributed.comm.timeouts.connect": PATIENCE,
    # What a worker holds cannot be put elsewhere: one that waits for that waits for ever.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
}
LEAST_MEMORY = 256_000_000
"""Bytes; a worker that grades nothing has about half of that."""
_OVER_ITS_LIMIT = "worker-restart-memory"
"""Where Dask notes that it has ended a worker for its memory."""


@dataclass(frozen=True)
class Tls:
    """The files of an encrypted connection; all three, or none."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        files = (self.ca, self.cert, self.key)
        if any(files) and not all(files):
            raise UsageError(
                "An encrypted connection needs three files.",
                cure="Give --tls-ca, --tls-cert and --tls-key.",
            )
        for file in filter(None, files):
            if not Path(file).is_file():
                raise UsageError(f"There is no file `{quote(file, 200)}`.")

    def security(self) -> Any:
        """Return what Dask takes; None without encryption."""
        if self.ca is None:
            return None
        sides = ("client", "worker", "scheduler")
        return _module("distributed").Security(
            tls_ca_file=self.ca,
            require_encryption=True,
            **{f"tls_{side}_cert": self.cert for side in sides},
            **{f"tls_{side}_key": self.key for side in sides},
        )


@dataclass(frozen=True)
class Cluster:
    """A cluster in use: its executor, and how many workers it had when it was opened."""

    executor: Executor
    count: int
    client: Any

    def reason_of(self, error: Exception) -> str:
        """Return what an instructor reads of an order that no worker has graded."""
        if not isinstance(error, _module("distributed").KilledWorker):
            return reason_of(error)
        address = error.last_worker.address
        for _, event in self.client.get_events(_OVER_ITS_LIMIT):
            if event["worker"] == address:
                used = event["rss"] // 1_000_000
                return f"KilledWorker: its worker came too near to its memory limit, with {used} MB"
        return f"KilledWorker: the worker at {address} has ended while it graded this"


@contextmanager
def opened_cluster(
    address: str, *, jobs: int, tls: Tls, memory_limit: int | None = None
) -> Iterator[Cluster]:
    """Yield the cluster at ``address``, or one on this machine with ``jobs`` workers (`local`).

    A UsageError if nobody answers there, or no worker has come. ``memory_limit`` is in bytes, for
    each worker that is made here.
    """
    distributed = _module("distributed")
    with _settings(), _engine_for_new_processes():
        if address == LOCAL:
            with (
                distributed.LocalCluster(
                    n_workers=jobs,
                    threads_per_worker=1,
                    dashboard_address=None,
                    memory_limit=memory_limit or "auto",
                    silence_logs=logging.CRITICAL,
                ) as cluster,
                distributed.Client(cluster) as client,
            ):
                yield Cluster(client.get_executor(pure=False), jobs, client)
            return
        try:
            client = distributed.Client(address, security=tls.security(), timeout=PATIENCE)
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(
                f"No scheduler answers at `{quote(address)}`: {quote(str(error), 200)}.",
                cure="Start one with `dask scheduler`, and give its address: tcp://HOST:8786.",
            ) from error
        with client:
            yield Cluster(client.get_executor(pure=False), _workers_of(client, address), client)


def _workers_of(client: Any, address: str) -> int:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except (TimeoutError, OSError) as error:
        raise UsageError(
            f"The scheduler at `{quote(address)}` has no workers.",
            cure=f"Start some: `python grade.py worker {quote(address)}`.",
        ) from error
    return len(client.scheduler_info(n_workers=-1)["workers"])


def memory_limit_of(text: str | None) -> int | None:
    """Return the bytes that a text like `2GB` means, if there is one.

    A UsageError if no worker could live so.
    """
    if text is None:
        return None
    try:
        limit: int = _module("dask.utils").parse_bytes(text)
    except ValueError:
        limit = 0
    if limit < LEAST_MEMORY:
        raise UsageError(
            f"`--memory-limit {quote(text, 40)}` is no memory that a worker could grade with.",
            cure=f"Give at least {LEAST_MEMORY // 1_000_000}MB, for example `--memory-limit 1GB`.",
        )
    return limit


def run_workers(address: str, *, jobs: int, tls: Tls, memory_limit: int | None) -> None:
    """Work for the scheduler at ``address`` with ``jobs`` processes, until it ends or Ctrl-C."""
    with _settings(), _engine_for_new_processes():
        asyncio.run(_work(address, jobs, tls, memory_limit))


async def _work(address: str, jobs: int, tls: Tls, memory_limit: int | None) -> None:
    distributed = _module("distributed")
    async with AsyncExitStack() as stack:
        # A nanny starts its worker again when it has died. One thread: one grading at a time.
        nannies = [
            distributed.Nanny(
                address,
                nthreads=1,
                memory_limit=memory_limit or "auto",
                security=tls.security(),
            )
            for _ in range(jobs)
        ]
        try:
            for nanny in nannies:
                await stack.enter_async_context(nanny)
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(
                f"No scheduler answers at `{quote(address)}`: {quote(str(error), 200)}.",
                cure="Start one with `dask scheduler`, and give its address: tcp://HOST:8786.",
            ) from error
        await asyncio.gather(*(nanny.finished() for nanny in nannies))


@contextmanager
def _engine_for_new_processes() -> Iterator[None]:
    """Let new processes, which take this one's ``sys.path`` over, find the engine."""
    sys.path.append(str(REPOSITORY))
    try:
        yield
    finally:
        sys.path.remove(str(REPOSITORY))


@contextmanager
def _settings() -> Iterator[None]:
    """Set Dask up for what we give it; it tells nobody what we tell ourselves."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with _module("dask.config").set(_SETTINGS):
            yield
    finally:
        logger.setLevel(before)


def _module(name: str) -> Any:
    """Return a module of Dask, which has no types; a UsageError if it is not installed."""
    return optional_module(
        name,
        "Dask",
        "Start it as `python grade.py bulk ... --dask ADDRESS` or `grade.py worker`; "
        "these install it.",
    )
