"""What must hold of each row of the matrix."""

from __future__ import annotations

import pytest

from graders.engine.authoring.matrix import Row, RowKind, without_mutant
from graders.engine.core.results import Problem, Result, Status
from tests.reports.samples import FEEDBACK, case, result, row

PASSED, FAILED, BLOCKED = Status.PASSED, Status.FAILED, Status.BLOCKED
ERROR, NOT_RUN = Status.ERROR, Status.NOT_RUN


def graded(*statuses: Status) -> Result:
    """Return a result whose criteria `a`, `b`, ... have these statuses."""
    failed = case("x", FAILED, FEEDBACK)
    return result(
        *(
            row(name, name.upper(), status, cases=(failed,) if status is FAILED else ())
            for name, status in zip("abcd", statuses, strict=False)
        )
    )


def mutant(*loses: str, found: Result) -> Row:
    """Return the row of a mutant."""
    return Row(RowKind.MUTANT, "m", found, frozenset(loses))


def test_lost_are_failed_criteria_but_not_blocked_ones() -> None:
    assert mutant(found=graded(PASSED, FAILED, BLOCKED)).lost == {"b"}


def test_partial_points_are_lost_points() -> None:
    partly = result(row("a", "A", FAILED, 10, score=9), row("b", "B"))
    assert mutant(found=partly).lost == {"a"}


@pytest.mark.parametrize(
    ("loses", "statuses", "message"),
    [
        ("b", (PASSED, FAILED), None),
        ("b", (PASSED, FAILED, BLOCKED), None),
        ("ab", (FAILED, FAILED), None),
        ("a", (PASSED, PASSED), "was to lose `a` and did not"),
        ("ab", (FAILED, PASSED), "was to lose `b`"),
        ("b", (FAILED, BLOCKED), "was to lose `b`"),
        ("a", (FAILED, FAILED), "lost `b`, undeclared. Seen: The item was done"),
        ("a", (FAILED, ERROR), "the grader broke on `b`"),
    ],
)
def test_mutant_must_lose_exactly_what_it_declares(
    loses: str, statuses: tuple[Status, ...], message: str | None
) -> None:
    flaws = " ".join(mutant(*loses, found=graded(*statuses)).flaws)
    assert message is None or message in flaws
    assert bool(flaws) == (message is not None)


@pytest.mark.parametrize(
    ("statuses", "message"),
    [
        ((PASSED, PASSED), None),
        ((PASSED, FAILED), "must not lose `b`"),
        ((ERROR,), "broke on `a`"),
        ((PASSED, NOT_RUN), "must have full marks. Not run: `b`: "),
    ],
)
def test_solution_must_have_full_marks(statuses: tuple[Status, ...], message: str | None) -> None:
    flaws = " ".join(Row(RowKind.SOLUTION, "s", graded(*statuses)).flaws)
    assert message is None or message in flaws
    assert bool(flaws) == (message is not None)


def test_what_only_a_browser_sees_and_what_was_not_asked_for_may_be_missing() -> None:
    unseen = graded(PASSED, NOT_RUN)
    assert not Row(RowKind.SOLUTION, "s", unseen, needs_browser=True).flaws
    assert not Row(RowKind.SOLUTION, "s", unseen, left_out=frozenset("b")).flaws


@pytest.mark.parametrize("kind", [RowKind.SOLUTION, RowKind.MUTANT])
def test_what_must_be_gradable_must_start(kind: RowKind) -> None:
    problem = Problem(kind="syntax-error", title="It is not Python.")
    found = result(row("a", "A", Status.NOT_RUN), problem=problem)
    assert Row(kind, "s", found, frozenset("a")).flaws == (
        "s: could not be graded: It is not Python.",
    )


def test_stub_must_not_have_full_marks() -> None:
    assert Row(RowKind.STUB, "stub", graded(PASSED)).flaws
    assert not Row(RowKind.STUB, "stub", graded(FAILED, BLOCKED)).flaws


def test_criterion_without_mutant_is_named() -> None:
    rows = [mutant("a", found=graded(FAILED)), mutant("a", "c", found=graded(FAILED))]
    assert without_mutant("abc", rows) == ["`b`: no mutant loses it."]
