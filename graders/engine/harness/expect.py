"""The words that a lesson's tests are written with: which criterion, and what must hold.

Must not know pytest's machinery beyond its markers, nor what a criterion is worth.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NoReturn, TypeVar

import pytest

from graders.engine.core.errors import Finding

T = TypeVar("T")
_BEFORE_DIFFERENCE = 20
_AFTER_DIFFERENCE = 40


def criterion(name: str, *, case: str | None = None) -> pytest.MarkDecorator:
    """Say which criterion of the rubric a test decides; ``case`` names it among several."""
    return pytest.mark.criterion(id=name, case=case)


def expect(holds: bool, seen: str, *, at: int | None = None, hint: str | None = None) -> None:
    """Raise a :class:`Finding` unless ``holds``.

    ``seen`` is one sentence that tells the student what was observed; ``at`` the serial number of
    the transcript entry that was wrong; ``hint`` picks a keyed hint of the criterion.
    """
    if holds is not True:
        found(seen, at=at, hint=hint)


def some(tried: Collection[T]) -> Collection[T]:
    """Return what a scenario tried; raise :class:`LookupError` where that is nothing.

    A check that goes over what was tried would pass without a look. That is a fault of the
    scenario, so it is an error of ours and no finding.
    """
    if not tried:
        message = "the scenario tried nothing that this check could judge"
        raise LookupError(message)
    return tried


def difference(wanted: str, got: str, *, of: str = "model's words", by: str = "client got") -> str:
    """Tell in a sentence where two texts first differ; what would not be seen is escaped.

    ``of`` names the first text, ``by`` how the second came.
    """
    pairs = enumerate(zip(wanted, got, strict=False))
    same = next((at for at, (one, other) in pairs if one != other), min(len(wanted), len(got)))
    start = max(same - _BEFORE_DIFFERENCE, 0)
    part = slice(start, same + _AFTER_DIFFERENCE)
    dots = "…" if start else ""
    wanted_part, got_part = f"{dots}{wanted[part]}", f"{dots}{got[part]}"
    return (
        f"From character {same + 1:,} on, the {of} are {wanted_part!r}, and the {by} {got_part!r}."
        if got
        else f"The {of} are {wanted[part]!r}, and the {by} nothing."
    )


def found(seen: str, *, at: int | None = None, hint: str | None = None) -> NoReturn:
    """Raise the :class:`Finding` that ``seen`` describes."""
    raise Finding(seen, hint=hint, mark=at)


def needed(
    holds: bool, seen: str, *, by: str, at: int | None = None, hint: str | None = None
) -> None:
    """Raise the :class:`Finding` that a check has nothing to look at, unless ``holds``.

    ``by`` is the criterion that judges what is missing: where it failed, this check is blocked.
    Otherwise it fails.
    """
    if holds is not True:
        raise Finding(seen, hint=hint, mark=at, needs=(by,))
