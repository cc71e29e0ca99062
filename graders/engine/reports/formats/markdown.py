"""A result as a Markdown page: for a step summary, a release, an issue.

Pure. Long pages lose conversations first, then details, and say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graders.engine.core.results import Result, Status
from graders.engine.reports.advisory import advisory_line, isolation_line
from graders.engine.reports.formats.styles import MARKDOWN, escape_markdown
from graders.engine.reports.telling import ToldCriterion, body, problem_body, told

MARKS = {
    Status.PASSED: "✅",
    Status.FAILED: "❌",
    Status.BLOCKED: "⏸️",
    Status.ERROR: "⚠️",
    Status.NOT_RUN: "▫️",
    Status.WITHHELD: "▫️",
}
MOST_BYTES = 900_000
"""GitHub takes 1 MiB for the summary of a step, and shows nothing of a longer one."""
CUT = "\n\n*The rest was left out, because this page may not be longer.*\n"


def render(result: Result) -> str:
    """Return the page: score, table of criteria, what is told about each that did not pass."""
    text = "\n\n".join(_parts(result)) + "\n"
    data = text.encode()
    return text if len(data) <= MOST_BYTES else data[:MOST_BYTES].decode(errors="ignore") + CUT


def _parts(result: Result) -> Iterator[str]:
    all_told = told(result)
    yield f"# {escape_markdown(result.lesson)}: {result.score} / {result.max_score}"
    if result.course:
        yield f"Class: {escape_markdown(result.course)}"
    if result.problem is not None:
        yield "## The submission could not be graded"
        yield problem_body(result, MARKDOWN)
    yield _table(all_told)
    for each in all_told:
        if each.paragraphs and each.row.status in {Status.FAILED, Status.ERROR}:
            yield f"## {_cell(each.row.title)}"
            yield body(each, MARKDOWN)
    if result.notes:
        yield "## Noted, without effect on the score"
        yield "\n".join(f"- {MARKDOWN.sentence(note)}" for note in result.notes)
    yield "\n".join(escape_markdown(line) for line in _footer(result))


def _table(rows: Sequence[ToldCriterion]) -> str:
    lines = [
        f"| {MARKS[each.row.status]} | {_cell(each.row.title)} | {each.standing} | {each.points} |"
        for each in rows
    ]
    return "\n".join(["| | Criterion | | Points |", "|---|---|---|---:|", *lines])


def _cell(text: str) -> str:
    """Return text on one line, for a heading or a table."""
    return escape_markdown(" ".join(text.split()))


def _footer(result: Result) -> Iterator[str]:
    yield f"{advisory_line(result)}  "
    yield f"{isolation_line(result)}  "
    yield f"Repeat with the same test data: --seed {result.seed}"
