"""Which scenarios count, and which misconceptions they catch.

How a scenario is played on a server is stood in for: the name of a scenario says where it fails.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.content.specification import Scenario, Specification
from graders.engine.core.errors import ContentError, Finding
from graders.engine.harness.kept import KeptTexts
from graders.engine.server.trace import Trace
from graders.engine.specification import Opponents, load_opponents, worth, worth_of
from graders.engine.specification.holding import HeldScenario
from tests.specification.test_advice import scenario, specification

MISCONCEPTIONS = """\
format_version: 1
misconceptions:
  - {id: first, area: tasks, told: A server that forgets, shows_in: [restart]}
  - {id: second, area: session, told: A server that sleeps}
"""
RUBRIC = """\
format_version: 1
criteria:
  - {id: one, title: One, points: 100, requirement: One., hints: {default: One.}}
"""


class Played:
    """What was played where; servers are named by their folders."""

    def __init__(self) -> None:
        self.on_right: list[str] = []
        self.on_broken: list[str] = []

    async def held_on(
        self, server: str, scenarios: Sequence[Scenario], _seed: int
    ) -> list[HeldScenario]:
        """Let those fail whose names say so."""
        self.on_right += [each.name for each in scenarios]
        return [
            HeldScenario(
                each.name,
                Finding("too much") if f"fails-{server}" in each.name else None,
                Trace(),
            )
            for each in scenarios
        ]

    async def first_failing(
        self, server: str, scenarios: Sequence[Scenario], _seed: int
    ) -> str | None:
        """Let the first fail whose name says so."""
        for each in scenarios:
            self.on_broken.append(each.name)
            if f"sees-{server}" in each.name:
                return each.name
        return None


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    """Return a lesson with two solutions and three mutants of two misconceptions."""
    grader = tmp_path / "graders" / "miniature"
    grader.mkdir(parents=True)
    (grader / "lesson.yaml").write_text("format_version: 1\ntitle: Miniature\n")
    (grader / "rubric.yaml").write_text(RUBRIC)
    (grader / "misconceptions.yaml").write_text(MISCONCEPTIONS)
    solutions = tmp_path / "reference_solutions" / "miniature"
    for name in ("solution", "solution_two"):
        (solutions / name).mkdir(parents=True)
        (solutions / name / "server.py").write_text(f"# {name}\n")
    for name, told in (("a", "first"), ("b", "first"), ("c", "second"), ("d", "")):
        folder = solutions / "mutants" / name
        (folder / "files").mkdir(parents=True)
        (folder / "files" / "server.py").write_text(f"# {name}\n")
        line = f"misconception: {told}\n" if told else ""
        (folder / "mutant.yaml").write_text(f"format_version: 1\nwhy: x\nloses: [one]\n{line}")
    return Catalogue(tmp_path).lesson("miniature")


@pytest.fixture(autouse=True)
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    """Stand in for the player."""
    stand_in = Played()
    monkeypatch.setattr(worth, "held_on_right", stand_in.held_on)
    monkeypatch.setattr(worth, "first_failing", stand_in.first_failing)
    # The order of the servers, which is another one in each process.
    monkeypatch.setattr(os, "getpid", lambda: 0)
    return stand_in


def served(folder: Path) -> str:
    """Return the name of a server in place of what starts it."""
    return folder.name


def spec_of(*names: str) -> Specification:
    # Each does something else, so none repeats another.
    turns = {
        name: ", ".join([f"{{say: About {name}, expect: {{text: x}}}}"] * number)
        for number, name in enumerate(names, 1)
    }
    return specification("".join(scenario(name, turn) for name, turn in turns.items()))


def specification_of(*scenarios: Scenario) -> Specification:
    """Return a specification with these scenarios, in their order."""
    return spec_of("x").model_copy(update={"scenarios": scenarios})


async def worth_on(
    lesson: Lesson, spec: Specification, kept: KeptTexts | None = None
) -> worth.Worth:
    opponents = load_opponents(lesson)
    return await worth_of(spec, opponents, served, 1, kept=kept or KeptTexts())  # type: ignore[arg-type]


async def test_misconception_is_caught_when_all_of_its_servers_are(
    lesson: Lesson,
) -> None:
    found = await worth_on(lesson, spec_of("sees-a", "sees-c"))
    assert found.noticed == {"a", "c"}
    assert found.caught == {"second"}
    assert [each.id for each in found.missed("tasks")] == ["first"]
    assert found.missed("session") == []
    both = await worth_on(lesson, spec_of("sees-a", "sees-b", "sees-c"))
    assert both.caught == {"first", "second"}


async def test_scenario_that_fails_on_a_right_server_does_not_count(
    lesson: Lesson, played: Played
) -> None:
    found = await worth_on(lesson, spec_of("sees-c-fails-solution"))
    (overdemand,) = found.overdemands
    assert (overdemand.scenario, overdemand.server) == ("sees-c-fails-solution", "solution")
    assert overdemand.seen == "Too much."
    assert found.caught == frozenset()
    assert "sees-c-fails-solution" not in played.on_broken


async def test_same_specification_is_not_played_again(lesson: Lesson, played: Played) -> None:
    kept = KeptTexts()
    await worth_on(lesson, spec_of("sees-a", "x"), kept)
    before = (len(played.on_right), len(played.on_broken))
    again = await worth_on(lesson, spec_of("sees-a", "x"), kept)
    assert (len(played.on_right), len(played.on_broken)) == before
    assert again.noticed == {"a"}


async def test_only_what_nobody_has_played_is_played(lesson: Lesson, played: Played) -> None:
    kept = KeptTexts()
    scenarios = spec_of("sees-a", "x", "sees-c").scenarios[1:]
    first = specification_of(*scenarios[:2])
    await worth_on(lesson, first, kept)
    assert played.on_broken == ["sees-a", *["sees-a", "x"] * 2]
    played.on_right.clear()
    played.on_broken.clear()
    later = await worth_on(lesson, specification_of(*reversed(scenarios)), kept)
    # `a` is known to fail an old one, and the old ones are known to notice neither of the others.
    assert played.on_broken == ["sees-c"] * 2
    assert played.on_right == ["sees-c"] * 2
    assert later.noticed == {"a", "c"}
    played.on_broken.clear()
    assert (await worth_on(lesson, first, kept)).noticed == {"a"}
    assert not played.on_broken


async def test_misconception_is_done_when_one_of_its_servers_was_not_noticed(
    lesson: Lesson, played: Played
) -> None:
    found = await worth_on(lesson, spec_of("sees-b"))
    assert played.on_broken == ["sees-b"] * 2
    assert found.noticed == frozenset()
    assert found.caught == frozenset()


async def test_prose_plays_no_part(lesson: Lesson, played: Played) -> None:
    kept = KeptTexts()
    await worth_on(lesson, spec_of("sees-a"), kept)
    played.on_broken.clear()
    prose = "given: A user., when: They write., then: They read."
    turn = f"{{{prose}, say: About sees-a, expect: {{text: x}}}}"
    await worth_on(lesson, specification(scenario("other-name", turn)), kept)
    assert not played.on_broken
    changed = turn.replace("text: x", "text: y")
    await worth_on(lesson, specification(scenario("other-name", changed)), kept)
    assert set(played.on_broken) == {"other-name"}


async def test_scenario_that_asks_too_much_is_known_to_do_so(
    lesson: Lesson, played: Played
) -> None:
    kept = KeptTexts()
    first = await worth_on(lesson, spec_of("fails-solution"), kept)
    played.on_right.clear()
    again = await worth_on(lesson, spec_of("fails-solution"), kept)
    assert again.overdemands == first.overdemands
    assert [each.server for each in again.overdemands] == ["solution"]
    assert not played.on_right


async def test_scenario_that_uses_what_shows_a_misconception_is_tried_first(
    lesson: Lesson, played: Played
) -> None:
    hello = "{say: Hi, expect: {text: x}}"
    scenarios = scenario("plain", hello) + scenario("restarts", f"{hello}, {{restart: true}}")
    await worth_on(lesson, specification(scenarios))
    assert played.on_broken[0] == "restarts"
    assert set(played.on_broken) == {"plain", "restarts"}


async def test_server_has_its_own_words_for_what_is_tried_first(
    lesson: Lesson, played: Played
) -> None:
    for name in "abc":
        file = lesson.solutions_dir / "mutants" / name / "mutant.yaml"
        file.write_text(file.read_text() + "shows_in: [show_task, users]\n", encoding="utf-8")
    call = "{say: Hi, model: [{call_tool: {name: show_task}}], expect: {text: x}}"
    plain = scenario("plain", "{say: Hi, expect: {text: x}}", "[alice]")
    calls = scenario("calls", call, "[alice]")
    both = scenario("both", f"{call}, {{say: Ho}}")
    await worth_on(lesson, specification(plain + calls + both))
    # `b` shows the same misconception as `a`, which nothing has noticed.
    assert played.on_broken == ["both", "calls", "plain"] * 2


async def test_empty_and_repeated_scenarios_notice_nothing(lesson: Lesson, played: Played) -> None:
    empty = scenario("sees-c", "{say: Hi}")
    one = scenario("x", "{say: Hi, expect: {text: a}}")
    again = scenario("sees-a", "{say: Ho, expect: {text: b}}")
    found = await worth_on(lesson, specification(empty + one + again))
    assert found.noticed == frozenset()
    assert set(played.on_broken) == {"x"}


async def test_progress_counts_servers(lesson: Lesson) -> None:
    told: list[tuple[int, int]] = []
    await worth_of(
        spec_of("x"),
        load_opponents(lesson),
        served,  # type: ignore[arg-type]
        1,
        kept=KeptTexts(),
        tell=lambda done, all_of_them: told.append((done, all_of_them)),
    )
    assert told == [(number, 5) for number in range(1, 6)]


def test_only_mutants_with_a_misconception_are_opponents(lesson: Lesson) -> None:
    opponents = load_opponents(lesson)
    assert isinstance(opponents, Opponents)
    assert [each.name for each in opponents.broken] == ["a", "b", "c"]
    assert [each.name for each in opponents.right] == ["solution", "solution_two"]


def test_misconception_that_no_mutant_shows_does_not_count(lesson: Lesson) -> None:
    file = lesson.grader_dir / "misconceptions.yaml"
    more = "  - {id: other, area: tasks, told: A server that dreams}\n"
    file.write_text(MISCONCEPTIONS + more, encoding="utf-8")
    assert [each.id for each in load_opponents(lesson).misconceptions] == ["first", "second"]


def test_misconception_of_a_mutant_must_be_there(lesson: Lesson) -> None:
    file = lesson.grader_dir / "misconceptions.yaml"
    file.write_text(MISCONCEPTIONS.replace("id: first", "id: third"), encoding="utf-8")
    with pytest.raises(ContentError, match="no misconception `first`"):
        load_opponents(lesson)
