"""The tests of a lesson as pytest collected them, matched with the rubric.

Refuses, as :class:`ContentError`, what could otherwise pass unnoticed: a test that decides
nothing, a test for a criterion that does not exist, a criterion that nothing decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from graders.engine.content.fields import did_you_mean
from graders.engine.content.models import Criterion
from graders.engine.core.errors import ContentError

NEEDS_SERVER = frozenset({"served", "servers", "recorded"})


@dataclass(frozen=True)
class Check:
    """One collected test: the criterion that it decides and its name as a case of it."""

    item: pytest.Function
    criterion: str
    name: str

    @property
    def needs_server(self) -> bool:
        """Whether the test asks for the student's server."""
        return not NEEDS_SERVER.isdisjoint(self.item.fixturenames)


def matched(
    items: Sequence[pytest.Item], criteria: Sequence[Criterion], rubric_file: Path
) -> tuple[Check, ...]:
    """Return the checks sorted by the given order of criteria, else as collected."""
    place = {criterion.id: number for number, criterion in enumerate(criteria)}
    checks = [_check(item, place) for item in items]
    _require_all(criteria, checks, rubric_file)
    _require_distinct(checks)
    return tuple(sorted(checks, key=lambda check: place[check.criterion]))


def _require_all(criteria: Sequence[Criterion], checks: Sequence[Check], rubric_file: Path) -> None:
    decided = {check.criterion for check in checks}
    for criterion in criteria:
        if criterion.id not in decided and not criterion.graded_later:
            raise ContentError(
                rubric_file,
                None,
                f"No test decides the criterion `{criterion.id}`.",
                cure=f'Mark a test with @criterion("{criterion.id}").',
            )


def _require_distinct(checks: Sequence[Check]) -> None:
    seen: set[tuple[str, str]] = set()
    for check in checks:
        if (check.criterion, check.name) in seen:
            raise ContentError(
                check.item.path,
                _line(check.item),
                f"The criterion `{check.criterion}` has two cases called {check.name!r}.",
                cure="Give one of them another name with @criterion(..., case=...).",
            )
        seen.add((check.criterion, check.name))


def _check(item: pytest.Item, known: dict[str, int]) -> Check:
    if not isinstance(item, pytest.Function):
        raise ContentError(item.path, None, f"{item.name} is not a test function.")
    marker = item.get_closest_marker("criterion")
    if marker is None:
        raise ContentError(
            item.path,
            _line(item),
            f"{item.name} says no criterion.",
            cure='Mark it with @criterion("the-id").',
        )
    criterion = marker.kwargs.get("id") or (marker.args[0] if marker.args else None)
    if criterion not in known:
        raise _unknown(item, criterion, known)
    return Check(item=item, criterion=criterion, name=marker.kwargs.get("case") or _name(item))


def _unknown(item: pytest.Item, criterion: object, known: dict[str, int]) -> ContentError:
    message = f"{item.name} is marked with {criterion!r}, which is not in the rubric."
    return ContentError(item.path, _line(item), message, cure=did_you_mean(str(criterion), known))


def _line(item: pytest.Item) -> int | None:
    line = item.location[1]
    return None if line is None else line + 1


def _name(item: pytest.Function) -> str:
    """Return ``the empty body`` for ``test_body[the empty body]``, ``a b`` for ``test_a_b``."""
    if hasattr(item, "callspec"):
        return str(item.callspec.id)
    return item.name.removeprefix("test_").replace("_", " ")
