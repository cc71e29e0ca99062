"""Whether advice speaks of what really happened: each event that it names stands in the transcript.

Pure. Advice that a check or a rubric chooses may tell of an event as a fact ("The traceback ends
in ..."). Where the conversation has no such event, the advice belongs to another mistake. Must not
know a lesson; what an advice says beside such facts is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from graders.engine.core.results import Feedback, Result, Status, TranscriptLine

Lines: TypeAlias = Sequence[TranscriptLine]


class Fact(NamedTuple):
    """Words by which advice tells of an event, the event, and how a conversation shows it."""

    words: re.Pattern[str]
    event: str
    is_shown: Callable[[Lines], bool]


def contradictions(result: Result) -> Iterator[str]:
    """Yield a sentence for each piece of advice that tells of what the transcript lacks."""
    for row in result.criteria:
        for case in row.cases:
            if case.status is Status.FAILED and case.feedback is not None:
                for event in _not_shown(case.feedback):
                    told = f"the advice of `{row.id}` speaks of {event}, and there was none"
                    yield f"{told}: {case.feedback.advice}"


def _not_shown(feedback: Feedback) -> list[str]:
    lines = feedback.transcript
    told = (fact for fact in FACTS if fact.words.search(feedback.advice))
    return [fact.event for fact in told if lines and not fact.is_shown(lines)]


def _has(*kinds: str) -> Callable[[Lines], bool]:
    return lambda lines: any(line.kind in kinds for line in lines)


def _has_status(pattern: str) -> Callable[[Lines], bool]:
    return lambda lines: any(
        line.kind in {"status", "reply"} and re.match(pattern, line.text) for line in lines
    )


def _has_none_of(kind: str) -> Callable[[Lines], bool]:
    """Return whether the exchange with the mark is without lines of a kind."""
    return lambda lines: all(line.kind != kind for line in _marked_exchange(lines))


def _marked_exchange(lines: Lines) -> Lines:
    marked = next((n for n, line in enumerate(lines) if line.marked), 0)
    asked = [n for n, line in enumerate(lines) if line.actor == "client"]
    start = max((n for n in asked if n <= marked), default=0)
    end = min((n for n in asked if n > marked), default=len(lines))
    return lines[start:end]


FACTS = (
    Fact(
        re.compile(r"The traceback ends in|It was not raised in a line of your own"),
        "an exception",
        _has("raised"),
    ),
    Fact(
        re.compile(r"`respond\(\)` raised an exception|something raised an exception"),
        "an exception",
        _has("raised", "error"),
    ),
    Fact(re.compile("The server raised an exception"), "an exception", _has("raised", "broke")),
    Fact(re.compile("An `error` event came"), "an `error` event", _has("error")),
    Fact(
        re.compile("no exception (left it|was logged)"),
        "an exchange without an exception",
        _has_none_of("raised"),
    ),
    Fact(re.compile("The process ended"), "the end of the process", _has("ended", "broke")),
    Fact(re.compile("without a redirect"), "a redirect", _has_status("30[12378]")),
    Fact(
        re.compile("without a `data:` of your own"), "lines that cannot be read", _has("unreadable")
    ),
    Fact(
        re.compile("waits for something that never comes|A loop does not come to its end"),
        "a silent server",
        _has("silent"),
    ),
    Fact(
        re.compile("the server was started again|After the restart"),
        "a restart",
        _has("restart", "kill"),
    ),
    Fact(re.compile("No request of this check has a token"), "a 401", _has_status("40[13]")),
    Fact(re.compile("refused the request before your function ran"), "a 422", _has_status("422")),
)
"""What advice tells as a fact, as the checks, the rubrics and ``first_cause`` word it."""
