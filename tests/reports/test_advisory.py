"""What a score is worth, in the words that every format uses."""

from __future__ import annotations

import pytest

from graders.engine.core.results import NOT_STARTED, Isolation, IsolationLevel
from graders.engine.reports.advisory import (
    COUNTS,
    FORGEABLE,
    PRACTICE,
    advisory_line,
    isolation_line,
)
from tests.reports.samples import result, row

STRONG = Isolation(level=IsolationLevel.STRONG, layers=("fork server",), missing=("No network.",))
WEAK = Isolation(level=IsolationLevel.PRACTICE, missing=("No Landlock.", "No seccomp."))
FULL = Isolation(level=IsolationLevel.FULL)


@pytest.mark.parametrize(
    ("isolation", "advisory", "told"),
    [
        (WEAK, True, PRACTICE),
        (STRONG, True, PRACTICE),
        (FULL, True, PRACTICE),
        (WEAK, False, FORGEABLE),
        (STRONG, False, COUNTS),
        (FULL, False, COUNTS),
        (NOT_STARTED, False, COUNTS),
    ],
)
def test_standing_follows_from_what_was_asked_and_what_there_was(
    isolation: Isolation, *, advisory: bool, told: str
) -> None:
    made = result(row("a", "A fact"), advisory=advisory)
    assert advisory_line(made.model_copy(update={"isolation": isolation})) == told


@pytest.mark.parametrize(
    ("isolation", "line"),
    [
        (WEAK, "Isolation: practice. Missing: No Landlock. No seccomp."),
        (STRONG, "Isolation: strong. Missing: No network."),
        (FULL, "Isolation: full."),
        (NOT_STARTED, "Isolation: none was needed, because no server was started."),
    ],
)
def test_isolation_is_told_in_one_line_with_what_is_missing(
    isolation: Isolation, line: str
) -> None:
    made = result(row("a", "A fact")).model_copy(update={"isolation": isolation})
    assert isolation_line(made) == line
