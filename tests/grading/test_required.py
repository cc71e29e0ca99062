"""The level of isolation that a run needs, and that it refuses to go on without."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from graders.engine.core.errors import IsolationError
from graders.engine.core.results import Isolation, IsolationLevel
from graders.engine.grading.required import counts, demand, required_level

FULL, STRONG, PRACTICE = IsolationLevel


@pytest.mark.parametrize(
    ("asked", "environment", "of_many", "level"),
    [
        (None, {}, False, PRACTICE),
        (None, {"CI": "true"}, False, STRONG),
        (None, {"CI": "1"}, False, STRONG),
        (None, {"GITHUB_ACTIONS": "true"}, False, STRONG),
        (None, {"CI": ""}, False, PRACTICE),
        (None, {"CI": "false"}, False, PRACTICE),
        (None, {}, True, STRONG),
        (PRACTICE, {"CI": "true"}, True, PRACTICE),
        (FULL, {}, False, FULL),
    ],
)
def test_level_is_what_was_asked_for_else_strong_where_scores_count(
    asked: IsolationLevel | None,
    environment: Mapping[str, str],
    *,
    of_many: bool,
    level: IsolationLevel,
) -> None:
    assert required_level(asked, environment, of_many=of_many) is level


def test_levels_have_an_order() -> None:
    levels = [PRACTICE, STRONG, FULL]
    reached = [[wanted for wanted in levels if level.reaches(wanted)] for level in levels]
    assert reached == [[PRACTICE], [PRACTICE, STRONG], [PRACTICE, STRONG, FULL]]


def test_only_a_run_that_needs_isolation_counts() -> None:
    assert [counts(level) for level in (PRACTICE, STRONG, FULL)] == [False, True, True]


@pytest.mark.parametrize("level", IsolationLevel)
def test_enough_is_enough(level: IsolationLevel) -> None:
    demand(level, Isolation(level=level))
    demand(PRACTICE, Isolation(level=level))


def test_less_is_refused_with_what_is_missing_and_the_cure() -> None:
    isolation = Isolation(level=PRACTICE, missing=("It needs Landlock.", "It needs seccomp."))
    with pytest.raises(IsolationError) as refused:
        demand(STRONG, isolation)
    assert refused.value.message == (
        "Nothing was graded: `strong` isolation is required, and this machine offers `practice` "
        "only. It needs Landlock. It needs seccomp."
    )
    assert "docs/security.md" in refused.value.cure
    assert "`--require practice`" in refused.value.cure
