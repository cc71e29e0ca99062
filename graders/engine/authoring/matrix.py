"""What must hold of each row of the matrix submissions x criteria, and what does not.

Pure. A row is one graded submission of a lesson: the stub, a solution, or a mutant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from graders.engine.authoring.presupposed import contradictions
from graders.engine.core.results import CriterionResult, Result, Status


class RowKind(StrEnum):
    """What a row is expected to show."""

    STUB = "stub"
    SOLUTION = "solution"
    MUTANT = "mutant"


@dataclass(frozen=True)
class Row:
    """One graded submission; ``loses`` are the criteria that it fails if graded on everything.

    ``log`` is what the grader wrote of its own errors. ``graded_on`` is empty where it was graded
    on all criteria; ``left_out`` are those that it was not graded on, of which it shows nothing.
    ``cpu_seconds`` is what the grading cost. ``needs_browser`` says that part of the criteria
    cannot be seen on every machine.
    """

    kind: RowKind
    name: str
    result: Result
    loses: frozenset[str] = frozenset()
    why: str = ""
    log: str = ""
    graded_on: tuple[str, ...] = ()
    cpu_seconds: float = 0.0
    left_out: frozenset[str] = frozenset()
    needs_browser: bool = False

    @property
    def must_lose(self) -> frozenset[str]:
        """The criteria that it is expected to fail, among those that it was graded on."""
        return self.loses - self.left_out

    @property
    def lost(self) -> frozenset[str]:
        """The criteria that did not get all their points, but for those that were blocked."""
        return frozenset(each.id for each in self.result.criteria if _is_lost(each))

    @property
    def flaws(self) -> tuple[str, ...]:
        """Sentences about what is not as it must be; none if all is well."""
        return tuple(self._flaws())

    def _flaws(self) -> Iterator[str]:
        broken = [row.id for row in self.result.criteria if row.status is Status.ERROR]
        if broken:
            yield f"{self.name}: the grader broke on {_list(broken)}."
        yield from (f"{self.name}: {each}" for each in contradictions(self.result))
        if self.kind is RowKind.STUB:
            yield from self._flaws_of_stub()
        elif self.kind is RowKind.SOLUTION:
            yield from self._flaws_of_solution()
        else:
            yield from self._flaws_of_mutant()

    def _flaws_of_stub(self) -> Iterator[str]:
        if self.result.full_marks:
            yield f"{self.name}: the stub has full marks, so there is nothing to be done."

    def _flaws_of_solution(self) -> Iterator[str]:
        if self.result.problem is not None:
            yield f"{self.name}: could not be graded: {self.result.problem.title}"
        elif self.lost:
            yield f"{self.name}: a solution must not lose {_list(self.lost)}. {self._seen()}"
        elif self._unseen and not self.needs_browser:
            told = "; ".join(f"`{row.id}`: {row.message}" for row in self._unseen)
            yield f"{self.name}: a solution must have full marks. Not run: {told}"

    @property
    def _unseen(self) -> list[CriterionResult]:
        """The criteria with points that were asked for and could not be tried."""
        return [
            row
            for row in self.result.criteria
            if row.status is Status.NOT_RUN
            and row.max_score > 0
            and not row.graded_later
            and row.id not in self.left_out
        ]

    def _flaws_of_mutant(self) -> Iterator[str]:
        if self.result.problem is not None:
            yield f"{self.name}: could not be graded: {self.result.problem.title}"
            return
        if missed := self.must_lose - self.lost:
            yield f"{self.name}: was to lose {_list(missed)} and did not."
        if extra := self.lost - self.loses:
            yield f"{self.name}: lost {_list(extra)}, undeclared. {self._seen(extra)}"

    def _seen(self, among: frozenset[str] | None = None) -> str:
        """Quote what was seen at the first lost criterion, as a help to find the reason."""
        wanted = self.lost if among is None else among
        seen = (
            case.feedback.seen
            for row in self.result.criteria
            for case in row.cases
            if row.id in wanted and case.status is Status.FAILED and case.feedback
        )
        return next((f"Seen: {text}" for text in seen), "")


def _is_lost(row: CriterionResult) -> bool:
    return row.status is Status.FAILED or (
        row.status is Status.PASSED and row.score < row.max_score
    )


def without_mutant(criteria: Sequence[str], rows: Iterable[Row]) -> list[str]:
    """Return a sentence for each criterion that no mutant is to lose where it is graded on it."""
    covered = frozenset[str]().union(*(row.must_lose for row in rows))
    return [f"`{each}`: no mutant loses it." for each in criteria if each not in covered]


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))
