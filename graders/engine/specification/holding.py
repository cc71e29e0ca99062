"""Plays scenarios on one server and says which of them hold.

A server that keeps its users apart may serve many scenarios, each with users of its own, so it is
started once. A scenario that fails there is played again on a pristine server: only that counts.
A server that is known to be broken serves one: what it shows must not depend on what was before.
Must not know what a scenario is worth.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from graders.engine.content.canaries import Canaries
from graders.engine.content.specification import Scenario
from graders.engine.core.errors import Finding, GraderBrokeError
from graders.engine.harness.playback import play
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import StartFailed


@dataclass(frozen=True)
class HeldScenario:
    """What became of one scenario: the finding that it ended in, if it did not hold."""

    scenario: str
    finding: Finding | None
    trace: Trace

    @property
    def holds(self) -> bool:
        """Whether all was as the scenario expects."""
        return self.finding is None


async def held_on(
    factory: ServerFactory, scenarios: Sequence[Scenario], seed: int
) -> list[HeldScenario]:
    """Play all scenarios; return what became of each, in their order."""
    unclear = await _failing_together(factory, scenarios, seed)
    return [
        await held_alone(factory, each, seed)
        if each.name in unclear
        else HeldScenario(each.name, None, Trace())
        for each in scenarios
    ]


async def held_alone(factory: ServerFactory, scenario: Scenario, seed: int) -> HeldScenario:
    """Play one scenario on a pristine server."""
    trace = Trace()
    try:
        async with factory.serve(trace) as (student, model):
            await play(scenario, student, model, _words(scenario, seed), trace)
    except Finding as finding:
        return HeldScenario(scenario.name, finding, trace)
    return HeldScenario(scenario.name, None, trace)


async def held_on_right(
    factory: ServerFactory, scenarios: Sequence[Scenario], seed: int
) -> list[HeldScenario]:
    """Play all scenarios on a server of the course's own, which must at least start."""
    held = await held_on(factory, scenarios, seed)
    for each in held:
        if isinstance(each.finding, StartFailed):
            raise GraderBrokeError(f"A server of the course does not start: {each.finding.seen}")
    return held


async def first_failing(
    factory: ServerFactory, scenarios: Sequence[Scenario], seed: int
) -> str | None:
    """Return the name of the first scenario that fails, each on a pristine server, if one does."""
    for each in scenarios:
        if not (await held_alone(factory, each, seed)).holds:
            return each.name
    return None


async def _failing_together(
    factory: ServerFactory, scenarios: Sequence[Scenario], seed: int
) -> set[str]:
    """Return the names of those that do not hold on a server that serves all of them."""
    failed: set[str] = set()
    waiting = list(scenarios)
    while waiting:
        suspect = await _first_suspect(factory, waiting, seed)
        if suspect is None:
            break
        failed.add(waiting[suspect].name)
        waiting = waiting[suspect + 1 :]
    return failed


async def _first_suspect(
    factory: ServerFactory, scenarios: Sequence[Scenario], seed: int
) -> int | None:
    """Return the index of the first scenario that fails on one server for all, if one does."""
    index = 0
    try:
        async with factory.serve(Trace()) as (student, model):
            for index, each in enumerate(scenarios):
                model.forget()
                await play(each, student, model, _words(each, seed), users_end=f"-{index + 1}")
    except Finding:
        return index
    return None


def _words(scenario: Scenario, seed: int) -> Canaries:
    """Return words that no other scenario has."""
    return Canaries(zlib.crc32(f"{seed} {scenario.name}".encode()))
