"""What happens during a grading run, told as it happens, for live progress.

Facts in the past tense; must not know who listens or how it looks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from graders.engine.core.results import CaseResult, CriterionResult, FeedbackLevels, Result

SEEN_BY_ALL = FeedbackLevels()


@dataclass(frozen=True)
class Noticed:
    """Something that is worth saying before anything of the submission runs."""

    text: str


@dataclass(frozen=True)
class RunStarted:
    """Grading began; ``criteria`` are those that will be tried, as (id, title), in order."""

    lesson: str
    criteria: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CriterionStarted:
    """The first check of a criterion began; ``levels`` say who may read its title."""

    id: str
    title: str
    levels: FeedbackLevels = SEEN_BY_ALL


@dataclass(frozen=True)
class CheckWentOn:
    """A check that takes long has done ``done`` parts of ``parts``."""

    done: int
    parts: int


@dataclass(frozen=True)
class CaseFinished:
    """One case of a criterion ended.

    ``log`` is the grader's own traceback when the case ended as an error of ours, else empty;
    it is for ``--verbose`` only and never part of a result.
    """

    criterion: str
    case: CaseResult
    log: str = ""


@dataclass(frozen=True)
class CriterionFinished:
    """A criterion was decided, also when it was blocked or left out."""

    result: CriterionResult


@dataclass(frozen=True)
class RunFinished:
    """Everything was decided."""

    result: Result


GradingEvent: TypeAlias = (
    Noticed
    | RunStarted
    | CriterionStarted
    | CheckWentOn
    | CaseFinished
    | CriterionFinished
    | RunFinished
)
Listener: TypeAlias = Callable[[GradingEvent], None]


def nobody_listens(_event: GradingEvent) -> None:
    """Drop the event: the listener of a run that nobody watches."""
