"""``grade.py lesson scenarios``: the table of scenarios and broken servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from graders.engine.cli import scenarios
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.specification import Scenario
from graders.engine.core.places import REPOSITORY
from graders.engine.course_servers.mutants import Mutant
from tests.cli.course import run


def stand_in(left_out: str) -> Callable[..., object]:
    """Return what lets the first scenario notice all servers but one."""

    async def noticed_by_each(
        told: Sequence[Scenario],
        servers: Sequence[Mutant],
        _serve: object,
        _seed: int,
        *,
        kept: object,
        tell: Callable[[int, int], None],
    ) -> dict[str, frozenset[str]]:
        assert kept is not None
        tell(1, len(servers))
        found = frozenset({told[0].name})
        return {each.name: frozenset() if each.name == left_out else found for each in servers}

    return noticed_by_each


def test_table_shows_which_scenario_notices_which_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "noticed_by_each", stand_in(""))
    found = run("lesson", "scenarios", "lesson08", "--seed", "3", root=REPOSITORY)
    assert found.code is ExitCode.FULL_MARKS
    assert "tasks: tasks-in-one-list" in found.out
    row = next(line for line in found.out.splitlines() if "tasks-of-all" in line)
    assert row.split()[1] == "x" + "." * (len(row.split()[1]) - 1)
    assert "Each server is noticed." in found.out
    assert "--seed 3" in found.out
    assert "servers" in found.err


def test_server_that_nothing_notices_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "noticed_by_each", stand_in("tasks-of-all"))
    spec = REPOSITORY / "reference_solutions" / "lesson08" / "solution_by_hand" / "spec.yaml"
    found = run("lesson", "scenarios", "lesson08", str(spec), root=REPOSITORY)
    assert found.code is ExitCode.NOT_FULL_MARKS
    assert "Noticed by no scenario: tasks-of-all." in found.out


def test_lesson_without_misconceptions_has_no_table() -> None:
    found = run("lesson", "scenarios", "greeting")
    assert found.code is ExitCode.USAGE
    assert "greeting has no misconceptions.yaml" in found.err
