"""Whether an assignment's README says what is graded.

Must not know where either text comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from graders.engine.content.models import Rubric

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_QUOTE_MARK = re.compile(r"^[ \t]*(>[ \t]?)+", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^()\s]*\)")
_ENTRY = re.compile(r"^[ \t]*[-*] +")
_HEADING = re.compile(r"#+ (.+)|\*\*(.+)\*\*")
_EMPHASIS = re.compile(r"[*_`\\]")


def check_announced(rubric: Rubric, assignment_readme_text: str) -> list[str]:
    """Return a sentence for each criterion whose requirement the README does not state.

    White space, emphasis, links and quotation marks of Markdown make no difference; comments,
    which a reader does not see, do not count.
    """
    readme = _plain(assignment_readme_text)
    return [
        f"`{criterion.id}`: the assignment's README does not say: {criterion.requirement}"
        for criterion in rubric.criteria
        if _plain(criterion.requirement) not in readme
    ]


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
