"""Grade some servers at each level of isolation; run by a test, as one user or as another.

``python -m tests.isolation.levels_apart COURSE SERVER...`` prints, as JSON, what each of the
servers got at each level.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from graders.engine.content.catalogue import Catalogue
from graders.engine.grading.folder import grade_folder, servers_of
from graders.engine.grading.request import GradingRequest
from graders.engine.isolation.layers import SECOND_WALL, Layer
from graders.engine.sandbox.fork_client import ForkLauncher

ASKED = ("follow-up-answered", "reply-stored")
"""With what they need: the server is imported, and answers more than one request."""
_OF_THE_FORK_SERVER = frozenset({Layer.NETWORK, Layer.PROCESSES})
_FIRST_WALL = frozenset({Layer.FILES, Layer.SYSCALLS})


def graded(course: Path, servers: Sequence[Path]) -> dict[str, dict[str, dict[str, str]]]:
    """Return how each criterion ended, by level and by server."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for launcher, without in _machines():
        for server in servers:
            lesson = Catalogue(course).lesson("lesson02")
            request = GradingRequest(lesson, server, seed=7, only=ASKED)
            result = grade_folder(request, servers_of(launcher, without=without))
            told = {row.id: str(row.status) for row in result.criteria}
            if result.problem is not None:
                told["problem"] = f"{result.problem.title} {result.problem.detail}"
            found.setdefault(str(result.isolation.level), {})[server.name] = told
    return found


def _machines() -> Iterator[tuple[ForkLauncher, frozenset[Layer]]]:
    """Yield what starts servers as on a machine that gives all layers, some, and none."""
    for off in (frozenset[Layer](), _OF_THE_FORK_SERVER):
        launcher = ForkLauncher(without=off)
        try:
            if not off:
                yield launcher, off
            else:
                yield launcher, SECOND_WALL
                yield launcher, SECOND_WALL | _FIRST_WALL
        finally:
            launcher.close()


if __name__ == "__main__":
    json.dump(graded(Path(sys.argv[1]), [Path(each) for each in sys.argv[2:]]), sys.stdout)
