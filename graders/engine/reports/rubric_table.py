"""The rubric with what was earned: one line a criterion, and the score below.

Pure. Adds nothing up: the totals are the result's own.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from graders.engine.core.results import CriterionResult, Result, Status
from graders.engine.reports.look import STYLES, Look


def render(result: Result, look: Look) -> Table:
    """Return the table; it fills the width, so that the points stand in one column.

    Criteria that were not run are only counted.
    """
    titles = {criterion.id: criterion.title for criterion in result.criteria}
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=1)
    table.add_column(width=1)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for row in result.criteria:
        if row.status is not Status.NOT_RUN:
            table.add_row("", look.mark(row.status), _title(row, titles), *_points(row))
    _add_left_out(table, result, look)
    _add_score(table, result, look)
    return table


def _title(row: CriterionResult, titles: Mapping[str, str]) -> Text:
    text = Text(row.title)
    if row.status is Status.BLOCKED and row.blocked_by:
        text.append(f"\nnot tried: needs {_needs(row, titles)}", style="dim")
    elif row.status is Status.ERROR:
        text.append("\nthe grader's own check broke; this is not your fault", style="magenta")
    return text


def _needs(row: CriterionResult, titles: Mapping[str, str]) -> str:
    first, *others = (titles.get(need, need) for need in row.blocked_by)
    return f'"{first}"' + (f" and {len(others)} more" if others else "")


def _points(row: CriterionResult) -> tuple[Text, Text]:
    style = "yellow" if row.status is Status.FAILED and row.score else STYLES[row.status]
    return Text(f"{row.score}", style=style), Text(f"/ {row.max_score:>3}", style=style)


def _add_left_out(table: Table, result: Result, look: Look) -> None:
    count = sum(row.status is Status.NOT_RUN for row in result.criteria)
    if count:
        what = "1 criterion was" if count == 1 else f"{count} criteria were"
        text = Text(f"{what} not tried", style=STYLES[Status.NOT_RUN])
        table.add_row("", look.mark(Status.NOT_RUN), text, "", "")


def _add_score(table: Table, result: Result, look: Look) -> None:
    style = "bold green" if result.full_marks else "bold"
    table.add_row("", "", "", Text(look.rule * 3, style="dim"), Text(look.rule * 5, style="dim"))
    score = (Text(f"{result.score}", style=style), Text(f"/ {result.max_score:>3}", style=style))
    table.add_row("", "", Text("Score", style="bold", justify="right"), *score)
