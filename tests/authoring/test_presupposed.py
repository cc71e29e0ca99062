"""Advice that tells of an event is only given where the conversation has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graders.engine.authoring.matrix import Row, RowKind
from graders.engine.authoring.presupposed import FACTS, contradictions
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import Feedback, Result, Status, TranscriptLine
from tests.reports.samples import case, result, row

REDIRECT = "Serve the endpoint at the path that is asked for, without a redirect."
ENDPOINT = "The endpoint did not answer with status 200, and no exception left it."


def line(kind: str, text: str = "", actor: str = "server", *, marked: bool = False) -> object:
    """Return a line of a conversation, as a result holds it."""
    return TranscriptLine(serial=1, at_ms=0, actor=actor, kind=kind, text=text, marked=marked)


def advised(advice: str, *lines: object) -> Result:
    """Return the result of a submission that gets this advice for such a conversation."""
    feedback = Feedback.model_validate(
        {"required": "All.", "seen": "Nothing.", "advice": advice, "transcript": lines}
    )
    failed = case("x", Status.FAILED, feedback)
    return result(row("a", "A", Status.FAILED, cases=(failed,)))


@pytest.mark.parametrize(
    ("advice", "lines", "event"),
    [
        (REDIRECT, [line("status", "307 Temporary Redirect")], None),
        (REDIRECT, [line("status", "200 OK")], "a redirect"),
        ("The traceback ends in line 3.", [line("raised", "KeyError")], None),
        ("The traceback ends in line 3.", [line("error")], "an exception"),
        ("After the restart it was gone.", [line("restart", actor="grader")], None),
        ("After the restart it was gone.", [line("reply", "200")], "a restart"),
        (ENDPOINT, [line("ask", actor="client", marked=True), line("status", "500")], None),
        (
            ENDPOINT,
            [line("ask", actor="client", marked=True), line("raised")],
            "an exchange without an exception",
        ),
        (
            ENDPOINT,
            [
                line("ask", actor="client"),
                line("raised"),
                line("ask", actor="client"),
                line("reply", "500", marked=True),
                line("ask", actor="client"),
                line("raised"),
            ],
            None,
        ),
        (REDIRECT, [], None),
    ],
)
def test_advice_tells_of_what_happened(advice: str, lines: list[object], event: str | None) -> None:
    told = list(contradictions(advised(advice, *lines)))
    assert len(told) == (event is not None)
    assert event is None or f"speaks of {event}" in told[0]


def test_such_advice_is_a_flaw_of_the_row() -> None:
    found = Row(RowKind.MUTANT, "m", advised(REDIRECT, line("status", "200 OK")), frozenset("a"))
    assert found.flaws[0].startswith("m: the advice of `a` speaks of a redirect")


def test_each_fact_is_worded_as_somewhere_in_the_grader() -> None:
    files = [
        *(REPOSITORY / "graders").glob("lesson*/rubric.yaml"),
        *(REPOSITORY / "graders/engine/server/diagnosis").glob("*.py"),
    ]
    # Sentences run over several string literals and lines there.
    written = re.sub(r"['\"]?\s*\n\s*f?['\"]?", " ", "\n".join(map(_read, files)))
    told = re.sub(r"\s+", " ", written)
    assert [fact.event for fact in FACTS if not fact.words.search(told)] == []


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
