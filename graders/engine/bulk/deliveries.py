"""What was handed in, as it was found: records that the modules of this package share.

Must not know where it was found or who grades it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Delivery:
    """One thing that was handed in by one student, or by several together.

    ``called`` is its name in the download; ``people`` the names of each who handed it in, and
    ``ends`` whether the end of such a name may be the student's, as in the name of a clone.
    ``place`` gives the folder, archive or file for as long as it is used. ``order`` tells which of
    several by one student is the newest: the attempt, then the time. ``handed_in`` is when, if that
    is known: the time of a file is often that of the download.
    """

    called: str
    people: tuple[tuple[str, ...], ...]
    place: Callable[[], AbstractContextManager[Path]]
    shown: str
    attempt: int = 0
    time: float = 0.0
    late: bool = False
    notes: tuple[str, ...] = ()
    handed_in: datetime | None = None
    ends: bool = False

    @property
    def order(self) -> tuple[int, float, str]:
        """What sorts the newest last."""
        return (self.attempt, self.time, self.called)


@dataclass(frozen=True)
class Entry:
    """A student, or a group, with what is graded: ``delivery`` is the newest of what came in.

    ``file`` names the files of its result; ``older`` are the names of what is not graded.
    """

    student: str
    file: str
    delivery: Delivery
    members: tuple[str, ...] = ()
    name: str = ""
    group: str = ""
    older: tuple[str, ...] = ()
    on_roster: bool = True

    @property
    def late(self) -> bool:
        """Whether the platform has marked it as late."""
        return self.delivery.late
