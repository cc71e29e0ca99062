"""Scenarios share a server where they hold; one that fails there is played once more, alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from graders.engine.core.errors import Finding, GraderBrokeError
from graders.engine.core.results import Problem
from graders.engine.server.trouble import StartFailed
from graders.engine.specification import held_on, holding
from graders.engine.specification.holding import first_failing, held_on_right
from tests.specification.test_advice import scenario, specification


class NoModel:
    """Has nothing to forget."""

    def forget(self) -> None:
        """Do nothing."""


class Starts:
    """Starts nothing, and counts how often."""

    def __init__(self) -> None:
        self.count = 0

    @asynccontextmanager
    async def serve(self, _trace: object) -> AsyncIterator[tuple[str, NoModel]]:
        """Yield a server that knows how many scenarios it has served."""
        self.count += 1
        yield f"server {self.count}", NoModel()


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Stand in for the player: `bad` always fails, `crowded` only where others were before."""
    seen: list[tuple[str, str]] = []

    async def play(script: object, server: str, *_others: object, **_options: object) -> None:
        name = script.name  # type: ignore[attr-defined]
        crowded = any(place == server for _, place in seen)
        seen.append((name, server))
        if name.startswith("bad") or (name.startswith("crowded") and crowded):
            raise Finding(f"{name} failed")

    monkeypatch.setattr(holding, "play", play)
    return seen


NAMES = ("one", "crowded-two", "bad-three", "four", "bad-five")
SCENARIOS = specification(
    "".join(scenario(name, f"{{say: About {name}}}") for name in NAMES)
).scenarios[1:]


async def test_what_fails_on_a_shared_server_is_judged_alone(played: list[tuple[str, str]]) -> None:
    starts = Starts()
    held = await held_on(starts, SCENARIOS, 1)  # type: ignore[arg-type]
    assert [each.scenario for each in held] == list(NAMES)
    assert [each.holds for each in held] == [True, True, False, True, False]
    assert [name for name, server in played if server == "server 1"] == ["one", "crowded-two"]


async def test_server_of_the_course_must_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(*_arguments: object, **_options: object) -> None:
        raise StartFailed(Problem(kind="no-app", title="There is no app."))

    monkeypatch.setattr(holding, "play", play)
    with pytest.raises(GraderBrokeError, match="There is no app"):
        await held_on_right(Starts(), SCENARIOS, 1)  # type: ignore[arg-type]


async def test_right_server_may_fail_a_scenario(played: list[tuple[str, str]]) -> None:
    held = await held_on_right(Starts(), SCENARIOS, 1)  # type: ignore[arg-type]
    assert [each.holds for each in held].count(False) == 2
    assert played


async def test_first_that_fails_alone_is_found(played: list[tuple[str, str]]) -> None:
    starts = Starts()
    assert await first_failing(starts, SCENARIOS, 1) == "bad-three"  # type: ignore[arg-type]
    assert "four" not in [name for name, _ in played]


@pytest.mark.usefixtures("played")
async def test_nothing_is_found_where_all_hold() -> None:
    starts = Starts()
    assert await first_failing(starts, SCENARIOS[:2], 1) is None  # type: ignore[arg-type]
    assert await first_failing(starts, [], 1) is None  # type: ignore[arg-type]
    assert starts.count == 2
