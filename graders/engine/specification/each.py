"""Which scenarios notice each broken server: all that do, for those who write the servers.

A score needs the first one only (see ``worth``). Must not judge a specification.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from graders.engine.content.specification import Scenario
from graders.engine.course_servers.mutants import Mutant
from graders.engine.specification.holding import held_alone
from graders.engine.specification.worth import Progress, Serve


async def noticed_by_each(
    scenarios: Sequence[Scenario],
    servers: Sequence[Mutant],
    serve: Serve,
    seed: int,
    tell: Progress = lambda _done, _all: None,
) -> dict[str, frozenset[str]]:
    """Play all scenarios on all servers; return for each server which scenarios fail on it."""
    side_by_side = asyncio.Semaphore(os.cpu_count() or 1)
    found: dict[str, frozenset[str]] = {}

    async def try_on(server: Mutant) -> None:
        async with side_by_side:
            with server.built() as folder:
                held = [await held_alone(serve(folder), each, seed) for each in scenarios]
        found[server.name] = frozenset(each.scenario for each in held if not each.holds)
        tell(len(found), len(servers))

    await asyncio.gather(*map(try_on, servers))
    return {server.name: found[server.name] for server in servers}
