"""Scenarios that demand too much are told one by one, so that a class's can be compared."""

from __future__ import annotations

from graders.engine.specification import Overdemand
from graders.lesson08.specification import demanding_too_much


def test_each_scenario_that_fails_on_a_right_server_is_a_part_of_the_finding() -> None:
    seen = [(f"scenario-{number}", f"Turn {number}: status 200, not 404.") for number in range(5)]
    overdemands = [Overdemand(name, "solution", told) for name, told in seen]
    finding = demanding_too_much(overdemands, 9)
    assert finding.seen.startswith("5 of 9 scenarios fail on a right server. `scenario-0`: Turn 0")
    # The sentence for the student tells of three.
    assert "scenario-3" not in finding.seen
    assert finding.share == (4, 9)
    assert finding.parts == tuple(seen)
