"""Scenarios that demand too much are told one by one, so that a class's can be compared."""

from __future__ import annotations

from graders.engine.specification import Overdemand
from graders.lesson08.specification import demanding_too_much


def test_each_scenario_that_fails_on_a_right_server_is_a_part_of_the_finding() -> None:
    seen = [(f"scenario-{number}", f"Turn {number}: status 200, not 404.") for number in range(5)]
    overdemands = [Overdemand(name, "solution", told) for name, told in seen]
    finding = demanding_too_much(overdemands, 9)
    assert finding.seen.startswith(
        "5 of 9 scenarios fail on a right server. `scenario-0`, on the first server: Turn 0"
    )
    # The sentence for the student tells of three, and names the others.
    assert "Turn 3" not in finding.seen
    assert finding.seen.endswith(" These fail, too: `scenario-3`, `scenario-4`.")
    assert finding.share == (4, 9)
    assert finding.parts == tuple(seen)


def test_one_scenario_that_fails_is_told_alone() -> None:
    overdemand = Overdemand("one", "solution_by_hand", "Turn 1: status 200.")
    finding = demanding_too_much([overdemand], 3)
    assert finding.seen == (
        "1 of 3 scenarios fails on a right server. `one`, on the server `by hand`: Turn 1: status "
        "200."
    )
