"""The specification: that it can be read, says something, is fair, and notices broken servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from graders.engine.content.canaries import Canaries
from graders.engine.content.specification import Area
from graders.engine.harness import Finding, Trace, criterion
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.specification import (
    HeldScenario,
    Worth,
    empty_scenarios,
    held_on,
    idle_expectations,
    refusing_scenarios,
    repeated_scenarios,
    telling,
    vague_words,
)
from graders.lesson08.specification import (
    demanding_too_much,
    listed,
    not_counting,
    specification_in,
    told_of,
)

_MOST_PLACES = 6


@criterion("specification-readable")
def test_specification_can_be_read(
    submission: Path, measured: Callable[[str, float, str, str], None]
) -> None:
    spec = specification_in(submission)
    vague = vague_words(spec)
    if vague:
        told = "; ".join(f"{each.word} ({each.requirement}): {each.question}" for each in vague[:5])
        measured("words in requirements that no test can decide", len(vague), "", f"none. {told}")


@criterion("specification-says-something")
def test_each_scenario_says_something_of_its_own(
    submission: Path, measured: Callable[[str, float, str, str], None]
) -> None:
    spec = specification_in(submission)
    empty, repeated = empty_scenarios(spec), repeated_scenarios(spec)
    idle, refusing = idle_expectations(spec), refusing_scenarios(spec)
    if idle:
        places = "; ".join(f"{one.scenario}, {one.turn}: {one.why}" for one in idle[:_MOST_PLACES])
        measured("expectations that no server can fail", len(idle), "", f"none. {places}")
    if refusing:
        names = f"none. Add a request that must be served to {listed(refusing)}"
        measured(
            "scenarios that hold on a server that refuses everything", len(refusing), "", names
        )
    wrong = {each.name for each in empty} | {each.name for each in repeated}
    why = {one.scenario: f" ({one.turn}: {one.why})" for one in reversed(idle)}
    told = [
        f"`{one.name}` expects nothing that a server could fail{why.get(one.name, '')}"
        for one in empty
    ]
    told += [f"`{each.name}` does and expects the same as `{each.other}`" for each in repeated]
    if told:
        raise Finding(
            f"{listed(told)}.",
            hint="empty" if empty else None,
            share=(len(spec.scenarios) - len(wrong), len(spec.scenarios)),
        )


@criterion("specification-fair")
async def test_each_scenario_holds_on_right_servers(submission: Path, worth: Worth) -> None:
    count = len(specification_in(submission).scenarios)
    if worth.overdemands:
        raise demanding_too_much(worth.overdemands, count)


@criterion("specification-conversation")
async def test_broken_conversations_are_noticed(submission: Path, worth: Worth) -> None:
    _expect_caught(submission, worth, "conversation")


@criterion("specification-authentication")
async def test_broken_authentication_is_noticed(submission: Path, worth: Worth) -> None:
    _expect_caught(submission, worth, "authentication")


@criterion("specification-session")
async def test_broken_sessions_are_noticed(submission: Path, worth: Worth) -> None:
    _expect_caught(submission, worth, "session")


@criterion("specification-tasks")
async def test_broken_tasks_are_noticed(submission: Path, worth: Worth) -> None:
    _expect_caught(submission, worth, "tasks")


def _expect_caught(submission: Path, worth: Worth, area: Area) -> None:
    told, missed = worth.of_area(area), worth.missed(area)
    caught = len(told) - len(missed)
    was = "was" if caught == 1 else "were"
    if missed:
        raise Finding(
            f"{caught} of {len(told)} misunderstandings {was} noticed. "
            f"Not noticed: {told_of(worth, missed)}"
            f"{not_counting(worth, specification_in(submission))}",
            share=(caught, len(told)),
        )


@criterion("own-scenarios")
async def test_own_server_does_what_its_specification_says(
    submission: Path, worth: Worth, servers: ServerFactory, canary: Canaries, trace: Trace
) -> None:
    unfair = {each.scenario for each in worth.overdemands}
    spec = specification_in(submission)
    counting = [each for each in telling(spec) if each.name not in unfair]
    if not counting:
        raise Finding("No scenario of yours counts, so there is nothing to play.", hint="none")
    if {each.name for each in counting} <= {*refusing_scenarios(spec)}:
        raise Finding(
            "Each scenario of yours that counts holds on a server that refuses every request, so "
            "none shows what your server does.",
            hint="refusing",
        )
    held = await held_on(servers, counting, canary.seed)
    failed = [each for each in held if not each.holds]
    if failed:
        raise _of_own_server(failed, len(counting), trace)


def _of_own_server(failed: Sequence[HeldScenario], count: int, trace: Trace) -> Finding:
    """Return the finding for scenarios that fail on the student's own server only."""
    first = failed[0]
    trace.adopt(first.trace)
    assert first.finding is not None, "it failed"
    others = [f"`{each.scenario}`" for each in failed[1:]]
    more = f" These fail, too: {listed(others)}." if others else ""
    return Finding(
        f"{count - len(failed)} of {count} scenarios hold on your server, and all of them on right "
        f"ones. `{first.scenario}`: {first.finding.sentence}{more}",
        mark=first.finding.mark,
        share=(count - len(failed), count),
    )
