"""What one phase of one test means: passed, the student's fault, or ours.

The single place where that line is drawn. A :class:`Finding`, or a group of nothing but
findings, is the student's; every other exception is ours, also a skipped test, because a check
that does not decide must not look like one that does.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from graders.engine.content.models import Criterion
from graders.engine.core.errors import Finding, NotMeasurable
from graders.engine.core.results import MOST_PARTS, Feedback, FindingPart, Status
from graders.engine.server.diagnosis.first_cause import Cause, first_cause
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import DidNotStartAgain

_OF_PYTEST = {"_pytest", "pluggy", "pytest_asyncio"}


@dataclass(frozen=True)
class Verdict:
    """What a test has said so far; ``log`` is our own traceback if the status is ``error``.

    ``share`` is how much of a failed case is right all the same, as (parts, of so many). ``needs``
    are criteria by which a failed case is blocked instead, where one of them failed. ``why`` says
    why a check was not run that this machine lacks something for, or why a case is blocked beside
    others that will do, and ``right_so_far`` that all of it is right that could be seen.
    ``not_started`` says that the server did not start again, so that nothing could be seen.
    """

    status: Status
    feedback: Feedback | None = None
    log: str = ""
    share: tuple[int, int] = (0, 1)
    needs: tuple[str, ...] = ()
    why: str = ""
    right_so_far: bool = False
    not_started: bool = False


PASSED = Verdict(Status.PASSED)
SILENT = Verdict(Status.ERROR, log="The check ended without a report.")


def judge(error: BaseException | None, criterion: Criterion, trace: Trace | None = None) -> Verdict:
    """Return what it means for ``criterion`` that a test ended with ``error`` (``None``: well)."""
    if error is None:
        return PASSED
    if isinstance(error, NotMeasurable):
        status = Status.BLOCKED if error.others_decide else Status.NOT_RUN
        return Verdict(status, why=error.why, right_so_far=error.right_so_far)
    finding = finding_in(error)
    if finding is None:
        return Verdict(Status.ERROR, log=log_of(error))
    stopped = _what_stopped_it(finding, trace)
    feedback = _feedback(stopped or finding, criterion, trace)
    return Verdict(
        Status.FAILED,
        feedback,
        share=finding.share,
        needs=finding.needs,
        not_started=stopped is not None,
    )


def _what_stopped_it(finding: Finding, trace: Trace | None) -> Finding | None:
    """Return why there was no server to be asked, if a finding is or tells just that."""
    if isinstance(finding, DidNotStartAgain):
        return finding
    stopped = None if trace is None else trace.stopped
    return stopped if stopped is not None and stopped.seen in finding.seen else None


def log_of(error: BaseException) -> str:
    """Return the traceback of ``error`` without the frames of pytest."""
    told = traceback.TracebackException.from_exception(error)
    told.stack = traceback.StackSummary.from_list(
        frame for frame in told.stack if not _OF_PYTEST & set(Path(frame.filename).parts)
    )
    return "".join(told.format())


def finding_in(error: BaseException) -> Finding | None:
    """Return the first finding if the whole of ``error`` is the student's doing, else ``None``."""
    leaves = tuple(_leaves(error))
    findings = [leaf for leaf in leaves if isinstance(leaf, Finding)]
    return findings[0] if len(findings) == len(leaves) else None


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


HOW_IT_WENT = frozenset(
    {"status", "not-found", "error-event", "no-answer", "no-end", "first-message", "follow-up"}
)
"""Hints that only say how a request went: what went wrong first in it says more."""


_UNANSWERED = "unanswered"
"""The hint for some of many requests: how many is worth telling beside what went wrong first."""


def _feedback(finding: Finding, criterion: Criterion, trace: Trace | None) -> Feedback:
    parts = tuple(FindingPart(name=name, seen=seen) for name, seen in finding.parts[:MOST_PARTS])
    if trace is None:
        advice = criterion.hint(finding.hint)
        seen = finding.sentence
        return Feedback(required=criterion.requirement, seen=seen, advice=advice, parts=parts)
    cause = _worth_telling(first_cause(trace, finding.mark), finding)
    return Feedback(
        required=criterion.requirement,
        seen=_seen(finding, cause, trace.explanations),
        advice=_advice(finding, cause, criterion),
        transcript=trace.lines(finding.mark if cause is None else cause.serial),
        cause="" if cause is None else cause.kind,
        raised=None if cause is None else cause.raised,
        printed=trace.printed,
        picture=trace.picture,
        parts=parts,
    )


def _worth_telling(cause: Cause | None, finding: Finding) -> Cause | None:
    """Return the cause, unless it only explains findings of another kind."""
    if cause is None or cause.explains is None or finding.hint in HOW_IT_WENT:
        return cause
    return cause if (finding.hint or "") in cause.explains else None


def _advice(finding: Finding, cause: Cause | None, criterion: Criterion) -> str:
    """Return the advice that fits: of the cause, unless the criterion has one for just this."""
    if finding.advice or cause is None or cause.expected:
        return finding.advice or criterion.hint(finding.hint)
    general = finding.hint is None or finding.hint in {*HOW_IT_WENT, _UNANSWERED}
    return cause.advice if general or cause.explains else criterion.hint(finding.hint)


def _seen(finding: Finding, cause: Cause | None, explanations: Sequence[str]) -> str:
    """Tell what went wrong first, then the finding, and beside it what may lie behind it.

    A finding that only says how the request went adds nothing to what went wrong first.
    """
    others = (each for each in explanations if each not in finding.seen)
    notes = [f"Note: {Finding(each).sentence}" for each in others]
    if cause is None:
        return " ".join([finding.sentence, *notes])
    said_already = finding.hint in HOW_IT_WENT
    told = [cause.led_to, "" if said_already else finding.sentence, *notes]
    return "\n".join(filter(None, (cause.seen, " ".join(filter(None, told)))))


def worse(first: Verdict, second: Verdict) -> Verdict:
    """Return the verdict that stands of two phases: our own failure, else the first failure."""
    if Status.ERROR in (first.status, second.status):
        return first if first.status is Status.ERROR else second
    return second if first.status is Status.PASSED else first
