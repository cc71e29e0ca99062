"""What is said of a specification without a server."""

from __future__ import annotations

from pathlib import Path

from graders.engine.content.binding import bind
from graders.engine.content.specification import AREAS, Specification
from graders.engine.content.strict_yaml import parse
from graders.engine.specification import (
    empty_scenarios,
    idle_expectations,
    refusing_scenarios,
    repeated_scenarios,
    vague_words,
)


def specification(scenarios: str, text: str = "Something.") -> Specification:
    requirements = "".join(f"  - {{id: {area}, area: {area}, text: '{text}'}}\n" for area in AREAS)
    rest = (
        f"  - {{name: rest, covers: [{', '.join(AREAS)}], description: All.,"
        " turns: [{load: true}]}\n"
    )
    whole = f"format_version: 1\nrequirements:\n{requirements}scenarios:\n{rest}{scenarios}"
    return bind(parse(whole, Path("spec.yaml")), Specification, Path("spec.yaml"))


def scenario(name: str, turns: str, users: str = "[alice, bob]") -> str:
    return (
        f"  - name: {name}\n    covers: [tasks]\n    description: About {name}.\n"
        f"    users: {users}\n    turns: [{turns}]\n"
    )


HELLO = "{user: alice, say: 'I am {canary.one}.', expect: {text: Hi., model_saw: ['{canary.one}']}}"


def test_scenario_without_an_expectation_is_empty() -> None:
    spec = specification(scenario("a", HELLO) + scenario("b", "{say: Hi}, {wait: 1 hour}"))
    assert [each.name for each in empty_scenarios(spec)] == ["rest", "b"]


SAID = "{user: alice, say: 'I am {canary.one}.'}"
BOB = "{user: bob, say: Hi, expect: {EXPECTED}}"


def in_turn_of_bob(expected: str, before: str = SAID) -> str:
    turn = BOB.replace("EXPECTED", expected)
    return scenario("a", f"{before}, {turn}" if before else turn)


def test_what_nobody_can_show_is_idle() -> None:
    for expected, why in [
        ("model_did_not_see: ['{canary.oen}']", "nobody has said `{canary.oen}` by then"),
        ("nothing_of: [bob]", "`bob` has done nothing by then, or is who looks"),
    ]:
        spec = specification(in_turn_of_bob(expected))
        assert [(one.scenario, one.turn, one.why) for one in idle_expectations(spec)] == [
            ("a", "turn 2", why)
        ]
        assert [each.name for each in empty_scenarios(spec)] == ["rest", "a"]


def test_what_is_said_or_done_too_late_is_idle() -> None:
    shown = "{user: bob, load: true, expect: {widget: {hides: ['Buy {canary.one}']}}}"
    late = f"{{user: bob, list_threads: true, expect: {{nothing_of: [alice]}}}}, {shown}, {SAID}"
    spec = specification(scenario("a", late))
    assert [one.turn for one in idle_expectations(spec)] == ["turn 1", "turn 2"]
    # That a widget comes can fail.
    assert [each.name for each in empty_scenarios(spec)] == ["rest"]


def test_what_could_be_shown_is_not_idle() -> None:
    for expected in (
        "model_did_not_see: ['{canary.one}', plain]",
        "nothing_of: [alice]",
        "text: Hi",
        "any_outcome: true, nothing_of: [alice]",
    ):
        spec = specification(in_turn_of_bob(expected))
        assert idle_expectations(spec) == []
        assert [each.name for each in empty_scenarios(spec)] == ["rest"]


def test_users_at_the_same_time_can_be_shown_to_each_other() -> None:
    together = (
        "{together: [{user: alice, say: 'I am {canary.one}.', expect: {nothing_of: [bob]}},"
        " {user: bob, say: Hi, expect: {model_did_not_see: ['{canary.one}', '{canary.two}']}}]}"
    )
    idle = idle_expectations(specification(scenario("a", together)))
    assert [(one.turn, one.why) for one in idle] == [
        ("turn 1.2", "nobody has said `{canary.two}` by then")
    ]


def test_scenario_of_any_outcome_is_empty() -> None:
    spec = specification(in_turn_of_bob("any_outcome: true"))
    assert [each.name for each in empty_scenarios(spec)] == ["rest", "a"]


def test_scenario_that_wants_nothing_served_is_told() -> None:
    refused = "{token: none, say: Hi, expect: {status: 401}}, {wait: 1 hour}"
    spec = specification(
        scenario("all", f"{refused}, {{load: true, of: bob, expect: {{refused: true}}}}")
        + scenario("some", f"{refused}, {{say: Hi}}")
    )
    assert refusing_scenarios(spec) == ["all"]


def test_scenario_with_other_words_and_names_is_a_repetition() -> None:
    other = HELLO.replace("alice", "bob").replace("one", "two").replace("I am", "We are")
    spec = specification(scenario("a", HELLO) + scenario("b", other))
    assert [(each.name, each.other) for each in repeated_scenarios(spec)] == [("b", "a")]


def test_scenario_that_expects_something_else_is_no_repetition() -> None:
    others = [
        HELLO.replace("model_saw", "model_did_not_see"),
        HELLO.replace("canary.one}.'", "canary.other}.'"),
        f"{HELLO}, {{restart: true}}",
        HELLO.replace("user: alice", "user: alice, token: expired"),
    ]
    scenarios = [scenario(f"s{number}", each) for number, each in enumerate([HELLO, *others])]
    assert repeated_scenarios(specification("".join(scenarios))) == []


def test_prose_makes_no_difference() -> None:
    told = HELLO.replace("{user", "{given: Something else, user")
    spec = specification(scenario("a", HELLO) + scenario("b", told))
    assert len(repeated_scenarios(spec)) == 1


def test_word_that_cannot_be_tested_is_told_once_with_a_question() -> None:
    spec = specification("", text="A fast and fast, user-friendly server.")
    found = [(each.requirement, each.word) for each in vague_words(spec)]
    assert found[:2] == [("conversation", "fast"), ("conversation", "user-friendly")]
    assert len(found) == 2 * len(AREAS)
    assert all(each.question.endswith("?") for each in vague_words(spec))


def test_part_of_a_word_is_not_told() -> None:
    assert vague_words(specification("", text="Breakfast is insecurely booked.")) == []
