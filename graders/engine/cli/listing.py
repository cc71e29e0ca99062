"""``grade.py list``: the lessons, or the criteria of one lesson with points and ids."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from graders.engine.cli.context import CommandContext, print_page
from graders.engine.core.results import Visibility
from graders.engine.reports.audience import UNNAMED


def list_lessons(context: CommandContext) -> None:
    """Print each lesson with its title, one a line."""
    known = context.catalogue.lessons()
    width = max((len(lesson.id) for lesson in known), default=0)
    for lesson in known:
        draft = " (draft)" if lesson.info.draft else ""
        print(f"{lesson.id:<{width}}  {lesson.title}{draft}", file=context.out)


def list_criteria(context: CommandContext, name: str) -> None:
    """Print each criterion of a lesson: points, id, title."""
    lesson, page = context.catalogue.lesson(name), context.stdout()
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column()
    whole = lesson.rubric.visible_ids
    for each in lesson.rubric.criteria:
        # Of the others, students may not see all.
        shown_id = each.id if each.id in whole else "-"
        title = each.title if each.levels.title is Visibility.VISIBLE else UNNAMED
        grid.add_row(Text(f"{each.points}"), Text(shown_id, style="bold"), Text(title))
    page.print(Text.assemble((lesson.id, "bold"), f"  {lesson.title}\n"))
    print_page(page, grid)
    page.print(Text("\nWhat one asks, and why: python grade.py explain ID", style="dim"))
