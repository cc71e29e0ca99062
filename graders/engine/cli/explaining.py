"""``grade.py explain``: what a criterion requires, why that matters, where the README says so."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table
from rich.text import Text

from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.announced import passage_of
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.content.fields import did_you_mean
from graders.engine.content.models import Criterion
from graders.engine.content.reasons import load_reasons
from graders.engine.core.errors import UsageError
from graders.engine.core.text import quote
from graders.engine.reports.advice import prose


def run_explain(context: CommandContext, criterion: str, lesson: str | None) -> ExitCode:
    """Explain one criterion."""
    found = find_criterion(context.catalogue, criterion, lesson)
    print_page(context.stdout(), page(found, found.rubric.criterion(criterion), context.root))
    return ExitCode.FULL_MARKS


def find_criterion(catalogue: Catalogue, name: str, lesson: str | None) -> Lesson:
    """Return the lesson that has the criterion ``name``; a UsageError unless it is just one."""
    lessons = catalogue.lessons() if lesson is None else [catalogue.lesson(lesson)]
    shown = {each.id: each.rubric.visible_ids for each in lessons}
    found = [each for each in lessons if name in shown[each.id]]
    if len(found) == 1:
        return found[0]
    here = next((each for each in found if each.id == Path.cwd().name), None)
    if here is not None:
        return here
    if found:
        names = ", ".join(each.id for each in found)
        raise UsageError(
            f"Several lessons have a criterion `{name}`: {names}.",
            cure=f"add the lesson: `python grade.py explain {name} {found[0].id}`",
        )
    known = dict.fromkeys(each for ids in shown.values() for each in ids)
    where = "" if lesson is None else f" in {lessons[0].id}"
    raise UsageError(
        f"There is no criterion `{quote(name)}`{where}.",
        cure=f"{_meant(name, known)}`python grade.py list LESSON` lists those of a lesson.",
    )


def _meant(name: str, known: dict[str, None]) -> str:
    meant = did_you_mean(name, known)
    return f"{meant} " if meant.startswith("Did") else ""


def page(lesson: Lesson, criterion: Criterion, root: Path) -> Table:
    """Return the explanation, one label a row."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    points = "1 point" if criterion.points == 1 else f"{criterion.points} points"
    grid.add_row("Criterion", Text.assemble((criterion.id, "bold"), f"  {lesson.id}, {points}"))
    grid.add_row("", criterion.title)
    grid.add_row("Required", prose(criterion.requirement))
    if why := load_reasons(lesson.grader_dir).get(criterion.id):
        grid.add_row("Why", prose(why))
    if criterion.needs:
        grid.add_row("Needs", Text(f"{', '.join(criterion.needs)}: tried only if passed"))
    if criterion.borrows:
        names = [name.partition("/") for name in criterion.borrows]
        lines = "\n".join(f"python grade.py explain {lent} {lender}" for lender, _, lent in names)
        grid.add_row("Judged by", Text(f"what other lessons ask for:\n{lines}"))
    if criterion.optional is not None:
        part, giver = criterion.optional.part, criterion.optional.points_from
        told = f"its points are taken from {giver} where a {part.replace('-', ' ')} is handed in"
        grid.add_row("Optional", Text(f"{told}; else it costs none"))
    if criterion.partial:
        grid.add_row("Points", "a part of them for a part of the work")
    _add_passage(grid, lesson, criterion, root)
    grid.add_row("Try it", Text(f"python grade.py {lesson.id} --only {criterion.id}"))
    return grid


def _add_passage(grid: Table, lesson: Lesson, criterion: Criterion, root: Path) -> None:
    readme = lesson.assignment_dir / "README.md"
    if not readme.is_file():
        return
    found = passage_of(criterion.requirement, readme.read_text(encoding="utf-8"))
    if found is not None:
        where = f'{readme.relative_to(root)}, line {found.line}, under "{found.heading}":'
        grid.add_row("README", Text.assemble((where, "dim"), "\n", prose(found.text)))
