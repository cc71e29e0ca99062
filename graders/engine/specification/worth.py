"""How much of what can be misunderstood the scenarios of a specification notice.

A scenario counts if it expects something, repeats no other, and holds on every right server. A
misconception is caught when each of its broken servers fails a scenario that counts.

What was found is kept, so when a specification was changed, only those scenarios are played that
nobody has played before. Must not give points.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from graders.engine.content.misconceptions import Misconception
from graders.engine.content.specification import Area, Scenario, Specification
from graders.engine.content.steps import CallToolStep
from graders.engine.course_servers.mutants import Mutant
from graders.engine.harness.kept import KeptTexts
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.specification.advice import empty_scenarios, repeated_scenarios
from graders.engine.specification.holding import first_failing, held_on_right
from graders.engine.specification.keys import FAILS, HOLDS, keys_on_broken, keys_on_right
from graders.engine.specification.opponents import Opponents

Serve = Callable[[Path], ServerFactory]
"""Returns what starts servers of the course's own, from a folder."""
Progress = Callable[[int, int], None]
"""Is told how many servers are done, of how many."""
_Server = TypeVar("_Server")
_APART = 37
"""How far apart in a list two processes begin whose numbers follow each other."""


@dataclass(frozen=True)
class Overdemand:
    """A scenario that fails on a right server, so it asks for what the assignment does not."""

    scenario: str
    server: str
    seen: str


@dataclass(frozen=True)
class Worth:
    """What a specification is worth.

    ``caught`` are the ids of misconceptions; ``noticed`` the names of broken servers, those of each
    misconception up to the first that was not.
    """

    overdemands: Sequence[Overdemand]
    misconceptions: Sequence[Misconception]
    caught: frozenset[str]
    noticed: frozenset[str]

    def of_area(self, area: Area) -> list[Misconception]:
        """Return the misconceptions of one area."""
        return [each for each in self.misconceptions if each.area == area]

    def missed(self, area: Area) -> list[Misconception]:
        """Return those of one area that were not caught."""
        return [each for each in self.of_area(area) if each.id not in self.caught]


async def worth_of(
    spec: Specification,
    opponents: Opponents,
    serve: Serve,
    seed: int,
    *,
    kept: KeptTexts,
    tell: Progress = lambda _done, _all: None,
) -> Worth:
    """Play the scenarios on all servers, side by side, and say what they are worth.

    What is in ``kept`` already is not played again.
    """
    trial = _Trial(spec, opponents, serve, seed, kept=kept, tell=tell)
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
        *,
        kept: KeptTexts,
        tell: Progress,
    ) -> None:
        self._spec = spec
        self._opponents = opponents
        self._serve = serve
        self._seed = seed
        self._kept = kept
        self._tell = tell
        self._all = len(opponents.right) + len(opponents.broken)
        self._done = 0
        self._side_by_side = asyncio.Semaphore(os.cpu_count() or 1)

    async def overdemands(self) -> list[Overdemand]:
        """Return the scenarios that fail on a right server, once each, with the first of these."""
        right = self._opponents.right
        found = dict(await asyncio.gather(*map(self._fails_on_right, _turned(right))))
        first: dict[str, Overdemand] = {}
        for each in (one for server in right for one in found[server]):
            first.setdefault(each.scenario, each)
        return [first[each.name] for each in self._spec.scenarios if each.name in first]

    async def noticed(self, scenarios: Sequence[Scenario]) -> frozenset[str]:
        """Return the names of the broken servers that fail one of the scenarios.

        A misconception is done when one of its servers was not noticed: those after it in the
        list decide nothing, and would take the most time, as all scenarios hold on them.
        """
        found = await asyncio.gather(
            *(self._noticed_of(each, scenarios) for each in _turned(self._opponents.misconceptions))
        )
        return frozenset(name for names in found for name in names)

    async def _noticed_of(self, told: Misconception, scenarios: Sequence[Scenario]) -> list[str]:
        """Return the names of one misconception's servers, up to the first that is not noticed."""
        servers = self._opponents.showing(told)
        names = []
        for mutant in servers:
            if not await self._is_noticed(mutant, told, scenarios):
                break
            names.append(mutant.name)
        for _ in servers:
            self._step()
        return names

    async def _fails_on_right(self, folder: Path) -> tuple[Path, list[Overdemand]]:
        """Return a server, and the scenarios that fail on it."""
        scenarios = self._spec.scenarios
        keys = keys_on_right(scenarios, folder)
        async with self._side_by_side:
            # Looked up as late as can be: another process may have found it meanwhile.
            known = self._kept.of(keys.values())
            unknown = [each for each in scenarios if keys[each.name] not in known]
            if unknown:
                held = await held_on_right(self._serve(folder), unknown, self._seed)
                found = {
                    keys[each.scenario]: each.finding.sentence if each.finding else HOLDS
                    for each in held
                }
                self._kept.keep(found)
                known |= found
        self._step()
        told = ((name, known[key]) for name, key in keys.items())
        return folder, [Overdemand(name, folder.name, seen) for name, seen in told if seen != HOLDS]

    async def _is_noticed(
        self, mutant: Mutant, told: Misconception, scenarios: Sequence[Scenario]
    ) -> bool:
        """Return whether a scenario fails on a broken server."""
        keys = keys_on_broken(scenarios, mutant)
        shows_in = mutant.shows_in or told.shows_in
        async with self._side_by_side:
            known = self._kept.of(keys.values())
            is_noticed = any(seen != HOLDS for seen in known.values())
            unknown = [each for each in scenarios if keys[each.name] not in known]
            if unknown and not is_noticed:
                unknown.sort(key=lambda each: self._relevance(each, told.area, shows_in))
                with mutant.built() as folder:
                    found = await first_failing(self._serve(folder), unknown, self._seed)
                self._kept.keep(_tried([each.name for each in unknown], keys, found))
                is_noticed = found is not None
        return is_noticed

    def _relevance(
        self, scenario: Scenario, area: Area, shows_in: Sequence[str]
    ) -> tuple[int, int]:
        """Return what sorts those first that are about what was misunderstood, and are short."""
        used = set(_words_of(scenario))
        fits = sum(word in used for word in shows_in)
        in_area = area in self._spec.areas_of(scenario)
        return (-fits - in_area, len(list(scenario.all_turns)))

    def _step(self) -> None:
        self._done += 1
        self._tell(self._done, self._all)


def _turned(servers: Sequence[_Server]) -> list[_Server]:
    """Return all from another one on in each process: two at once then find half for each other."""
    first = os.getpid() * _APART % len(servers) if servers else 0
    return [*servers[first:], *servers[:first]]


def _tried(names: Sequence[str], keys: Mapping[str, str], failed: str | None) -> dict[str, str]:
    """Return how those scenarios ended that were tried: all until the one that failed."""
    tried = {}
    for name in names:
        tried[keys[name]] = FAILS if name == failed else HOLDS
        if name == failed:
            break
    return tried


def _words_of(scenario: Scenario) -> Iterator[str]:
    """Yield what a scenario is about: keys, tokens, tools, and `users` if there are several."""
    if len(scenario.users) > 1:
        yield "users"
    for _, turn in scenario.all_turns:
        yield from _keys_in(turn)
        yield turn.token
        for step in turn.model:
            yield from type(step).model_fields
            if isinstance(step, CallToolStep):
                yield step.call_tool.name


def _keys_in(part: BaseModel) -> Iterator[str]:
    """Yield the keys of a part of a script, and those of the parts in it."""
    for key in part.model_fields_set:
        yield key
        value = getattr(part, key)
        if isinstance(value, BaseModel):
            yield from _keys_in(value)
