"""One text with everything that some format could take for more than text, and a result full of it.

Each format is made of this result by `test_formats.py` and read as its reader reads it.
"""

from __future__ import annotations

from graders.engine.core.results import (
    Feedback,
    Problem,
    Result,
    SideCall,
    Status,
    TranscriptLine,
)
from tests.reports.samples import case, result, row

TAG = "<img src=x onerror=alert(1)>"
COMMAND = "::error file=a.py,line=1::forged"
NASTY = "\n".join(
    (
        "=HYPERLINK(1)",
        f"{TAG}</script></style>]]><!-- &amp;",
        COMMAND,
        "##[error]forged",
        "````\n```\n~~~~",
        "# heading\n===\n- list\n1. list\n> quote\n| a | b |\n[link](https://evil.example)",
        "https://evil.example www.evil.example @everybody #1 $x$ **bold** `code",
        "\x1b[31mred\x1b]8;;https://evil.example\x07 \x00\x7f\x9b\r\u202eright\u2066\u200b\ufeff",
        "{{ 7 * 7 }}{% raw %}${7*7}",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \ufffe \u2028",
    )
)
NASTY_NAME = "=1+1,\t\"'<b>x</b>\x1b[2J\u202e"


def nasty_feedback() -> Feedback:
    """Return what a student reads where everything quotes the nasty text."""
    lines = tuple(
        TranscriptLine(serial=n, actor=actor, kind=NASTY, text=NASTY, at_ms=n, marked=n == 2)
        for n, actor in enumerate(("client", "server", "model", "grader"))
    )
    return Feedback(required=NASTY, seen=NASTY, advice=NASTY, transcript=lines)


def hostile() -> Result:
    """Return the result of a submission that writes the nasty text wherever it can."""
    failed = tuple(case(NASTY, Status.FAILED, nasty_feedback()) for _ in range(2))
    return result(
        row("first", NASTY, Status.FAILED, 60, cases=failed),
        row("second", NASTY, Status.FAILED, 40, score=13, cases=(failed[0],)),
        row("third", "Blocked", Status.BLOCKED, 20, blocked_by=("first", NASTY)),
        problem=Problem(kind="crash", title=NASTY, detail=NASTY, cure=NASTY),
        notes=(NASTY,),
        side_calls=(SideCall(purpose=NASTY, summary=NASTY),),
    ).model_copy(update={"submission": NASTY_NAME})
