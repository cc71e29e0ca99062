"""Whether an assignment's README says what is graded.

Must not know where either text comes from.
"""

from __future__ import annotations

import re

from graders.engine.content.models import Rubric

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_QUOTE_MARK = re.compile(r"^[ \t]*(>[ \t]?)+", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^()\s]*\)")
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


def _plain(markdown: str) -> str:
    text = _QUOTE_MARK.sub("", _COMMENT.sub(" ", markdown))
    text = _EMPHASIS.sub("", _LINK.sub(r"\1", text))
    return " ".join(text.split())
