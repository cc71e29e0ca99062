"""The event loop of the student's process, which a thread has to wake if it is to notice anything.

What a thread puts into a sleeping loop without waking it (`loop.call_soon`, or an asyncio queue's
`put_nowait`) lies there until something else wakes the loop. The grader's questions to a quiet
server would be such a thing: no client of a real server asks them, so they must not help. What came
so is kept aside until something wakes the loop that does so without the grader too. While its time
stands still, no timer wakes the loop either. Must not know what the callbacks are for.
"""

from __future__ import annotations

import asyncio
import contextvars
import selectors
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

Events = list[tuple[Any, int]]


class _Selector(selectors.DefaultSelector):
    """Sleeps without an end while the time ``stands_still``: until that moves, no timer is due."""

    stands_still: Callable[[], bool] = staticmethod(lambda: False)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait as asked; a loop that looks at the clock again and again would never be at rest."""
        patient = timeout is not None and timeout > 0 and self.stands_still()
        return super().select(None if patient else timeout)


class Loop(asyncio.SelectorEventLoop):
    """Keeps aside what other threads schedule without waking it, until :meth:`wake`.

    Timers wake it, ``call_soon_threadsafe``, and any file but ``quiet_file``: on that one also
    comes what is no reason to wake up, so who reads it calls :meth:`wake`.
    """

    def __init__(self) -> None:
        self._own_selector = _Selector()
        super().__init__(self._own_selector)
        self.quiet_file = -1
        self._aside: deque[asyncio.Handle] = deque()

    def call_soon(  # type: ignore[override] # typeshed's own needs a TypeVarTuple, as in asyncio
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Schedule a callback; from another thread, for when something wakes the loop."""
        here = self._thread_id in (None, threading.get_ident())  # type: ignore[attr-defined] # as in asyncio's own check
        if here or self.get_debug():
            return super().call_soon(callback, *args, context=context)
        handle = asyncio.Handle(callback, args, self, context)
        self._aside.append(handle)
        return handle

    def sleep_while(self, stands_still: Callable[[], bool]) -> None:
        """Let no timer end the loop's sleep while ``stands_still()``; whoever moves it wakes it."""
        self._own_selector.stands_still = stands_still

    def wake(self) -> None:
        """Let what was kept aside run now."""
        while self._aside:
            self._ready.append(self._aside.popleft())  # type: ignore[attr-defined] # see `clock`

    def _process_events(self, event_list: Events) -> None:
        """Do what asyncio does here, and see what ended the loop's sleep."""
        super()._process_events(event_list)  # type: ignore[misc] # private, and the same since 3.4
        if self._aside and (self._woken_by(event_list) or self._timer_is_due()):
            self.wake()

    def _woken_by(self, event_list: Events) -> bool:
        return any(key.fd != self.quiet_file for key, _ in event_list)

    def _timer_is_due(self) -> bool:
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined] # see `clock`
        return bool(timers) and timers[0].when() <= self.time() + self._clock_resolution  # type: ignore[attr-defined]
