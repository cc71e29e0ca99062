"""The matrix as a page for the terminal: one line a submission, one column a criterion.

Pure. Criteria are numbered, because their names would not fit; a legend names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from graders.engine.authoring.check import LessonCheck
from graders.engine.authoring.matrix import Row, RowKind
from graders.engine.core.results import Status
from graders.engine.core.text import visible
from graders.engine.reports.glyphs import Glyphs

_SLOWEST = 10


def render(check: LessonCheck, glyphs: Glyphs) -> RenderableType:
    """Return the matrix, the legend, and what is wrong."""
    return Group(*_parts(check, glyphs))


def _parts(check: LessonCheck, glyphs: Glyphs) -> Iterator[RenderableType]:
    yield Text(f"\n{check.lesson}: submissions x criteria\n", style="bold")
    yield _matrix(check, glyphs)
    yield Text()
    yield _legend(check)
    yield Text()
    yield from _findings(check)


def render_end(checks: Sequence[LessonCheck]) -> RenderableType:
    """Return what a run over several lessons found, without the matrices, which fill screens."""
    findings = (part for check in checks for part in _findings(check))
    return Group(Text("\nAll lessons\n", style="bold"), *findings)


def render_slowest(checks: Sequence[LessonCheck]) -> RenderableType:
    """Return which gradings took longest: what to look at where a check is too slow."""
    rows = [(row, check.lesson) for check in checks for row in check.rows]
    rows.sort(key=lambda pair: pair[0].result.duration_ms, reverse=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("", overflow="fold")
    table.add_column("lesson")
    table.add_column("seconds", justify="right")
    table.add_column("of CPU", justify="right")
    for row, lesson in rows[:_SLOWEST]:
        taken = f"{row.result.duration_ms / 1000:.1f}"
        table.add_row(Text(visible(row.name)), lesson, taken, f"{row.cpu_seconds:.1f}")
    return Group(Text("\nThe slowest gradings\n", style="bold"), table, Text())


def _findings(check: LessonCheck) -> Iterator[RenderableType]:
    yield from (Padding(Text(visible(flaw), style="red"), (0, 0, 1, 0)) for flaw in check.flaws)
    yield Text(summary(check), style="red" if check.flaws else "green")


def _matrix(check: LessonCheck, glyphs: Glyphs) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="red")
    tens = "".join(str(n // 10) if n >= 10 else " " for n in range(1, len(check.criteria) + 1))
    ones = "".join(str(n % 10) for n in range(1, len(check.criteria) + 1))
    table.add_row("", "", Text(tens, style="dim"), "")
    table.add_row("", "score", Text(ones, style="dim"), "")
    for row in check.rows:
        wrong = "<< wrong" if row.flaws else ""
        table.add_row(_name(row), str(row.result.score), _cells(row, check, glyphs), wrong)
    return table


def _name(row: Row) -> Text:
    part = f" (on {', '.join(row.graded_on)})" if row.graded_on else ""
    return Text(row.name).append(part, style="dim")


def _cells(row: Row, check: LessonCheck, glyphs: Glyphs) -> Text:
    statuses = {each.id: each.status for each in row.result.criteria}
    return Text().join(glyphs.mark(statuses.get(name, Status.NOT_RUN)) for name in check.criteria)


def _legend(check: LessonCheck) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column()
    table.add_column(style="dim")
    for number, name in enumerate(check.criteria, start=1):
        mutants = [row.name for row in check.rows if name in row.must_lose]
        table.add_row(str(number), name, ", ".join(mutants) or "no mutant")
    return table


def summary(check: LessonCheck) -> str:
    """Return one line that says how many of each kind are as they must be."""
    parts = [_count(check, kind) for kind in RowKind]
    verdict = f"{len(check.flaws)} wrong" if check.flaws else "all as it must be"
    return f"{check.lesson}: {', '.join(parts)}; {verdict}."


def _count(check: LessonCheck, kind: RowKind) -> str:
    rows = [row for row in check.rows if row.kind is kind]
    right = sum(not row.flaws for row in rows)
    return f"{right}/{len(rows)} {kind}{'' if len(rows) == 1 else 's'}"
