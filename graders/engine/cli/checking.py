"""``grade.py lesson check``: the matrix of each lesson, and whether it is as it must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from graders.engine.authoring import matrix_page
from graders.engine.authoring.check import Choice, check_lesson
from graders.engine.authoring.matrix import Row
from graders.engine.authoring.rows import Order, open_graders
from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.canaries import new_seed
from graders.engine.reports.glyphs import glyphs_for


@dataclass(frozen=True)
class CheckOrder:
    """What is to be checked, and how; ``seed`` is None for a new one."""

    names: Sequence[str]
    seed: int | None
    jobs: int
    verbose: bool
    choice: Choice


def run_check(context: CommandContext, order: CheckOrder) -> ExitCode:
    """Check the named lessons, or all but drafts; the exit code says whether they are right."""
    catalogue, page = context.lessons_as_written, context.stdout()
    lessons = [catalogue.lesson(name) for name in order.names] or catalogue.lessons()
    if not order.names:
        drafts = [lesson for lesson in lessons if lesson.info.draft]
        lessons = [lesson for lesson in lessons if not lesson.info.draft]
        for lesson in drafts:
            left_out = f"{lesson.id} is a draft and is left out: name it to check it."
            context.stderr().print(Text(left_out))
    seed = new_seed() if order.seed is None else order.seed
    checks = []
    with open_graders(context.servers, order.jobs) as grade_all:
        for lesson in lessons:
            rows = grade_all(Order(catalogue.root, lesson.id, seed, order.choice))
            progress = RowProgress(context.stderr(), verbose=order.verbose)
            checks.append(check_lesson(lesson, rows, progress.tell, order.choice))
            print_page(page, matrix_page.render(checks[-1], glyphs_for(page)))
    print_page(page, matrix_page.render_slowest(checks))
    if len(checks) > 1:
        print_page(page, matrix_page.render_end(checks))
    page.print(Text(f"Repeat with the same test data: --seed {seed}", style="dim"))
    return ExitCode.CONTENT if any(check.flaws for check in checks) else ExitCode.FULL_MARKS


@dataclass
class RowProgress:
    """Tells of each row as it is finished."""

    stderr: Console
    verbose: bool
    told: list[str] = field(default_factory=list)

    def tell(self, row: Row, count: int) -> None:
        """Print the row's line, and before it, if wanted, the grader's own errors."""
        self.told.append(row.name)
        if self.verbose and row.log:
            self.stderr.print(Text(row.log), soft_wrap=True)
        state = "wrong" if row.flaws else "ok"
        part = " in part" if row.graded_on else ""
        points = f"{row.result.score} points{part}"
        line = f"[{len(self.told)}/{count}] {row.name}: {points}, {state}"
        self.stderr.print(Text(line))
