"""What the figures of a class say, and when a criterion is doubted."""

from __future__ import annotations

import pytest

from graders.engine.bulk.records import (
    CriterionRecord,
    FindingRecord,
    ResultRecord,
    criteria_of,
    same_in_all,
)
from graders.engine.bulk.statistics import figures, point_biserial
from graders.engine.core.errors import Finding
from graders.engine.core.results import CaseResult, CriterionResult, Status, Visibility
from graders.engine.grading.verdict import judge
from tests.bulk.test_journal import record
from tests.grading.test_verdict import CRITERION
from tests.reports.samples import mixed

STATUSES = {"+": Status.PASSED, "x": Status.FAILED, "-": Status.BLOCKED}


def result(name: str, marks: str, seen: str = "Wrong.") -> ResultRecord:
    """Return a result whose criteria `c0`, `c1`, ... passed (+), failed (x) or were blocked (-)."""
    criteria = {
        f"c{at}": CriterionRecord(
            title=f"Criterion {at}",
            status=STATUSES[mark],
            score=10 if mark == "+" else 0,
            max_score=10,
            finding=FindingRecord(key=same_in_all(seen), seen=seen) if mark == "x" else None,
        )
        for at, mark in enumerate(marks)
    }
    points = 10 * marks.count("+")
    changes = {"criteria": criteria, "max_score": 10 * len(marks)}
    return record(name, points).model_copy(update=changes)


def test_distribution_has_everybody_once_and_full_marks_at_its_end() -> None:
    told = figures([result("a", "++"), result("b", "+x"), result("c", "xx")])
    assert (told.count, told.most, told.mean, told.median) == (3, 20, 10, 10)
    filled = {(bar.low, bar.high): bar.students for bar in told.bars if bar.students}
    assert filled == {(0, 4): ("c",), (50, 54): ("b",), (95, 100): ("a",)}


def test_errors_of_ours_are_in_no_figure() -> None:
    told = figures([result("a", "+x"), record("b", 0, "broke")])
    assert told.count == 1
    assert figures([]).count == 0
    assert figures([record("b", 0, "broke")]).criteria == ()


def test_points_of_what_is_optional_are_those_of_who_handed_it_in() -> None:
    without = result("a", "+")
    row = without.criteria["c0"].model_copy(
        update={"status": Status.NOT_RUN, "score": 0, "max_score": 0}
    )
    without = without.model_copy(update={"criteria": {"c0": row}})
    (told,) = figures([without, result("b", "x"), result("c", "+")]).criteria
    assert (told.max_score, told.tried, told.failed) == (10, 2, ("b",))


def test_blocked_counts_neither_way() -> None:
    first, second = figures([result("a", "x-"), result("b", "+x"), result("c", "++")]).criteria
    assert (first.passed, first.failed, first.tried) == (2, ("a",), 3)
    assert (second.passed, second.tried, second.blocked) == (1, 2, ("a",))
    assert second.rate == 0.5
    nobody = figures([result("a", "x-")]).criteria[1]
    assert (nobody.rate, nobody.discrimination) == (0.0, None)


def test_discrimination_tells_strong_from_weak() -> None:
    (apart, *_) = figures(
        [result("a", "++++"), result("b", "+++x"), result("c", "x+xx"), result("d", "xxxx")]
    ).criteria
    assert apart.discrimination is not None
    assert apart.discrimination > 0.8
    # By hand: r of (1, 1, 0, 0) with (30, 20, 10, 0).
    assert point_biserial([True, True, False, False], [30, 20, 10, 0]) == pytest.approx(
        0.894, abs=1e-3
    )
    assert point_biserial([True, True], [1, 2]) is None
    assert point_biserial([True, False], [1, 1]) is None


def test_criterion_that_almost_everybody_fails_is_doubted() -> None:
    told = figures([result(f"s{at}", "x+") for at in range(10)]).criteria
    assert told[0].doubt == "10 of 10 failed it: is it announced, and is the check right?"
    assert told[1].doubt == ""
    few = figures([result(f"s{at}", "x+") for at in range(9)]).criteria
    assert few[0].doubt == ""


def test_criterion_that_good_students_fail_is_doubted() -> None:
    strong = [result(f"s{at}", "x++++") for at in range(5)]
    weak = [result(f"w{at}", "+xxxx") for at in range(15)]
    doubts = {each.id: each.doubt for each in figures([*strong, *weak]).criteria}
    assert doubts["c0"] == "5 of the 5 students with the most points failed it."
    assert doubts["c1"] == ""


def test_what_fails_together_stands_together() -> None:
    told = figures([result("a", "xx+"), result("b", "xx+"), result("c", "+xx"), result("d", "+++")])
    (pair,) = told.together
    assert (pair.first, pair.second, pair.both, pair.either) == ("c0", "c1", 2, 3)


def test_parts_of_findings_are_compared_by_themselves() -> None:
    """Scenarios that fail on right servers, by what they asked and not by who wrote them."""

    def overdemanding(name: str, *seen: str) -> ResultRecord:
        parts = tuple((f"scenario {at}", each) for at, each in enumerate(seen))
        verdict = judge(Finding(f"{len(seen)} of 9 fail.", parts=parts), CRITERION)
        case = CaseResult(name="", status=verdict.status, feedback=verdict.feedback)
        row = CriterionResult(
            id="c0",
            title="Fair",
            status=verdict.status,
            score=0,
            max_score=10,
            visibility=Visibility.VISIBLE,
            cases=(case,),
        )
        made = mixed().model_copy(update={"criteria": (row,)})
        changes = {"criteria": dict(criteria_of(made)), "max_score": 10}
        return record(name, 0).model_copy(update=changes)

    told = figures(
        [
            overdemanding(
                "a", "Step 2: status 404 was expected.", "Step 9: status 404 was expected."
            ),
            overdemanding("b", "Step 7: status 404 was expected.", "The title is `x`, not `y`."),
            overdemanding("c", "No answer came."),
        ]
    )
    (group,) = told.findings
    assert group.students == ("a", "b")
    assert group.seen == "`scenario 0`: Step 2: status 404 was expected."


def test_students_with_the_same_finding_stand_together() -> None:
    told = figures(
        [
            result("a", "x", "The answer to `hi` had 3 events."),
            result("b", "x", "The answer to `ho` had 17 events."),
            result("c", "x", "No answer came."),
        ]
    )
    (group,) = told.findings
    assert group.students == ("a", "b")
    assert group.seen == "The answer to `hi` had 3 events."
