"""A simulation of the scheduler: what thousands of submissions cost.

Run it with ``python grade.py test tests/benchmarks/scale.py -s -q``. Give the folder of a real
run's results in ``BULK_RESULTS`` to take its distribution, else the one below is taken. It is a
model, and asserts only what must hold of any.
"""

from __future__ import annotations

import heapq
import os
import random
import statistics
from collections.abc import Sequence
from pathlib import Path

from graders.engine.bulk.journal import read_journal

MEASURED = (0.5, 1.3, 1.7, 1.8, 1.9, 1.9, 2.0, 2.1, 3.1, 3.7)
"""Seconds of CPU for one submission, from fast to slow, where none are given; ``bulk.py`` prints
them. It is as if a grading waited for nothing but its core."""
PREPARED = 0.011
"""Seconds of the parent for one submission: to find it, to pack it, to write its result."""
ROUND_TRIP = 0.002
KILOBYTES_THERE, KILOBYTES_BACK = 20, 44
"""Of one submission: the project; the result with its page."""
MACHINE_HOUR = 0.20
"""What a machine with four cores costs for an hour."""
WARM = 6.0
"""Seconds until a worker has started its fork server."""


def finished_after(durations: Sequence[float], workers: int, lost: Sequence[int] = ()) -> float:
    """Return when all are done: the parent hands out one after the other, workers take the next.

    Those at the places in ``lost`` are graded twice: their worker died.
    """
    free = [WARM] * workers
    heapq.heapify(free)
    parent = 0.0
    again = set(lost)
    for at, duration in enumerate(durations):
        parent += PREPARED
        tries = 2 if at in again else 1
        start = max(parent + ROUND_TRIP, heapq.heappop(free))
        heapq.heappush(free, start + tries * duration)
    return max(free)


def measured() -> tuple[float, ...]:
    """Return the seconds that submissions took."""
    folder = os.environ.get("BULK_RESULTS")
    if not folder:
        return MEASURED
    return tuple(each.duration_ms / 1000 for each in read_journal(Path(folder)).values())


def test_ten_thousand_on_fifty_machines() -> None:
    taken, draw = measured(), random.Random(1)
    print(f"\n{len(taken)} durations, mean {statistics.fmean(taken):.1f} s")
    for count, machines, cores in ((300, 1, 2), (300, 1, 8), (10_000, 10, 4), (10_000, 50, 4)):
        durations = draw.choices(taken, k=count)
        workers = machines * cores
        lost = draw.sample(range(count), count // 1_000)
        total = finished_after(durations, workers, lost)
        best = WARM + sum(durations) / workers
        use = sum(durations) / (total * workers)
        parent = PREPARED * count / total
        print(
            f"  {count:6} on {machines:2} x {cores} cores: {total / 60:6.1f} min, workers "
            f"{use:.0%} busy, parent {parent:.0%} busy"
        )
        assert total >= best - 1e-6 or lost
    durations = draw.choices(taken, k=10_000)
    there, back = (10_000 * each / 1_000 for each in (KILOBYTES_THERE, KILOBYTES_BACK))
    hours = sum(durations) / 3_600
    print(f"  10,000: {there:.0f} MB there, {back:.0f} MB back, {hours:.1f} hours of a core")
    print(f"  cost: {hours / 4 * MACHINE_HOUR:.2f} at {MACHINE_HOUR:.2f} for 4 cores and an hour")
    for workers in (100, 200, 400, 800, 1_600):
        total = finished_after(durations, workers)
        use = sum(durations) / (total * workers)
        print(f"  10,000 on {workers:5} cores: {total / 60:5.1f} min, workers {use:.0%} busy")


def test_no_worker_waits_while_there_is_work() -> None:
    assert finished_after([10.0] * 4, 2) == WARM + 20.0
    assert finished_after([10.0] * 4, 2, lost=[0]) == WARM + 30.0
