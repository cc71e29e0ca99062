"""Which scenarios notice each broken server; how one is played is stood in for."""

from __future__ import annotations

from typing import Any

import pytest

from graders.engine.content.catalogue import Lesson
from graders.engine.content.specification import Scenario
from graders.engine.core.errors import Finding
from graders.engine.harness.kept import KeptTexts
from graders.engine.server.trace import Trace
from graders.engine.specification import each, load_opponents, noticed_by_each
from graders.engine.specification.holding import HeldScenario
from tests.specification.test_worth import lesson, served, spec_of

__all__ = ["lesson"]


async def held_alone(server: str, scenario: Scenario, _seed: int) -> HeldScenario:
    """Let those scenarios fail whose names have the server's."""
    finding = Finding("seen") if f"sees-{server}" in scenario.name else None
    return HeldScenario(scenario.name, finding, Trace())


@pytest.mark.parametrize("tell", [True, False])
async def test_all_scenarios_that_notice_a_server_are_found(
    lesson: Lesson, monkeypatch: pytest.MonkeyPatch, *, tell: bool
) -> None:
    monkeypatch.setattr(each, "held_alone", held_alone)
    told: list[tuple[int, int]] = []
    options: Any = {"tell": lambda done, count: told.append((done, count))} if tell else {}
    found = await noticed_by_each(
        spec_of("sees-a", "also-sees-a", "sees-b").scenarios,
        load_opponents(lesson).broken,
        served,  # type: ignore[arg-type]
        1,
        kept=KeptTexts(),
        **options,
    )
    assert list(found) == ["a", "b", "c"]
    assert found == {
        "a": {"sees-a", "also-sees-a"},
        "b": {"sees-b"},
        "c": frozenset(),
    }
    assert told == ([(1, 3), (2, 3), (3, 3)] if tell else [])


async def test_what_is_kept_is_not_played_again(
    lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[str] = []

    async def counted(server: str, scenario: Scenario, seed: int) -> HeldScenario:
        played.append(scenario.name)
        return await held_alone(server, scenario, seed)

    monkeypatch.setattr(each, "held_alone", counted)
    kept, broken = KeptTexts(), load_opponents(lesson).broken
    for names in (("sees-a", "sees-b"), ("sees-a", "sees-b", "sees-c")):
        played.clear()
        found = await noticed_by_each(
            spec_of(*names).scenarios[1:],
            broken,
            served,  # type: ignore[arg-type]
            1,
            kept=kept,
        )
    assert played == ["sees-c"] * 3
    assert found == {"a": {"sees-a"}, "b": {"sees-b"}, "c": {"sees-c"}}
