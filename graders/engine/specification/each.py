"""Which scenarios notice each broken server: all that do, for those who write the servers.

A score needs the first one only (see ``worth``). Must not judge a specification.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from graders.engine.content.specification import Scenario
from graders.engine.course_servers.mutants import Mutant
from graders.engine.harness.kept import KeptTexts
from graders.engine.specification.holding import held_alone
from graders.engine.specification.keys import FAILS, HOLDS, keys_on_broken
from graders.engine.specification.worth import Progress, Serve


async def noticed_by_each(
    scenarios: Sequence[Scenario],
    servers: Sequence[Mutant],
    serve: Serve,
    seed: int,
    *,
    kept: KeptTexts,
    tell: Progress = lambda _done, _all: None,
) -> dict[str, frozenset[str]]:
    """Play all scenarios on all servers; return for each server which scenarios fail on it.

    What is in ``kept`` already is not played again.
    """
    side_by_side = asyncio.Semaphore(os.cpu_count() or 1)
    found: dict[str, frozenset[str]] = {}

    async def try_on(server: Mutant) -> None:
        keys = keys_on_broken(scenarios, server)
        async with side_by_side:
            known = kept.of(keys.values())
            unknown = [each for each in scenarios if keys[each.name] not in known]
            held = []
            if unknown:
                with server.built() as folder:
                    held = [await held_alone(serve(folder), each, seed) for each in unknown]
        ended = {keys[each.scenario]: HOLDS if each.holds else FAILS for each in held}
        kept.keep(ended)
        known |= ended
        found[server.name] = frozenset(name for name, key in keys.items() if known[key] != HOLDS)
        tell(len(found), len(servers))

    await asyncio.gather(*map(try_on, servers))
    return {server.name: found[server.name] for server in servers}
