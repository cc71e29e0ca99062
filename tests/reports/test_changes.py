"""What has changed between two results, in sentences."""

from __future__ import annotations

from graders.engine.core.results import Status
from graders.engine.reports.changes import between, told
from tests.reports.samples import result, row

FAILED, BLOCKED, NOT_RUN = Status.FAILED, Status.BLOCKED, Status.NOT_RUN


def test_each_kind_of_change_is_told_in_the_rubrics_order() -> None:
    before = result(
        row("a", "A", FAILED),
        row("b", "B"),
        row("c", "C", FAILED, score=2),
        row("d", "D", BLOCKED),
        row("e", "E"),
        row("f", "F", FAILED),
        row("g", "G"),
    )
    after = result(
        row("a", "A"),
        row("b", "B", FAILED),
        row("c", "C", FAILED, score=5),
        row("d", "D", FAILED),
        row("e", "E"),
        row("f", "F", NOT_RUN),
        row("h", "H"),
    )
    assert list(told(between(before, after))) == [
        "Now right: A (+10 points)",
        "No longer right: B (-10 points)",
        "Changed: C (+3 points)",
    ]
