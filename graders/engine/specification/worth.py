"""How much of what can be misunderstood the scenarios of a specification notice.

A scenario counts if it expects something, repeats no other, and holds on every right server. A
misconception is caught when each of its broken servers fails a scenario that counts. What was found
once is kept by content: the specification's text and the server's files, so that the same
specification is not played twice in one process. (A scenario alone is no key: several are played on
one server, and an earlier one can change what a later one shows.) The words in it are random; what
is found must not depend on them. Must not give points.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from graders.engine.content.misconceptions import Misconception
from graders.engine.content.specification import Area, Scenario, Specification
from graders.engine.course_servers.mutants import Mutant
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.specification.advice import empty_scenarios, repeated_scenarios
from graders.engine.specification.holding import first_failing, held_on_right
from graders.engine.specification.opponents import Opponents, digest_of_mutant, digest_of_solution

Serve = Callable[[Path], ServerFactory]
"""Returns what starts servers of the course's own, from a folder."""
Progress = Callable[[int, int], None]
"""Is told how many servers are done, of how many."""


@dataclass(frozen=True)
class Overdemand:
    """A scenario that fails on a right server, so it asks for what the assignment does not."""

    scenario: str
    server: str
    seen: str


@dataclass(frozen=True)
class Worth:
    """What a specification is worth.

    ``caught`` are the ids of misconceptions; ``noticed`` says by which scenario a broken server was
    noticed.
    """

    overdemands: Sequence[Overdemand]
    misconceptions: Sequence[Misconception]
    caught: frozenset[str]
    noticed: dict[str, str]

    def of_area(self, area: Area) -> list[Misconception]:
        """Return the misconceptions of one area."""
        return [each for each in self.misconceptions if each.area == area]

    def missed(self, area: Area) -> list[Misconception]:
        """Return those of one area that were not caught."""
        return [each for each in self.of_area(area) if each.id not in self.caught]


@dataclass
class _FoundBefore:
    """What was found in this process: by specification, scenario and server, whether it holds."""

    right: dict[tuple[str, str], str] = field(default_factory=dict)
    broken: dict[tuple[str, str], bool] = field(default_factory=dict)


_KNOWN = _FoundBefore()


async def worth_of(
    spec: Specification,
    opponents: Opponents,
    serve: Serve,
    seed: int,
    tell: Progress = lambda _done, _all: None,
) -> Worth:
    """Play the scenarios on all servers, side by side, and say what they are worth."""
    trial = _Trial(spec, opponents, serve, seed, tell)
    overdemands = await trial.overdemands()
    excluded = {each.scenario for each in overdemands}
    counting = [each for each in telling(spec) if each.name not in excluded]
    noticed = await trial.noticed(counting)
    caught = frozenset(
        each.id
        for each in opponents.misconceptions
        if all(mutant.name in noticed for mutant in opponents.showing(each))
    )
    return Worth(overdemands, opponents.misconceptions, caught, noticed)


def telling(spec: Specification) -> list[Scenario]:
    """Return the scenarios that could tell one server from another: not empty, not repeated."""
    idle = {each.name for each in empty_scenarios(spec)}
    idle |= {each.name for each in repeated_scenarios(spec)}
    return [each for each in spec.scenarios if each.name not in idle]


class _Trial:
    """One specification on the servers of one lesson."""

    def __init__(
        self,
        spec: Specification,
        opponents: Opponents,
        serve: Serve,
        seed: int,
        tell: Progress,
    ) -> None:
        self._spec = spec
        self._opponents = opponents
        self._serve = serve
        self._seed = seed
        self._tell = tell
        self._all = len(opponents.right) + len(opponents.broken)
        self._done = 0
        self._own = hashlib.sha256(spec.model_dump_json().encode()).hexdigest()
        self._side_by_side = asyncio.Semaphore(os.cpu_count() or 1)

    async def overdemands(self) -> list[Overdemand]:
        """Return the scenarios that fail on a right server, once each, with the first of these."""
        found = await asyncio.gather(*map(self._fails_on_right, self._opponents.right))
        first: dict[str, Overdemand] = {}
        for each in (one for server in found for one in server):
            first.setdefault(each.scenario, each)
        return [first[each.name] for each in self._spec.scenarios if each.name in first]

    async def noticed(self, scenarios: Sequence[Scenario]) -> dict[str, str]:
        """Return by which scenario each broken server was noticed, if it was."""
        by_id = {each.id: each for each in self._opponents.misconceptions}
        pairs = [(each, by_id[str(each.misconception)]) for each in self._opponents.broken]
        found = await asyncio.gather(
            *(self._notices(mutant, told, scenarios) for mutant, told in pairs)
        )
        return {
            mutant.name: name
            for (mutant, _), name in zip(pairs, found, strict=True)
            if name is not None
        }

    async def _fails_on_right(self, folder: Path) -> list[Overdemand]:
        server = digest_of_solution(folder)
        new = [each for each in self._spec.scenarios if self._key(each, server) not in _KNOWN.right]
        if new:
            async with self._side_by_side:
                for each in await held_on_right(self._serve(folder), new, self._seed):
                    seen = "" if each.finding is None else each.finding.sentence
                    scenario = next(one for one in new if one.name == each.scenario)
                    _KNOWN.right[self._key(scenario, server)] = seen
        self._step()
        told = ((one, _KNOWN.right[self._key(one, server)]) for one in self._spec.scenarios)
        return [Overdemand(one.name, folder.name, seen) for one, seen in told if seen]

    async def _notices(
        self, mutant: Mutant, told: Misconception, scenarios: Sequence[Scenario]
    ) -> str | None:
        ordered = sorted(scenarios, key=lambda each: self._relevance(each, told))
        server = digest_of_mutant(mutant)
        known = {each.name: _KNOWN.broken.get(self._key(each, server)) for each in ordered}
        found = next((name for name, holds in known.items() if holds is False), None)
        new = [each for each in ordered if known[each.name] is None]
        if found is None and new:
            async with self._side_by_side:
                with mutant.built() as folder:
                    found = await first_failing(self._serve(folder), new, self._seed)
            self._keep(new, server, found)
        self._step()
        return found

    def _keep(self, tried: Sequence[Scenario], server: str, found: str | None) -> None:
        """Remember what was tried: all until the one that failed."""
        for each in tried:
            _KNOWN.broken[self._key(each, server)] = each.name != found
            if each.name == found:
                return

    def _relevance(self, scenario: Scenario, told: Misconception) -> tuple[int, int]:
        """Return what sorts those first that are about what was misunderstood, and are short."""
        used = set(_keys_of(scenario))
        fits = sum(key in used for key in told.shows_in)
        in_area = told.area in self._spec.areas_of(scenario)
        return (-fits - in_area, len(list(scenario.all_turns)))

    def _key(self, scenario: Scenario, server: str) -> tuple[str, str]:
        return f"{self._own} {scenario.name}", server

    def _step(self) -> None:
        self._done += 1
        self._tell(self._done, self._all)


def _keys_of(scenario: Scenario) -> Iterator[str]:
    """Yield the keys that a scenario uses, and the kinds of tokens."""
    for _, turn in scenario.all_turns:
        yield from turn.model_fields_set
        yield from turn.expect.model_fields_set
        yield turn.token
        for step in turn.model:
            yield from type(step).model_fields
