"""Blocked criteria, traced back to what really failed."""

from __future__ import annotations

from graders.engine.core.results import CriterionResult, Result, Status
from graders.engine.reports.causes import failed, held_up_by, numbers, waits_for
from tests.reports.samples import FEEDBACK, case, result, row

FAILED, BLOCKED = Status.FAILED, Status.BLOCKED


def chain() -> Result:
    """Return: `a` failed, `b` needs `a`, `c` needs `b` and `e`, `d` passed, `e` failed."""
    return result(
        row("a", "A", FAILED),
        row("b", "B", BLOCKED, blocked_by=("a",)),
        row("c", "C", BLOCKED, blocked_by=("b", "e")),
        row("d", "D"),
        row("e", "E", FAILED),
    )


def test_failed_criteria_are_numbered_in_order() -> None:
    assert [each.id for each in failed(chain())] == ["a", "e"]
    assert numbers(chain()) == {"a": 1, "e": 2}


def test_what_costs_most_is_explained_first() -> None:
    found = result(
        row("a", "A", FAILED, 10, score=8),
        row("b", "B", FAILED, 5),
        row("c", "C", FAILED, 1),
        row("d", "D", BLOCKED, 30, blocked_by=("c",)),
        row("e", "E", FAILED, 5),
        row("f", "F", BLOCKED, 90, blocked_by=("a", "b")),
    )
    assert [each.id for each in failed(found)] == ["c", "b", "e", "a"]


def test_what_stops_the_server_is_first_and_what_is_not_there_yet_last() -> None:
    def failing(name: str, points: int, cause: str) -> CriterionResult:
        told = FEEDBACK.model_copy(update={"cause": cause})
        return row(name, name, FAILED, points, cases=(case("x"), case("y", FAILED, told)))

    found = result(
        failing("a", 50, "not-there-yet"),
        failing("b", 20, "raised"),
        failing("c", 2, "blocked-loop"),
        failing("d", 30, ""),
    )
    assert [each.id for each in failed(found)] == ["c", "d", "b", "a"]


def test_blocked_criterion_waits_for_what_failed_at_the_beginning() -> None:
    found = chain()
    assert waits_for(found.criteria[1], found) == ("a",)
    assert set(waits_for(found.criteria[2], found)) == {"a", "e"}


def test_circle_of_blocked_criteria_ends() -> None:
    found = result(
        row("a", "A", BLOCKED, blocked_by=("b",)), row("b", "B", BLOCKED, blocked_by=("a",))
    )
    assert waits_for(found.criteria[0], found) == ()


def test_failed_criterion_holds_up_all_that_waits_for_it() -> None:
    assert [each.id for each in held_up_by("a", chain())] == ["b", "c"]
    assert [each.id for each in held_up_by("e", chain())] == ["c"]
    assert held_up_by("d", chain()) == []
