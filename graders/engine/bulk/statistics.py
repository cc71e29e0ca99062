"""What the results of a class say together: of its students, and of the criteria.

Pure. Errors of ours are in none of the figures.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from graders.engine.bulk.records import CriterionRecord, FindingRecord, ResultRecord
from graders.engine.core.results import Status

BARS = 20
ENOUGH = 10
"""Students without whom a figure about a criterion says nothing."""
ALMOST_NOBODY = 0.1
GOOD_PART = 0.25
"""The part of the class that counts as its good students: those with the highest scores."""
MOST_PAIRS = 15
MOST_GROUPS = 40


@dataclass(frozen=True)
class Bar:
    """The students with a score from ``low`` to ``high`` percent."""

    low: int
    high: int
    students: tuple[str, ...]


@dataclass(frozen=True)
class CriterionFigures:
    """One criterion over the class.

    ``discrimination`` is the point-biserial correlation of passing it with the points for all else:
    near 1, it tells strong from weak students; below 0, weaker ones pass it rather. None where
    everybody or nobody passed. ``doubt`` says why it may be the grader's or the assignment's fault.
    """

    id: str
    title: str
    max_score: int
    passed: int
    failed: tuple[str, ...]
    blocked: tuple[str, ...]
    tried: int
    discrimination: float | None = None
    doubt: str = ""

    @property
    def rate(self) -> float:
        """The part of those for whom it was tried that passed."""
        return self.passed / self.tried if self.tried else 0.0


@dataclass(frozen=True)
class Together:
    """Two criteria that fail together: ``both`` failed by so many, ``either`` by at least one."""

    first: str
    second: str
    both: int
    either: int


@dataclass(frozen=True)
class SameFinding:
    """Students who failed a criterion with the same finding: one note answers all of them."""

    criterion: str
    title: str
    seen: str
    advice: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class ClassFigures:
    """All that the page of a class shows beside the list of its students."""

    count: int
    most: int
    mean: float
    median: float
    bars: tuple[Bar, ...]
    criteria: tuple[CriterionFigures, ...]
    together: tuple[Together, ...]
    findings: tuple[SameFinding, ...]


def figures(records: Iterable[ResultRecord]) -> ClassFigures:
    """Return the figures of a class; ``records`` are of one lesson."""
    whole = [record for record in records if not record.error]
    scores = [record.score for record in whole]
    names = list(dict.fromkeys(name for record in whole for name in record.criteria))
    good = _good(whole)
    return ClassFigures(
        count=len(whole),
        most=max((record.max_score for record in whole), default=0),
        mean=statistics.fmean(scores) if scores else 0.0,
        median=statistics.median(scores) if scores else 0.0,
        bars=_bars(whole),
        criteria=tuple(_criterion(name, whole, good) for name in names),
        together=_together(whole, names),
        findings=_same_findings(whole, names),
    )


def _bars(records: Sequence[ResultRecord]) -> tuple[Bar, ...]:
    """Return the distribution in equal steps; full marks belong to the last one."""
    inside: dict[int, list[str]] = defaultdict(list)
    for record in records:
        part = record.score / record.max_score if record.max_score else 0.0
        inside[min(int(part * BARS), BARS - 1)].append(record.file)
    step = 100 // BARS
    return tuple(
        Bar(at * step, 100 if at == BARS - 1 else (at + 1) * step - 1, tuple(inside[at]))
        for at in range(BARS)
    )


def _good(records: Sequence[ResultRecord]) -> frozenset[str]:
    best = sorted(records, key=lambda record: -record.score)
    return frozenset(record.file for record in best[: round(len(best) * GOOD_PART)])


def _criterion(
    name: str, records: Sequence[ResultRecord], good: frozenset[str]
) -> CriterionFigures:
    rows = [(record, record.criteria[name]) for record in records if name in record.criteria]
    tried = [(record, row) for record, row in rows if _was_tried(row)]
    failed = tuple(record.file for record, row in tried if row.status is Status.FAILED)
    passed = len(tried) - len(failed)
    first = rows[0][1]
    return CriterionFigures(
        id=name,
        title=first.title,
        # What is optional has points only where it was handed in.
        max_score=max(row.max_score for _, row in rows),
        passed=passed,
        failed=failed,
        blocked=tuple(record.file for record, row in rows if row.status is Status.BLOCKED),
        tried=len(tried),
        discrimination=point_biserial(
            [row.status is Status.PASSED for _, row in tried],
            [float(record.score - row.score) for record, row in tried],
        ),
        doubt=_doubt(passed, failed, tried=len(tried), good=good),
    )


def _was_tried(row: CriterionRecord) -> bool:
    return row.status in {Status.PASSED, Status.FAILED}


def _doubt(passed: int, failed: Sequence[str], *, tried: int, good: frozenset[str]) -> str:
    if tried < ENOUGH:
        return ""
    if passed <= tried * ALMOST_NOBODY:
        return f"{len(failed)} of {tried} failed it: is it announced, and is the check right?"
    strong = [name for name in failed if name in good]
    if len(strong) * 2 > len(good) and good:
        return f"{len(strong)} of the {len(good)} students with the most points failed it."
    return ""


def point_biserial(passed: Sequence[bool], points: Sequence[float]) -> float | None:
    """Return how passing goes with the points for all else; None where there is nothing to tell."""
    if len(set(passed)) < 2 or len(set(points)) < 2:
        return None
    return statistics.correlation([float(each) for each in passed], list(points))


def _together(records: Sequence[ResultRecord], names: Sequence[str]) -> tuple[Together, ...]:
    """Return the pairs of criteria that fail together most, measured by those who fail either."""
    failed = {
        name: {
            record.file
            for record in records
            if name in record.criteria and record.criteria[name].status is Status.FAILED
        }
        for name in names
    }
    pairs = [
        Together(one, other, len(failed[one] & failed[other]), len(failed[one] | failed[other]))
        for one, other in combinations(names, 2)
    ]
    often = [pair for pair in pairs if pair.both >= 2]
    often.sort(key=lambda pair: (-pair.both / pair.either, -pair.both, pair.first, pair.second))
    return tuple(often[:MOST_PAIRS])


def _same_findings(
    records: Sequence[ResultRecord], names: Sequence[str]
) -> tuple[SameFinding, ...]:
    """Return what several students share: a finding, or one part of it."""
    # One student each, however many of the parts are alike.
    groups: dict[tuple[str, str], dict[str, tuple[str, FindingRecord]]] = defaultdict(dict)
    for record in records:
        for name in names:
            row = record.criteria.get(name)
            if row is not None and row.finding is not None:
                for part in row.finding.compared:
                    groups[name, part.key].setdefault(record.file, (row.title, part))
    found = []
    for (name, _), members in groups.items():
        if len(members) > 1:
            title, first = next(iter(members.values()))
            found.append(SameFinding(name, title, first.seen, first.advice, tuple(members)))
    found.sort(key=lambda each: (-len(each.students), names.index(each.criterion), each.seen))
    return tuple(found[:MOST_GROUPS])
