"""Which scores have changed between two runs, by criterion, and why.

Pure. A score that changed though nothing else did is the grader's fault, and is told as that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graders.engine.bulk.records import ResultRecord

NOTHING_CHANGED = "nothing but the seed: report this"


@dataclass(frozen=True)
class ScoreChange:
    """One student's score that changed, or that is in one of the runs alone."""

    student: str
    before: int | None
    now: int | None
    criteria: tuple[tuple[str, int, int], ...] = ()
    reason: str = ""


def changes(
    before: Mapping[str, ResultRecord], now: Mapping[str, ResultRecord]
) -> Iterator[ScoreChange]:
    """Yield each change, in the order of the students."""
    for student in sorted({*before, *now}, key=str.casefold):
        old, new = before.get(student), now.get(student)
        if (change := _change(student, old, new)) is not None:
            yield change


def _change(student: str, old: ResultRecord | None, new: ResultRecord | None) -> ScoreChange | None:
    if old is None or new is None:
        reason = "new" if old is None else "not there any more"
        return ScoreChange(student, _score(old), _score(new), (), reason)
    criteria = tuple(_criteria(old, new))
    if _score(old) == _score(new) and not criteria:
        return None
    return ScoreChange(student, _score(old), _score(new), criteria, _reason(old, new))


def _score(record: ResultRecord | None) -> int | None:
    return None if record is None or record.error else record.score


def _criteria(old: ResultRecord, new: ResultRecord) -> Iterator[tuple[str, int, int]]:
    for name in dict.fromkeys([*old.criteria, *new.criteria]):
        was, has = old.criteria.get(name), new.criteria.get(name)
        points = (was.score if was else 0), (has.score if has else 0)
        if points[0] != points[1]:
            yield (name, *points)


def _reason(old: ResultRecord, new: ResultRecord) -> str:
    if old.error or new.error:
        return "an error of the grader"
    differ = {
        "the submission": old.content_hash != new.content_hash,
        "the grader": old.grader != new.grader,
        "the lesson": old.lesson != new.lesson,
        "the packages": old.lock != new.lock,
        "course.yaml": old.course != new.course,
    }
    changed = [name for name, is_other in differ.items() if is_other]
    return f"changed: {', '.join(changed)}" if changed else NOTHING_CHANGED
