"""``grade.py diff OLD NEW``, and what a run that graded again says at its end.

Must not grade.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.console import Group
from rich.table import Table
from rich.text import Text

from graders.engine.bulk.differences import ScoreChange, changes
from graders.engine.bulk.journal import read_journal
from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.core.text import quote


def run_diff(context: CommandContext, old: Path, new: Path) -> ExitCode:
    """Print what changed from one folder of results to another; code 1 if anything did."""
    found = list(changes(read_journal(old), read_journal(new)))
    page = context.stdout()
    if not found:
        page.print(Text("No score has changed."))
        return ExitCode.FULL_MARKS
    print_page(page, Group(table_of(found), Text()))
    return ExitCode.NOT_FULL_MARKS


def table_of(found: Iterable[ScoreChange]) -> Table:
    """Return the changes as a table."""
    rows = list(found)
    title = f"{len(rows)} changed score{'s' if len(rows) != 1 else ''}"
    table = Table(title=title, title_justify="left")
    for heading in ("student", "before", "now", "criteria", "why"):
        table.add_column(heading, overflow="fold")
    for each in rows:
        table.add_row(
            Text(quote(each.student)),
            Text(_shown(each.before)),
            Text(_shown(each.now)),
            Text("\n".join(f"{name} {was} → {has}" for name, was, has in each.criteria)),
            Text(each.reason),
        )
    return table


def _shown(score: int | None) -> str:
    return "none" if score is None else str(score)
