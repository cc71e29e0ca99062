"""Why a criterion was not tried, traced back to what really failed, and what costs most.

Pure. A student mends causes: a chain of blocked criteria is shown as waiting for its beginning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graders.engine.core.results import CriterionResult, Result, Status

STOPS_THE_SERVER = frozenset({"blocked-loop", "ended", "endless-loop"})
NOT_THERE_YET = frozenset({"not-there-yet"})
"""Some of the words of :attr:`.Feedback.cause`."""


def failed(result: Result) -> tuple[CriterionResult, ...]:
    """Return the failed criteria in the order in which they are explained, numbered from 1.

    What stops the whole server comes first, since it may be behind the rest; a part that is not
    there yet comes last, since it is no mistake. Else the most valuable mistake comes first: the
    one that brings the most points if it alone is corrected, with those of the criteria that wait
    for nothing else. Of equal ones, the rubric's order decides.
    """
    rows = [row for row in result.criteria if row.status is Status.FAILED]
    return tuple(sorted(rows, key=lambda row: (_turn(row), -_worth(row, result))))


def _turn(row: CriterionResult) -> int:
    feedback = next((case.feedback for case in row.cases if case.feedback), None)
    cause = feedback.cause if feedback else ""
    return 0 if cause in STOPS_THE_SERVER else 2 if cause in NOT_THERE_YET else 1


def _worth(row: CriterionResult, result: Result) -> int:
    waiting = (each for each in result.criteria if each.status is Status.BLOCKED)
    opened = sum(each.max_score for each in waiting if waits_for(each, result) == (row.id,))
    return row.max_score - row.score + opened


def numbers(result: Result) -> Mapping[str, int]:
    """Return the number under which each failed criterion is explained."""
    return {row.id: number for number, row in enumerate(failed(result), start=1)}


def waits_for(row: CriterionResult, result: Result) -> tuple[str, ...]:
    """Return the ids of the criteria, none of them blocked, that keep ``row`` from being tried."""
    by_id = {each.id: each for each in result.criteria}
    causes: dict[str, None] = {}
    waiting, seen = list(row.blocked_by), set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        parent = by_id.get(name)
        if parent is not None and parent.status is Status.BLOCKED:
            waiting.extend(parent.blocked_by)
        else:
            causes[name] = None
    return tuple(causes)


def held_up_by(name: str, result: Result) -> Sequence[CriterionResult]:
    """Return the blocked criteria that wait for the criterion ``name``."""
    blocked = (row for row in result.criteria if row.status is Status.BLOCKED)
    return [row for row in blocked if name in waits_for(row, result)]
