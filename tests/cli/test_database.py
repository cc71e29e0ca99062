"""``--database``: what a lesson's servers store in."""

from __future__ import annotations

from graders.engine.cli.exit_codes import ExitCode
from tests.cli.course import SOLUTION, run


def test_lesson_that_knows_no_other_database_says_so() -> None:
    found = run("greeting", SOLUTION, "--database", "postgresql")
    assert found.code == ExitCode.USAGE
    assert "greeting cannot be graded with postgresql" in found.err
    assert "Leave `--database postgresql` out" in found.err


def test_database_that_nobody_knows_is_a_usage_error() -> None:
    found = run("greeting", SOLUTION, "--database", "oracle")
    assert found.code == ExitCode.USAGE
    assert "oracle" in found.err


def test_the_usual_database_may_be_named() -> None:
    assert run("greeting", SOLUTION, "--database", "sqlite").code == ExitCode.FULL_MARKS
