"""The attacks, one family a module, as data: what each wants, how, and how its grading ends."""

from __future__ import annotations

from tests.hostile.attack import Attack
from tests.hostile.families import (
    connecting,
    ending,
    frames,
    inside,
    kernel,
    processes,
    reading,
    reporting,
    spending,
    starting,
    steering,
    writing,
)

FAMILIES: dict[str, tuple[Attack, ...]] = {
    "ending": ending.ATTACKS,
    "steering": steering.ATTACKS,
    "reporting": reporting.ATTACKS,
    "reading": reading.ATTACKS,
    "writing": writing.ATTACKS,
    "processes": processes.ATTACKS,
    "starting": starting.ATTACKS,
    "connecting": connecting.ATTACKS,
    "kernel": kernel.ATTACKS,
    "inside": inside.ATTACKS,
    "frames": frames.ATTACKS,
    "spending": spending.ATTACKS,
}
ATTACKS: tuple[Attack, ...] = tuple(attack for family in FAMILIES.values() for attack in family)
LAYERED = tuple(attack for attack in ATTACKS if not attack.stopped_by_grader)
"""What only the layers of isolation stop."""
