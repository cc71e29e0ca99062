"""Tries attacks in a process that has some layers of isolation, or none: who stops what.

The attacks run as in a submission, but nothing is graded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders.engine.core.limits import Limits
from graders.engine.isolation.layers import SECOND_WALL, Layer
from graders.engine.sandbox.fork_client import ForkLauncher
from tests.hostile.attack import Attack, program
from tests.sandbox.wired import starting

SUCCEEDED = "succeeded"
ALL = frozenset(Layer)


@dataclass(frozen=True)
class Tried:
    """What became of an attack, and the layers that its process had."""

    outcome: str
    held: frozenset[Layer]

    @property
    def stopped(self) -> bool:
        """Whether it was refused, or ended by the system."""
        return self.outcome != SUCCEEDED


class Launchers:
    """Fork servers by the layers that they leave off, because some are entered there for all."""

    def __init__(self) -> None:
        self._made: dict[frozenset[Layer], ForkLauncher] = {}

    def without(self, layers: Collection[Layer]) -> ForkLauncher:
        """Return the one without those of ``layers`` that a fork server enters."""
        own = frozenset(layers) & SECOND_WALL
        if own not in self._made:
            self._made[own] = ForkLauncher(without=own)
        return self._made[own]

    def close(self) -> None:
        """End all of them."""
        for launcher in self._made.values():
            launcher.close()


@contextmanager
def open_launchers() -> Iterator[Launchers]:
    """Yield fork servers that end with the block."""
    launchers = Launchers()
    try:
        yield launchers
    finally:
        launchers.close()


def tried(
    attack: Attack,
    targets: Mapping[str, Any],
    launchers: Launchers,
    folder: Path,
    *,
    without: Collection[Layer] = (),
) -> Tried:
    """Let a process that leaves off the layers ``without`` try ``attack``."""
    limits = Limits().overridden(attack.limits).process
    with starting(launchers.without(without), folder) as starter:
        student = starter.serve(without=without, limits=limits)
        try:
            outcome = student.ask(f"{program(attack, targets)}\nanswer = outcome")
        except EOFError:
            outcome = "its process was ended"
        return Tried(outcome, layers_in(student.layers))


def layers_in(held: Collection[str]) -> frozenset[Layer]:
    """Return the layers among the names that a process has reported; each limit has its own."""
    limits = {Layer.LIMITS} if any(name.startswith("RLIMIT_") for name in held) else set()
    return frozenset({layer for layer in Layer if layer in held} | limits)
