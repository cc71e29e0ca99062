"""How long a check and a whole run may take on the grader's own clock: the last resort.

It is not how a server is judged: one that hangs or computes without end is known by its state
(``watchdog``) long before. Whose fault it is that time is over, the kernel knows: a server that was
held up, because it or the grader had to wait for a CPU or the grader was busy, is not charged.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from graders.engine.core.errors import GraderBrokeError
from graders.engine.core.limits import Deadlines
from graders.engine.server.trouble import TookTooLong

_HELD_UP = 0.5
"""From this share of the time on, it is the machine or the grader that was slow."""


def held_up_seconds(pid: int | None) -> float | None:
    """Return how long this process has worked or waited for a CPU, and ``pid`` waited for one.

    ``None`` where the kernel does not say.
    """
    try:
        ours = sum(_schedule(Path(f"/proc/{os.getpid()}")))
        tasks = [] if pid is None else list(Path(f"/proc/{pid}/task").iterdir())
        # Several threads may wait at once: the one that waited longest held the server up.
        return ours + max((_schedule(task)[1] for task in tasks), default=0.0)
    except (OSError, ValueError, IndexError):
        return None


def _schedule(folder: Path) -> tuple[float, float]:
    """Return the seconds that a thread has run, and that it was ready to run and waited."""
    ran, waited = (folder / "schedstat").read_bytes().split()[:2]
    return int(ran) / 1e9, int(waited) / 1e9


@dataclass
class RunClock:
    """The time of one submission's run; ``charged`` is what its own servers have used of it."""

    limits: Deadlines = field(default_factory=Deadlines)
    now: Callable[[], float] = time.monotonic
    held_up: Callable[[int | None], float | None] = held_up_seconds
    began: float = field(init=False)
    charged: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.now()

    def require_time(self) -> None:
        """Raise unless there is time left for another check."""
        seconds = self.limits.run_seconds
        if self.now() - self.began <= seconds:
            return
        told = f"the {seconds:,} s that all checks together may take are over"
        if self.charged > _HELD_UP * seconds:
            raise TookTooLong(f"{told}: your server used them up in the checks before")
        raise GraderBrokeError(f"{told}: this machine is too slow, or has too much else to do")


class CheckClock:
    """The time of one check within its run, from now on."""

    def __init__(self, run: RunClock) -> None:
        self._run = run
        self._began = run.now()
        self._held_up_before = run.held_up(None)
        self._over = False

    def overdue(self, pid: int) -> Exception | None:
        """Return what ends the check once its time is over: a finding, or an error of ours.

        ``pid`` is the server that the check has to do with.
        """
        seconds = self._run.limits.check_seconds
        spent = self._run.now() - self._began
        if self._over or spent <= seconds:
            return None
        self._over = True
        told = f"the check was ended after {seconds:,} s"
        if self._was_held_up(pid, spent):
            return GraderBrokeError(f"{told}: this machine is too slow, or has too much else to do")
        self._run.charged += spent
        return TookTooLong(f"{told}: your server was not done, and nothing held it up")

    def _was_held_up(self, pid: int, spent: float) -> bool:
        held_up = self._run.held_up(pid)
        if held_up is None or self._held_up_before is None:
            # Where nobody knows, nobody is blamed.
            return True
        return held_up - self._held_up_before >= _HELD_UP * spent
