"""Live progress: a moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from graders.engine.cli.context import print_page
from graders.engine.cli.progress import STARTING, Progress, watched
from graders.engine.core.results import CaseResult, Status
from graders.engine.grading.events import (
    CaseFinished,
    CheckWentOn,
    CriterionFinished,
    CriterionStarted,
    RunStarted,
)
from tests.reports.samples import row

STARTED = RunStarted("lesson02", (("a", "The first fact"), ("b", "The second fact")))


def console(*, terminal: bool, width: int = 60) -> tuple[Console, io.StringIO]:
    """Return a console without colours and what it writes to."""
    file = io.StringIO()
    return Console(file=file, force_terminal=terminal, color_system=None, width=width), file


def play(progress: Progress) -> None:
    """Tell of a run of two criteria."""
    progress(STARTED)
    progress(CriterionStarted("a", "The first fact"))
    progress(CaseFinished("a", CaseResult(name="x", status=Status.PASSED)))
    progress(CriterionFinished(row("a", "The first fact")))
    progress(CriterionStarted("b", "The second fact"))
    progress(CheckWentOn(3, 65))
    progress(CaseFinished("b", CaseResult(name="x", status=Status.ERROR), log="Our traceback"))
    progress(CriterionFinished(row("b", "The second fact", Status.ERROR)))


def test_plain_progress_has_a_line_for_each_criterion() -> None:
    plain, file = console(terminal=False)
    with watched(plain) as progress:
        play(progress)
    assert file.getvalue().splitlines() == [
        STARTING,
        " ✓ The first fact",
        " ! The second fact",
    ]


def test_terminal_shows_where_the_run_is() -> None:
    terminal, file = console(terminal=True)
    with watched(terminal) as progress:
        play(progress)
    written = file.getvalue()
    assert STARTING in written
    assert "[1/2] The first fact" in written
    assert "[2/2] The second fact" in written
    assert "[2/2] The second fact (3 of 65)" in written


def test_moving_line_is_gone_afterwards() -> None:
    terminal, file = console(terminal=True)
    with watched(terminal) as progress:
        play(progress)
    assert file.getvalue().rpartition("The second fact")[2].count("\x1b[2K") >= 1


def test_moving_line_never_wraps() -> None:
    terminal, file = console(terminal=True, width=20)
    with watched(terminal) as progress:
        progress(STARTED)
        progress(CriterionStarted("a", "A very long title that does not fit"))
    assert "A very long" in file.getvalue()
    assert "does not fit" not in file.getvalue()


def test_logs_of_our_errors_are_kept_and_not_shown() -> None:
    plain, file = console(terminal=False)
    with watched(plain) as progress:
        play(progress)
    assert progress.logs == ["Our traceback"]
    assert "traceback" not in file.getvalue()


@pytest.mark.parametrize(("terminal", "shown"), [(False, "a\n"), (True, "a   \n")])
def test_page_in_a_pipe_has_no_blanks_at_its_line_ends(terminal: bool, shown: str) -> None:
    page, file = console(terminal=terminal)
    print_page(page, "a   ")
    assert file.getvalue() == shown
