"""``grade.py course``: what the ``course.yaml`` of a class says, after all of it was checked.

Must not grade.
"""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.catalogue import Lesson
from graders.engine.content.course import COURSE_NAME
from graders.engine.core.text import visible


def show_course(context: CommandContext) -> ExitCode:
    """Print each lesson with its points and with what the course changes in it."""
    course, page = context.course, context.stdout()
    lessons = context.catalogue.lessons()
    # Reading a rubric checks what the course says about it.
    points = [lesson.rubric.total for lesson in lessons]
    if course is None:
        page.print(Text(f"There is no {COURSE_NAME}: every lesson is graded as its rubric says."))
        page.print(Text("docs/course.md shows what a class can set.", style="dim"))
    else:
        page.print(Text(visible(course.title or "A class without a name"), style="bold"))
        page.print(Text(visible(str(course.path)), style="dim"))
    page.print()
    print_page(page, _table(lessons, points))
    if course is not None and course.told.packages:
        page.print(Text(f"\nPackages beside the grader's: {', '.join(course.told.packages)}"))
    return ExitCode.FULL_MARKS


def _table(lessons: list[Lesson], points: list[int]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column()
    for lesson, total in zip(lessons, points, strict=True):
        grid.add_row(
            Text(lesson.id, style="bold"), Text(f"{total} points"), Text(visible(lesson.title))
        )
        for change in _changes(lesson):
            grid.add_row("", "", Text(change, style="dim"))
    return grid


def _changes(lesson: Lesson) -> list[str]:
    """Return one line for each criterion that the course changes."""
    if lesson.course is None:
        return []
    lines = []
    for name in lesson.course.changes_of(lesson.id):
        criterion = lesson.rubric.criterion(name)
        levels = criterion.levels.model_dump(mode="json")
        shown = ", ".join(f"{part} {level}" for part, level in levels.items() if level != "visible")
        lines.append(f"{name}: {criterion.points} points{f'; {shown}' if shown else ''}")
    return lines
