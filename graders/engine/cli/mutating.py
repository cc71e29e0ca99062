"""``grade.py lesson mutant``: let an author change a copy of a solution, and make a mutant of it.

Asks, shows and grades; what a mutant is and how it is written is in ``authoring.new_mutant``.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from graders.engine.authoring.check import entry_of
from graders.engine.authoring.matrix import Row
from graders.engine.authoring.new_mutant import (
    checked_loses,
    checked_why,
    new_draft,
    with_loses,
)
from graders.engine.authoring.rows import row_of
from graders.engine.cli.checking import RowProgress
from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.canaries import new_seed
from graders.engine.content.catalogue import Lesson
from graders.engine.core.errors import UsageError
from graders.engine.core.text import quote, visible
from graders.engine.course_servers.mutants import SETTINGS, Mutant

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class MutantOrder:
    """What the command line said; an empty ``why`` or ``loses`` is asked for."""

    lesson: str
    name: str
    base: str
    why: str | None = None
    loses: tuple[str, ...] = ()
    seed: int | None = None
    verbose: bool = False


@dataclass(frozen=True)
class Asking:
    """Asks on a page, and reads from where the author types."""

    page: Console
    keys: TextIO

    def line(self, question: str, missing: str) -> str:
        """Return the line that was typed; a UsageError that says what is missing if none comes."""
        self.page.print(Text(f"{question} "), end="")
        line = self.keys.readline()
        if not line:
            raise UsageError(f"The input ended before {missing}, so nothing is written.")
        return line.strip()

    def until(self, question: str, missing: str, read: Callable[[str], Answer]) -> Answer:
        """Ask until ``read`` takes the answer."""
        while True:
            typed = self.line(question, missing)
            try:
                return read(typed)
            except UsageError as error:
                self.page.print(Text(f"{error.message} {error.cure}", style="yellow"))

    def agrees(self, question: str) -> bool:
        """Return whether the author says yes; the end of the input is a no."""
        self.page.print(Text(f"{question} [y/N] "), end="")
        return self.keys.readline().strip().lower() in {"y", "yes"}


def run_mutant(context: CommandContext, order: MutantOrder) -> ExitCode:
    """Make the mutant, grade it, and say by the exit code whether it loses what it must."""
    lesson = context.lessons_as_written.lesson(order.lesson)
    draft = new_draft(lesson, order.name, order.base)
    why = None if order.why is None else checked_why(order.why)
    loses = checked_loses(order.loses, lesson) if order.loses else ()
    asking = Asking(context.stdout(), sys.stdin)
    with draft.copied() as copy:
        _let_change(copy, asking, context.environment)
        change = draft.change_in(copy)
        asking.page.print(Text(f"Changed: {', '.join(change.names)}"))
        why = why or asking.until("What does the mutant do wrong?", "`why` was given", checked_why)
        loses = loses or _asked_loses(asking, lesson)
        mutant = draft.write(change, copy, why, loses)
    asking.page.print(Text(f"Written: {mutant.folder}"), soft_wrap=True)
    return _check(context, order, lesson, mutant, asking)


def _let_change(copy: Path, asking: Asking, environment: Mapping[str, str]) -> None:
    """Return when the author has changed the copy: in an editor, or in whatever way."""
    editor = environment.get("VISUAL") or environment.get("EDITOR")
    if editor and asking.keys.isatty():
        _run_editor(editor, copy)
        return
    asking.page.print(Text(f"Change the files in this folder:\n{copy}"), soft_wrap=True)
    asking.line("Press Enter when they are saved:", "Enter was pressed")


def _run_editor(editor: str, copy: Path) -> None:
    files = sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*.py"))
    try:
        done = subprocess.run(  # noqa: S603 - a program of the author's own choice
            [*shlex.split(editor), *(files or ["."])], cwd=copy, check=False
        )
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The editor `{quote(editor)}` cannot be started: {error}.",
            cure="Set `EDITOR` to a program, or to nothing to change the files in your own way.",
        ) from error
    if done.returncode:
        raise UsageError(
            f"The editor `{quote(editor)}` ended with {done.returncode}, so nothing is written."
        )


def _asked_loses(asking: Asking, lesson: Lesson) -> tuple[str, ...]:
    grid = Table.grid(padding=(0, 2))
    for criterion in lesson.rubric.criteria:
        grid.add_row(Text(f"  {criterion.id}", style="bold"), Text(criterion.title))
    print_page(asking.page, grid)
    return asking.until(
        "Which criteria does it lose?",
        "`loses` was given",
        lambda typed: checked_loses(re.findall(r"[^\s,;]+", typed), lesson),
    )


def _check(
    context: CommandContext, order: MutantOrder, lesson: Lesson, mutant: Mutant, asking: Asking
) -> ExitCode:
    seed = new_seed() if order.seed is None else order.seed
    with context.servers() as open_factory:
        row = row_of(entry_of(mutant), lesson, seed, open_factory)
    RowProgress(context.stderr(), verbose=order.verbose).tell(row, 1)
    for flaw in row.flaws:
        print_page(asking.page, Text(visible(flaw), style="red"))
    corrected = replace(row, loses=row.lost)
    if row.flaws and row.lost and not corrected.flaws:
        loses = checked_loses(row.lost, lesson)
        if asking.agrees(f"Write `loses: [{', '.join(loses)}]` instead?"):
            mutant, row = with_loses(mutant, loses), corrected
    asking.page.print(_verdict(row, mutant, lesson, seed))
    return ExitCode.CONTENT if row.flaws else ExitCode.FULL_MARKS


def _verdict(row: Row, mutant: Mutant, lesson: Lesson, seed: int) -> Text:
    if not row.flaws:
        names = ", ".join(f"`{each}`" for each in checked_loses(row.lost, lesson))
        return Text(f"{mutant.name} loses exactly what it must: {names}.", style="green")
    return Text(
        f"Correct `{SETTINGS}` or the change in {mutant.folder}, "
        f"then run `grade.py lesson check {lesson.id} --seed {seed}`."
    )
