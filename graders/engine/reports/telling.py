"""What a reader is told about each criterion: every sentence once, for all formats.

Pure, and knows no format: how a sentence is marked up is the matter of a :class:`Style`. Knows no
reader either: who may read what is decided in :mod:`.audience`, before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

from graders.engine.core.results import (
    CaseResult,
    CriterionResult,
    Feedback,
    Picture,
    Result,
    Status,
    Visibility,
)
from graders.engine.reports import causes, transcript

MOST_CASES = 3
"""Failed cases of one criterion that are told one by one."""
HIDDEN = "The details of this check are not shown here."
WITHHELD = "What became of this is not shown here, and its points are not counted here."
BROKE = "The grader's own check broke; this is not your fault."
LEFT_OUT = "Left out of this run."


@dataclass(frozen=True)
class Paragraph:
    """One paragraph; ``label`` is `Required`, `Seen`, `Try`, or empty.

    ``case`` names what it is about, where several cases are told one by one.
    """

    label: str
    sentence: str
    case: str = ""

    @property
    def text(self) -> str:
        """All of it in one text."""
        return f"{self.case}: {self.sentence}" if self.case else self.sentence


@dataclass(frozen=True)
class ToldCriterion:
    """What is told about one criterion.

    ``standing`` is one word or a few: `passed`, `partly`, `failed`, `not tried`, `broken`,
    `graded later`. ``printed`` is all that the server printed, where the whole is wanted: else the
    conversation ends with its last lines. ``picture`` is what a page showed where it failed.
    """

    row: CriterionResult
    standing: str
    paragraphs: tuple[Paragraph, ...] = ()
    conversation: tuple[transcript.Row, ...] = ()
    printed: str = ""
    picture: Picture | None = None

    @property
    def points(self) -> str:
        """The points as `3 / 10`; a dash where they are not shown."""
        if self.row.status is Status.WITHHELD:
            return "–"  # noqa: RUF001 - an en dash is meant
        return f"{self.row.score} / {self.row.max_score}"


class Style(Protocol):
    """How text is marked up in one format; each method makes its text safe there."""

    def sentence(self, text: str) -> str:
        """Return a paragraph in which `code` is set off."""

    def label(self, text: str) -> str:
        """Return the label that stands before a paragraph."""

    def block(self, heading: str, lines: Sequence[str]) -> str:
        """Return lines that keep their breaks and blanks, such as a traceback."""


def told(result: Result) -> tuple[ToldCriterion, ...]:
    """Return what is told about each criterion, in the order of the rubric."""
    return tuple(told_of(row, result) for row in result.criteria)


def body(each: ToldCriterion, style: Style) -> str:
    """Return everything about one criterion but its title and points; empty if it passed."""
    parts = [_paragraph(paragraph, style) for paragraph in each.paragraphs]
    if each.conversation:
        lines = [transcript.plain(row) for row in each.conversation]
        parts.append(style.block("The conversation as it went", lines))
    return "\n\n".join(parts)


def problem_body(result: Result, style: Style) -> str:
    """Return why the submission could not be graded and what cures it; empty if it could."""
    problem = result.problem
    if problem is None:
        return ""
    parts = [style.sentence(problem.title)]
    if problem.detail:
        parts.append(style.block("", problem.detail.splitlines()))
    if problem.cure:
        parts.append(_paragraph(Paragraph("Try", problem.cure), style))
    return "\n\n".join(parts)


def _paragraph(paragraph: Paragraph, style: Style) -> str:
    text = style.sentence(paragraph.text)
    return f"{style.label(paragraph.label)} {text}" if paragraph.label else text


def failed_cases(row: CriterionResult) -> list[CaseResult]:
    """Return the cases of a criterion that failed and say so."""
    return [case for case in row.cases if case.status is Status.FAILED and case.feedback]


def told_of(row: CriterionResult, result: Result, *, whole: bool = False) -> ToldCriterion:
    """Return what is told about one criterion, of its conversation the relevant part or all."""
    match row.status:
        case Status.PASSED:
            return ToldCriterion(row, "passed")
        case Status.BLOCKED:
            return ToldCriterion(row, "not tried", (Paragraph("", _waits(row, result)),))
        case Status.NOT_RUN:
            return _left_out(row)
        case Status.WITHHELD:
            return ToldCriterion(row, "not shown", (Paragraph("", WITHHELD),))
        case Status.ERROR:
            return ToldCriterion(row, "broken", (Paragraph("", BROKE),))
        case Status.FAILED:
            standing = "partly" if row.score else "failed"
            failed = failed_cases(row)
            first = failed[0].feedback if failed else None
            return ToldCriterion(
                row,
                standing,
                tuple(_paragraphs(row, failed)),
                _conversation(first, whole=whole),
                first.printed if first is not None and whole else "",
                first.picture if first is not None else None,
            )
        case _:
            assert_never(row.status)


def _left_out(row: CriterionResult) -> ToldCriterion:
    if row.graded_later:
        return ToldCriterion(row, "graded later", (Paragraph("", row.message or LEFT_OUT),))
    return ToldCriterion(row, "not tried", (Paragraph("", LEFT_OUT),))


def _waits(row: CriterionResult, result: Result) -> str:
    """Return which criteria come first; an id that the result does not hold is shown as it is."""
    titles = {each.id: each.title for each in result.criteria}
    first = [f"“{titles.get(name, name)}”" for name in causes.waits_for(row, result)]
    return f"This was not tried, because it needs {' and '.join(first) or 'another check'} first."


def _paragraphs(row: CriterionResult, failed: Sequence[CaseResult]) -> Iterator[Paragraph]:
    feedback = [case.feedback for case in failed if case.feedback]
    if row.levels.seen is not Visibility.VISIBLE and not any(each.seen for each in feedback):
        yield Paragraph("", HIDDEN)
    if feedback and feedback[0].required:
        yield Paragraph("Required", feedback[0].required)
    for case, told_of_case in zip(failed[:MOST_CASES], feedback, strict=False):
        if told_of_case.seen:
            named = case.name if len(failed) > 1 else ""
            yield Paragraph("Seen", told_of_case.seen, named)
    others = len(failed) - MOST_CASES
    if others > 0:
        yield Paragraph("", f"{others} more {'case' if others == 1 else 'cases'} failed.")
    for advice in dict.fromkeys(each.advice for each in feedback if each.advice):
        yield Paragraph("Try", advice)


def _conversation(first: Feedback | None, *, whole: bool) -> tuple[transcript.Row, ...]:
    lines = first.transcript if first is not None else ()
    if whole:
        return tuple(line for line in lines if line.kind != transcript.PRINTED)
    return transcript.shortened(lines) if lines else ()
