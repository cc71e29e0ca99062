"""Whether an assignment's README says what is graded, and what it is worth.

Must not know where either text comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graders.engine.content.models import Criterion, Rubric
from graders.engine.core.text import quote

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_QUOTE_MARK = re.compile(r"^[ \t]*(>[ \t]?)+", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^()\s]*\)")
_ENTRY = re.compile(r"^[ \t]*[-*] +")
_HEADING = re.compile(r"#+ (.+)|\*\*(.+)\*\*")
_EMPHASIS = re.compile(r"[*_`\\]")
_POINTS_BEFORE = re.compile(r"(\d+)(?: points?)?[^\w.!?]*$")
_ITEM = re.compile(r"^[ \t]*[-*+][ \t]+\*\*(\d+)\*\*[ \t]+(\S.*)$", re.MULTILINE)


def check_announced(rubric: Rubric, assignment_readme_text: str) -> list[str]:
    """Return a sentence for each place where the README and the rubric do not fit together.

    The README states each requirement, with its points before it (`- **5** ...`), and gives points
    for nothing else. White space, emphasis, links and quotation marks of Markdown make no
    difference; comments, which a reader does not see, do not count.
    """
    readme = _plain(assignment_readme_text)
    wrong = (_flaw_of(criterion, readme) for criterion in rubric.criteria)
    return [*filter(None, wrong), *_without_criterion(rubric, assignment_readme_text)]


def _flaw_of(criterion: Criterion, readme: str) -> str:
    requirement = _plain(criterion.requirement)
    if requirement not in readme:
        return f"`{criterion.id}`: the assignment's README does not say: {criterion.requirement}"
    said = list(_points_of(requirement, readme))
    if criterion.points in said:
        return ""
    if not said:
        return (
            f"`{criterion.id}`: the assignment's README does not say that this is worth "
            f"{criterion.points}: {criterion.requirement} Write `- **{criterion.points}** ...`."
        )
    return (
        f"`{criterion.id}`: the assignment's README gives {said[0]} for it, the rubric "
        f"{criterion.points}."
    )


def _points_of(requirement: str, readme: str) -> Iterator[int]:
    """Yield the number before each place where the README states the requirement."""
    for place in re.finditer(re.escape(requirement), readme):
        before = _POINTS_BEFORE.search(readme, 0, place.start())
        if before is not None:
            yield int(before[1])


def _without_criterion(rubric: Rubric, markdown: str) -> Iterator[str]:
    """Yield a sentence for each item with points that no criterion states."""
    known = [_plain(criterion.requirement) for criterion in rubric.criteria]
    for points, text in _ITEM.findall(_COMMENT.sub(" ", markdown)):
        # An item may go on in the next line.
        begins = _plain(text)
        if not any(each.startswith(begins) or begins.startswith(each) for each in known):
            what = quote(text)
            yield f"The assignment's README gives {points} for what no criterion asks: {what}"


@dataclass(frozen=True)
class Passage:
    """A paragraph of a README: its first line (from 1), the heading above it, its text."""

    line: int
    heading: str
    text: str


def passage_of(requirement: str, assignment_readme_text: str) -> Passage | None:
    """Return the paragraph or the entry of a list that states ``requirement``."""
    wanted = _plain(requirement)
    return next(
        (each for each in _passages(assignment_readme_text) if wanted in _plain(each.text)), None
    )


def headings_of(rubric: Rubric, assignment_readme_text: str) -> Mapping[str, str]:
    """Return by id under which heading of the README a criterion stands: what its group asks."""
    passages = [(each.heading, _plain(each.text)) for each in _passages(assignment_readme_text)]
    wanted = {each.id: _plain(each.requirement) for each in rubric.criteria}
    return {
        name: next((heading for heading, text in passages if requirement in text), "")
        for name, requirement in wanted.items()
    }


def _passages(markdown: str) -> Iterator[Passage]:
    heading, start, lines = "", 0, list[str]()
    for number, line in enumerate([*markdown.splitlines(), ""], 1):
        ends = not line.strip() or line.startswith("#") or _ENTRY.match(line)
        if ends and lines:
            text = _ENTRY.sub("", "\n".join(lines))
            if title := _HEADING.fullmatch(text):
                heading = title[1] or title[2]
            yield Passage(start, heading, text)
            lines = []
        if line.strip():
            start = start if lines else number
            lines.append(line)
            if line.startswith("#"):
                heading = line.lstrip("# ")
                lines = []


def _plain(markdown: str) -> str:
    text = _QUOTE_MARK.sub("", _COMMENT.sub(" ", markdown))
    text = _EMPHASIS.sub("", _LINK.sub(r"\1", text))
    return " ".join(text.split())
