"""Those who wait for something to change: woken to look again, or told that it is in vain.

It stands here, where the scripted model and the link to a server can both import it: ``core`` and
``protocol`` know no event loop. Must not know what anybody waits for. Nothing here measures time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Waiters:
    """Everybody who waits now; true while there is anybody."""

    def __init__(self) -> None:
        self._futures: set[asyncio.Future[None]] = set()

    def __bool__(self) -> bool:
        return bool(self._futures)

    async def wait(self) -> None:
        """Wait to be woken; raises what is given to :meth:`fail` instead."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._futures.add(future)
        try:
            await future
        finally:
            self._futures.discard(future)

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return as soon as ``condition()`` is true; it is looked at whenever all are woken."""
        while not condition():
            await self.wait()

    def wake(self) -> None:
        """Let everybody look again."""
        for future in self._futures:
            if not future.done():
                future.set_result(None)

    def fail(self, error: Exception) -> None:
        """Raise ``error`` in everybody who waits now; who comes later may still wait."""
        for future in self._futures:
            if not future.done():
                future.set_exception(error)
