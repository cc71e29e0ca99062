"""By what is kept how a scenario ended: the files of the server, and what is done and expected.

This needs that a scenario ends on a server as if it were alone with it. On a broken one each is: an
earlier one could hide what a later one shows. Right servers keep users apart, so one is started for
all scenarios; what fails there is played once more, alone. The words in scenarios are random; what
is found must not depend on them. Must not know what a scenario is worth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from graders.engine.content.specification import Scenario
from graders.engine.course_servers.mutants import Mutant
from graders.engine.specification.opponents import digest_of_mutant, digest_of_solution

HOLDS, FAILS = "", "fails"
"""What is kept of a scenario: nothing where it holds; what was seen, or that it fails."""


def keys_on_right(scenarios: Sequence[Scenario], folder: Path) -> dict[str, str]:
    """Return for each scenario by what is kept how it ended on a solution."""
    return _keys(scenarios, f"right {digest_of_solution(folder)}")


def keys_on_broken(scenarios: Sequence[Scenario], mutant: Mutant) -> dict[str, str]:
    """Return for each scenario by what is kept how it ended on a mutant."""
    return _keys(scenarios, f"broken {digest_of_mutant(mutant)}")


def _keys(scenarios: Sequence[Scenario], server: str) -> dict[str, str]:
    return {
        each.name: hashlib.sha256(f"{server}\0{each.played_json()}".encode()).hexdigest()
        for each in scenarios
    }
