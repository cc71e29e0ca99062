"""What the virtual clock shows: one reading, from which dates and monotonic time both follow.

Must not know the event loop, timers or threads, nor who turns it.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

import time_machine

NANOSECONDS = 1_000_000_000

# Taken at import, before any clock is installed; time-machine leaves monotonic time alone.
_real_monotonic_ns = time.monotonic_ns


class Dial:
    """A reading in nanoseconds that runs beside the real clock, or is held; never goes back."""

    def __init__(self) -> None:
        self._ahead = 0
        self._held: int | None = None
        self._epoch = time.time_ns() - _real_monotonic_ns()
        self._leading = False

    @property
    def held(self) -> bool:
        """Whether the reading stands still until it is turned or released."""
        return self._held is not None

    def monotonic_ns(self) -> int:
        """Return the reading."""
        held = self._held
        return _real_monotonic_ns() + self._ahead if held is None else held

    def wall_ns(self) -> int:
        """Return the reading as nanoseconds since the Unix epoch."""
        return self.monotonic_ns() + self._epoch

    def turn_to(self, ns: int) -> None:
        """Hold the reading at ``ns``, or where it is if that is later."""
        self._held = max(self.monotonic_ns(), ns)

    def release(self) -> None:
        """Let the reading run on from where it is."""
        if self._held is not None:
            self._ahead = self._held - _real_monotonic_ns()
            self._held = None

    def lead_dates(self, undo: ExitStack) -> None:
        """Make all dates of this process follow the reading, until ``undo`` is closed.

        time-machine changes the C functions themselves, also for those who imported them before.
        """
        if self._leading:
            return
        travel = time_machine.travel(0)
        travel.start()
        time_machine.traveller_stack[-1] = _Traveller(self)
        undo.callback(travel.stop)
        self._leading = True


class _Traveller(time_machine.Traveller):
    """Makes time-machine ask a dial instead of adding up moves of its own."""

    def __init__(self, dial: Dial) -> None:
        # No time zone: the process keeps the one in TZ.
        super().__init__(destination_timestamp_ns=0, destination_tzname=None, tick=False)
        self._dial = dial

    def time_ns(self) -> int:
        """Answer time-machine, whichever function of the standard library was called."""
        return self._dial.wall_ns()
