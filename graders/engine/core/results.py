"""What one grading run found: frozen records with a versioned JSON form.

Must not know how a result came about or how it is shown. ``docs/result.schema.json`` is the
published schema of :class:`Result`; a test keeps the two equal.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

RESULT_FORMAT_VERSION: Literal[1] = 1


class Record(BaseModel):
    """Base of all records: immutable, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Status(StrEnum):
    """How a criterion or a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"
    """A criterion that it needs was not passed, so it was not tried."""
    ERROR = "error"
    """The grader failed, not the submission."""
    NOT_RUN = "not_run"
    """Left out on purpose (``--only``) or because the submission could not be started."""


class Visibility(StrEnum):
    """Who sees a criterion when; the words are Gradescope's."""

    VISIBLE = "visible"
    AFTER_DUE_DATE = "after_due_date"
    AFTER_PUBLISHED = "after_published"
    HIDDEN = "hidden"


class IsolationLevel(StrEnum):
    """How well the student's process was isolated."""

    FULL = "full"
    STRONG = "strong"
    PRACTICE = "practice"

    def reaches(self, wanted: IsolationLevel) -> bool:
        """Return whether this level is as good as ``wanted``; the best one stands first above."""
        best_first = list(IsolationLevel)
        return best_first.index(self) <= best_first.index(wanted)


class Isolation(Record):
    """The layers that held during a run; ``missing`` has one plain sentence per absent layer."""

    level: IsolationLevel
    layers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


NOT_STARTED = Isolation(level=IsolationLevel.PRACTICE, missing=("No server was started.",))
"""Where no code of a submission has run: there was nothing to isolate."""


class TranscriptLine(Record):
    """One line of a conversation as it went.

    ``actor`` is who acted (``client``, ``server``, ``model``, ``grader``), ``kind`` a short
    machine-readable name (``thread.item.done``, ``request``), ``text`` what is shown, ``at_ms``
    milliseconds since the check began, ``marked`` whether this is the line that was wrong.
    """

    serial: int
    actor: Literal["client", "server", "model", "grader"]
    kind: str
    text: str
    at_ms: float
    marked: bool = False


class Feedback(Record):
    """What a student reads about one failed case."""

    required: str
    seen: str
    advice: str
    transcript: tuple[TranscriptLine, ...] = ()


class CaseResult(Record):
    """One case of a criterion, e.g. one of several malformed bodies.

    ``share`` is how much of a failed case is right all the same, as (parts, of so many parts).
    """

    name: str
    status: Status
    feedback: Feedback | None = None
    duration_ms: float = 0.0
    share: tuple[NonNegativeInt, PositiveInt] = (0, 1)


class CriterionResult(Record):
    """One line of the rubric with what became of it.

    ``message`` is the one-paragraph summary that simple formats show; ``None`` when passed.
    """

    id: str
    title: str
    status: Status
    score: int = Field(ge=0)
    max_score: int = Field(ge=0)
    visibility: Visibility
    message: str | None = None
    cases: tuple[CaseResult, ...] = ()
    blocked_by: tuple[str, ...] = ()


class Problem(Record):
    """Why a submission could not be graded at all.

    ``kind`` is a stable slug (``syntax-error``, ``no-app``), ``title`` the fact, ``detail`` the
    student's own traceback cut to the student's own files (may be empty), ``cure`` what to do.
    """

    kind: str
    title: str
    detail: str = ""
    cure: str = ""


class SideCall(Record):
    """A model call that did not carry the conversation (a title, a guardrail)."""

    purpose: str
    summary: str


class Measurement(Record):
    """Something that a check measured and that no point depends on.

    ``goal`` says in words what would be good, such as ``under 100 ms``.
    """

    name: str
    value: float
    unit: str
    goal: str = ""


class Result(Record):
    """Everything that one run found about one submission."""

    format_version: Literal[1] = RESULT_FORMAT_VERSION
    lesson: str
    submission: str
    score: int = Field(ge=0)
    max_score: int = Field(ge=0)
    seed: int
    isolation: Isolation
    criteria: tuple[CriterionResult, ...]
    problem: Problem | None = None
    notes: tuple[str, ...] = ()
    side_calls: tuple[SideCall, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    advisory: bool = True
    """False only for a run that was asked to count, and whose server was isolated well enough."""
    duration_ms: float = 0.0

    @property
    def full_marks(self) -> bool:
        """Whether every point was earned and nothing of ours failed."""
        return self.problem is None and self.score == self.max_score > 0

    @property
    def grader_failed(self) -> bool:
        """Whether some criterion ended as an error of ours."""
        return any(criterion.status is Status.ERROR for criterion in self.criteria)
