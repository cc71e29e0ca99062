"""Scenarios that are played once in a run, on a pristine server, and judged by several checks.

A conversation that many criteria look at need not be had once for each. What went wrong while it
was played is kept as it was seen, step by step, so that a later step's failure is not charged to
the criteria that look at an earlier one. Must not know criteria.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from graders.engine.content.canaries import Canaries
from graders.engine.core.errors import GraderBrokeError
from graders.engine.harness.outcome import Outcome, attempt
from graders.engine.harness.said import Scene
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.server.trace import Trace

_T = TypeVar("_T")
Scenario = Callable[[Scene], Awaitable[_T]]
_NAME = "recorded_as"


class Recordings:
    """The scenarios of one run; each is played at its first use."""

    def __init__(self, factory: ServerFactory, canary: Canaries) -> None:
        self._factory = factory
        self._canary = canary
        self._played: dict[tuple[Scenario[Any], Path | None], tuple[Outcome[Any], Trace]] = {}

    async def of(self, scenario: Scenario[_T], trace: Trace) -> _T:
        """Return what ``scenario`` returned; ``trace`` becomes the record of how it went.

        Raises the :class:`Finding` that ended the scenario, to each check that asks for it.
        """
        outcome, recorded = await self._recording(scenario, self._factory, None)
        trace.adopt(recorded)
        return cast("_T", outcome.value)

    async def of_reference(self, scenario: Scenario[_T], folder: Path) -> _T:
        """Return what ``scenario`` returned on a server of the course's own, in ``folder``.

        Raises :class:`GraderBrokeError` where that server does not do what it must.
        """
        factory = self._factory.reference(folder)
        outcome, _ = await self._recording(scenario, factory, folder)
        if outcome.finding is not None:
            raise GraderBrokeError(f"the reference server failed: {outcome.finding.seen}")
        return cast("_T", outcome.value)

    async def _recording(
        self, scenario: Scenario[_T], factory: ServerFactory, folder: Path | None
    ) -> tuple[Outcome[Any], Trace]:
        if (scenario, folder) not in self._played:
            self._played[scenario, folder] = await self._play(scenario, factory)
        return self._played[scenario, folder]

    async def _play(
        self, scenario: Scenario[_T], factory: ServerFactory
    ) -> tuple[Outcome[_T], Trace]:
        trace = Trace()
        return await attempt(self._played_on_a_server(scenario, factory, trace)), trace

    async def _played_on_a_server(
        self, scenario: Scenario[_T], factory: ServerFactory, trace: Trace
    ) -> _T:
        async with factory.serve(trace) as (student, model):
            return await scenario(Scene(student, model, self._canary))


def recorded_as(name: str) -> Callable[[Scenario[_T]], Scenario[_T]]:
    """Let checks ask for what a scenario returned, played once in a run, as the fixture ``name``.

    Decorates a scenario, which stays a function that others may call::

        @recorded_as("first")
        async def play_first_message(scene: Scene) -> FirstMessage: ...
    """

    def mark(scenario: Scenario[_T]) -> Scenario[_T]:
        setattr(scenario, _NAME, name)
        return scenario

    return mark


def recorded_name(scenario: object) -> str:
    """Return the name that a function is recorded as, empty if it is not."""
    return str(getattr(scenario, _NAME, ""))
