"""The rubric with what was earned: one line a criterion, and the score below.

Pure. Adds nothing up: the totals are the result's own.
"""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from graders.engine.core.results import CriterionResult, Result, Status
from graders.engine.core.text import visible
from graders.engine.reports.causes import numbers, waits_for
from graders.engine.reports.glyphs import STYLES, Glyphs


def render(result: Result, glyphs: Glyphs) -> Table:
    """Return the table; it fills the width, so that the points stand in one column.

    A failed criterion has the number of its advice, a blocked one the numbers that it waits for.
    Criteria that were not run are only counted, but for those that are graded later.
    """
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=1)
    table.add_column(width=1)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for row in result.criteria:
        if row.status is not Status.NOT_RUN or row.graded_later:
            table.add_row("", glyphs.mark(row.status), _title(row, result), *_points(row))
    _add_left_out(table, result, glyphs)
    _add_score(table, result, glyphs)
    return table


def _title(row: CriterionResult, result: Result) -> Text:
    quiet = row.status in {Status.BLOCKED, Status.WITHHELD}
    text = Text(visible(row.title), style="dim" if quiet else "")
    if row.status is Status.FAILED:
        text.append(f"  [{numbers(result)[row.id]}]", style="dim")
    elif row.status is Status.BLOCKED:
        text.append(f"  [{_waits(row, result)}]")
    elif row.graded_later:
        text.append("  [graded later]")
    elif row.status is Status.ERROR:
        text.append("\nthe grader's own check broke; this is not your fault", style="magenta")
    return text


def _waits(row: CriterionResult, result: Result) -> str:
    """Say which numbered advice comes first; a check of ours that broke has no number."""
    explained = numbers(result)
    causes = [explained[name] for name in waits_for(row, result) if name in explained]
    where = f": see {', '.join(map(str, sorted(causes)))}" if causes else ""
    return f"not tried{where}"


def _points(row: CriterionResult) -> tuple[Text, Text]:
    if row.status is Status.WITHHELD:
        return Text("?", style=STYLES[row.status]), Text("/   ?", style=STYLES[row.status])
    style = "yellow" if row.status is Status.FAILED and row.score else STYLES[row.status]
    return Text(f"{row.score}", style=style), Text(f"/ {row.max_score:>3}", style=style)


def _add_left_out(table: Table, result: Result, glyphs: Glyphs) -> None:
    count = sum(row.status is Status.NOT_RUN and not row.graded_later for row in result.criteria)
    if count:
        what = "1 criterion was" if count == 1 else f"{count} criteria were"
        text = Text(f"{what} not tried", style=STYLES[Status.NOT_RUN])
        table.add_row("", glyphs.mark(Status.NOT_RUN), text, "", "")


def _add_score(table: Table, result: Result, glyphs: Glyphs) -> None:
    table.add_row(
        "", "", "", Text(glyphs.rule * 3, style="dim"), Text(glyphs.rule * 5, style="dim")
    )
    style = f"bold {_colour(result.score, result.max_score)}"
    score = (Text(f"{result.score}", style=style), Text(f"/ {result.max_score:>3}", style=style))
    label = Text(justify="right").append_text(_of_tried(result)).append("Score", style="bold")
    table.add_row("", "", label, *score)


def _of_tried(result: Result) -> Text:
    """Say how much of what was tried was earned, where something was left out on purpose."""
    possible = sum(row.max_score for row in result.tried)
    left_out = any(row.status is Status.NOT_RUN for row in result.criteria)
    whole = possible == result.max_score
    if result.problem is not None or not result.tried or not left_out or whole:
        return Text()
    style = _colour(result.score, possible)
    return Text(f"{result.score} of the {possible} tried   ", style=style)


def _colour(score: int, possible: int) -> str:
    if score == possible > 0:
        return "green"
    return "yellow" if score else "red"
