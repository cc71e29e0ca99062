"""Which criteria of a rubric are tried.

Pure. (The order in which they are tried is the rubric's own: ``Rubric.prerequisites_first``.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from graders.engine.content.fields import did_you_mean
from graders.engine.content.models import Criterion, ids_meant
from graders.engine.core.errors import UsageError
from graders.engine.core.results import Status


def chosen(criteria: Sequence[Criterion], only: Iterable[str]) -> frozenset[str]:
    """Return the ids to try: ``only`` with all that they need, or every id if ``only`` is empty.

    A word with which several ids begin, such as `specification`, stands for all of these.
    """
    by_id = {criterion.id: criterion for criterion in criteria}
    wanted = [criterion_id for word in only for criterion_id in _meant(word, by_id)]
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


def _meant(word: str, known: Collection[str]) -> list[str]:
    """Return the ids that a word stands for: its own, or those that begin with it."""
    if meant := ids_meant(word, known):
        return meant
    raise UsageError(
        f"There is no criterion {word!r} in this lesson.", cure=did_you_mean(word, known)
    )


def unmet(criterion: Criterion, so_far: Mapping[str, Status]) -> tuple[str, ...]:
    """Return those ids that ``criterion`` needs and that have not been passed."""
    return tuple(need for need in criterion.needs if so_far.get(need) is not Status.PASSED)
