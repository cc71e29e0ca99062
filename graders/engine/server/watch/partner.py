"""A database server that works for a student's server, in processes of the grader's own.

While it computes an answer, the student's process sleeps, and waits for nothing but that. What the
two do is therefore looked at together. Whoever sends something wakes its reader in the same moment,
so at a time when both sleep, nothing is on its way. Must not know what is asked and answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from graders.engine.server.watch.process_state import Activity, activity, activity_alone


class Partner(Protocol):
    """What works for one server."""

    def processes(self) -> Sequence[int]:
        """Return the numbers of all processes that may be at work."""

    @property
    def is_kept_waiting(self) -> bool:
        """Whether it waits for something that the grader holds, which says nothing of a server."""


def activity_of_partner(partner: Partner) -> Activity:
    """Return what a partner is doing; what the grader keeps waiting is not asleep."""
    seen = [activity_alone(pid) for pid in partner.processes()]
    return Activity(
        sum(each.cpu_ns for each in seen if each),
        all(each.asleep for each in seen if each) and not partner.is_kept_waiting,
    )


def activity_with_partner(pid: int, partner: Partner | None) -> Activity | None:
    """Return what the process ``pid`` and its partner are doing; ``None`` as :func:`activity` does.

    The partner is looked at twice: it may answer between a look at it and one at the process.
    """
    if partner is None:
        return activity(pid)
    before = activity_of_partner(partner)
    seen = activity(pid)
    after = activity_of_partner(partner)
    if seen is None:
        return None
    at_rest = before == after and after.asleep
    return Activity(seen.cpu_ns + after.cpu_ns, seen.asleep and at_rest)
