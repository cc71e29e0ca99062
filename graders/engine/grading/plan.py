"""Which criteria of a rubric are tried.

Pure. (The order in which they are tried is the rubric's own: ``Rubric.prerequisites_first``.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from graders.engine.content.fields import did_you_mean
from graders.engine.content.models import Criterion
from graders.engine.core.errors import UsageError
from graders.engine.core.results import Status


def chosen(criteria: Sequence[Criterion], only: Iterable[str]) -> frozenset[str]:
    """Return the ids to try: ``only`` with all that they need, or every id if ``only`` is empty."""
    by_id = {criterion.id: criterion for criterion in criteria}
    wanted = tuple(only)
    for criterion_id in wanted:
        _require_known(criterion_id, by_id)
    if not wanted:
        return frozenset(by_id)
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        criterion_id = waiting.pop()
        if criterion_id not in found:
            found.add(criterion_id)
            waiting.extend(need for need in by_id[criterion_id].needs if need in by_id)
    return frozenset(found)


def _require_known(criterion_id: str, known: Collection[str]) -> None:
    if criterion_id in known:
        return
    raise UsageError(
        f"There is no criterion {criterion_id!r} in this lesson.",
        cure=did_you_mean(criterion_id, known),
    )


def unmet(criterion: Criterion, so_far: Mapping[str, Status]) -> tuple[str, ...]:
    """Return those ids that ``criterion`` needs and that have not been passed."""
    return tuple(need for need in criterion.needs if so_far.get(need) is not Status.PASSED)
