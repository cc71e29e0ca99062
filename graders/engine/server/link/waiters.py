"""Those who wait for one server: woken to look again, or told that it is in vain.

Must not know what anybody waits for.
"""

from __future__ import annotations

import asyncio


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
