"""``grade.py lesson check``: the matrix of each lesson, and whether it is as it must be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from graders.engine.authoring import matrix_page
from graders.engine.authoring.check import Check, check_lesson
from graders.engine.authoring.matrix import Row
from graders.engine.cli.desk import Desk, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.canaries import new_seed
from graders.engine.content.catalogue import Lesson
from graders.engine.core.results import Result
from graders.engine.grading.events import CaseFinished, GradingEvent
from graders.engine.grading.folder import OpenStarter, grade_folder
from graders.engine.reports.look import look_for


def run_check(desk: Desk, names: Sequence[str], seed: int | None, *, verbose: bool) -> ExitCode:
    """Check the named lessons, or all; say by the exit code whether the content is right."""
    catalogue, page = desk.catalogue, desk.page()
    lessons = [catalogue.lesson(name) for name in names] or catalogue.lessons()
    seed = new_seed() if seed is None else seed
    checks = []
    for lesson in lessons:
        checks.append(_checked(desk, lesson, seed, verbose=verbose))
        print_page(page, matrix_page.render(checks[-1], look_for(page)))
    page.print(Text(f"Again with the same words: --seed {seed}", style="dim"))
    return ExitCode.CONTENT if any(check.flaws for check in checks) else ExitCode.FULL_MARKS


def _checked(desk: Desk, lesson: Lesson, seed: int, *, verbose: bool) -> Check:
    margin = desk.margin()
    with desk.servers() as open_starter:
        grade = partial(_grade, lesson, open_starter, seed, margin if verbose else None)
        return check_lesson(lesson, grade, partial(_tell, margin, []))


def _grade(
    lesson: Lesson, open_starter: OpenStarter, seed: int, logs: Console | None, folder: Path
) -> Result:
    def listen(event: GradingEvent) -> None:
        if logs is not None and isinstance(event, CaseFinished) and event.log:
            logs.print(Text(event.log), soft_wrap=True)

    return grade_folder(lesson, folder, open_starter, seed=seed, on_event=listen)


def _tell(margin: Console, told: list[str], row: Row, count: int) -> None:
    told.append(row.name)
    state = "wrong" if row.flaws else "ok"
    margin.print(Text(f"[{len(told)}/{count}] {row.name}: {row.result.score} points, {state}"))
