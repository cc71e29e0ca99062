"""What one grading run found: frozen records with a versioned JSON form.

Must not know how a result came about or how it is shown. ``docs/result.schema.json`` is the
published schema of :class:`Result`; a test keeps the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

RESULT_FORMAT_VERSION: Literal[1] = 1


class Record(BaseModel):
    """Base of all records: immutable, strict about unknown keys, and written with every field.

    Its numbers are finite: JSON has no others.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        json_schema_serialization_defaults_required=True,
    )


class Status(StrEnum):
    """How a criterion or a case ended.

    `passed`: it holds. `failed`: it does not hold, and feedback says what was seen. `blocked`: not
    tried, because a criterion that it needs was not passed. `error`: the grader failed, not the
    submission. `not_run`: left out on purpose (`--only`), not in this copy of the grader, or the
    server could not be started. `withheld`: decided, and not shown to whom this was made for.
    """

    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"
    ERROR = "error"
    NOT_RUN = "not_run"
    WITHHELD = "withheld"


class Visibility(StrEnum):
    """Who sees a criterion when; the words are Gradescope's.

    `visible`: students, always. `after_due_date`, `after_published`: students, from then on.
    `hidden`: the instructor only.
    """

    VISIBLE = "visible"
    AFTER_DUE_DATE = "after_due_date"
    AFTER_PUBLISHED = "after_published"
    HIDDEN = "hidden"


class FeedbackLevels(Record):
    """Who sees which part of a criterion, and when."""

    title: Visibility = Field(Visibility.VISIBLE, description="Its title and its id.")
    score: Visibility = Field(
        Visibility.VISIBLE, description="Its points, and whether it was passed."
    )
    seen: Visibility = Field(
        Visibility.VISIBLE, description="What was required and what was seen, with the transcript."
    )
    hint: Visibility = Field(Visibility.VISIBLE, description="What to try.")


class IsolationLevel(StrEnum):
    """How well the student's process was isolated.

    `full`: by namespaces too, with a root folder of its own. `strong`: by Landlock and seccomp.
    `practice`: by less than that, so a score could be forged.
    """

    FULL = "full"
    STRONG = "strong"
    PRACTICE = "practice"

    def reaches(self, wanted: IsolationLevel) -> bool:
        """Return whether this level is as good as ``wanted``; the best one stands first above."""
        best_first = list(IsolationLevel)
        return best_first.index(self) <= best_first.index(wanted)


class Isolation(Record):
    """How the student's process was isolated during a run."""

    level: IsolationLevel
    layers: tuple[str, ...] = Field((), description="The layers that held, in their order.")
    missing: tuple[str, ...] = Field(
        (), description="One plain sentence for each layer that did not hold."
    )


NOT_STARTED = Isolation(level=IsolationLevel.PRACTICE, missing=("No server was started.",))
"""Where no code of a submission has run: there was nothing to isolate."""


class TranscriptLine(Record):
    """One line of a conversation as it went."""

    serial: int = Field(description="The number of the event; they rise, and some are left out.")
    actor: Literal["client", "server", "model", "grader"] = Field(
        description="Who acted: `client` (the user's app), `server` (the submission), `model` (the "
        "scripted one), or `grader` (what else the grader did, such as moving the clock)."
    )
    kind: str = Field(description="A short name: `thread.item.done`, `request`.")
    text: str = Field(description="What is shown.")
    at_ms: float = Field(description="Milliseconds since the check began.")
    marked: bool = Field(False, description="Whether this line is the one that was wrong.")
    count: PositiveInt = Field(
        1, description="How many events of one kind, one after the other, it stands for."
    )


class SourceLine(Record):
    """A line of the submission's own that an exception came through."""

    file: str = Field(description="The file, as it was handed in.")
    line: int = Field(description="The number of the line, from 1.")
    function: str = Field("", description="The function that the line is in.")
    code: str = Field("", description="The text of the line.")


class RaisedException(Record):
    """An exception in the submission's code, as its own process tells it."""

    error: str = Field(description="The name of its class: `NameError`.")
    origin: str = Field("", description="The module of its class.")
    logger: str = Field(
        "", description="The logger that was told of it; empty where it left the application."
    )
    message: str = Field("", description="What it says, on one line.")
    places: tuple[SourceLine, ...] = Field(
        (), description="Lines of the submission's own files, the innermost last."
    )
    meant: str = Field("", description="The name that is nearest to one that is not there.")
    request: str = Field("", description="The type of the request that was being answered.")


MOST_PICTURE_CHARACTERS = 48_000
"""How long a picture may be, as text; a result holds one for each failed case at most."""


class Picture(Record):
    """What a page showed when a check looked at it, a JPEG; the page may show anything."""

    of: str = Field(description="When that was, in words.")
    jpeg: str = Field(
        description="The picture in base64.",
        max_length=MOST_PICTURE_CHARACTERS,
        pattern=r"^[A-Za-z0-9+/]+={0,2}$",
    )


MOST_PARTS = 50
"""How many parts of a finding are kept by themselves."""


class FindingPart(Record):
    """One of the things that one finding is about, such as one scenario of several."""

    name: str = Field(description="What it is called in the submission.")
    seen: str = Field(description="What really happened there.")


class Feedback(Record):
    """What a student reads about one failed case."""

    required: str = Field(description="The sentence of the assignment that is graded.")
    seen: str = Field(description="What really happened; what went wrong first stands first.")
    advice: str = Field(description="What to try.")
    transcript: tuple[TranscriptLine, ...] = Field(
        (), description="The conversation as it went; empty where nothing was said."
    )
    cause: str = Field(
        "",
        description="What went wrong first in the request, where that is known: `raised`, `ended`, "
        "`not-there-yet`, `redirect`, `blocked-loop`, `endless-loop`, `data-twice` and the like.",
    )
    raised: RaisedException | None = Field(
        None, description="The exception, if `cause` is `raised` or `not-there-yet`."
    )
    printed: str = Field("", description="The end of what the server printed meanwhile.")
    picture: Picture | None = Field(
        None, description="What the page showed at the step that failed; null where there is none."
    )
    parts: tuple[FindingPart, ...] = Field(
        (),
        description="What was seen in each part, where the finding is about several; at most "
        f"{MOST_PARTS} of them.",
    )


class CaseResult(Record):
    """One case of a criterion, such as one of several malformed bodies."""

    name: str = Field(description="What the case is about.")
    status: Status
    feedback: Feedback | None = Field(None, description="Only where the case failed, else null.")
    duration_ms: float = Field(0.0, description="How long it took, in milliseconds.")
    share: tuple[NonNegativeInt, PositiveInt] = Field(
        (0, 1), description="How much of a failed case is right all the same: [parts, of so many]."
    )


class CriterionResult(Record):
    """One line of the rubric with what became of it."""

    id: str = Field(description="The criterion's stable id, as in `--only`.")
    title: str = Field(description="The criterion as a fact.")
    status: Status
    score: int = Field(ge=0, description="Points earned.")
    max_score: int = Field(ge=0, description="Points that can be earned.")
    visibility: Visibility
    levels: FeedbackLevels = FeedbackLevels()
    message: str | None = Field(
        None, description="All that is to be said, in one paragraph; null when passed."
    )
    cases: tuple[CaseResult, ...] = Field((), description="The cases that were tried, in order.")
    blocked_by: tuple[str, ...] = Field(
        (), description="The ids of the criteria that kept it from being tried."
    )
    group: str = Field(
        "", description="The heading that it stands under in the assignment's README; may be empty."
    )
    graded_later: bool = Field(
        False, description="Whether its check is not in this copy of the grader: graded later."
    )

    @model_validator(mode="before")
    @classmethod
    def _levels_of_its_visibility(cls, data: object) -> object:
        """Fill in the levels where only the one word is given, as older results have it."""
        if isinstance(data, dict) and "levels" not in data and "visibility" in data:
            word = data["visibility"]
            return {**data, "levels": {"seen": word, "hint": word}}
        return data


class Problem(Record):
    """Why a server could not be started, or nothing be graded at all."""

    kind: str = Field(description="A stable name of the reason: `syntax-error`, `no-app`.")
    title: str = Field(description="What is wrong, as a fact.")
    detail: str = Field(
        "", description="The traceback, cut to the student's own files; may be empty."
    )
    cure: str = Field("", description="What to do about it; may be empty.")


class SideCall(Record):
    """A model call that did not carry the conversation."""

    purpose: str = Field(
        description="What it seems to be for: a title, a check, the provider's API."
    )
    summary: str = Field(
        description="The beginning of what the model was asked, or the method and path of the API."
    )


class Measurement(Record):
    """Something that a check measured and that no point depends on."""

    name: str = Field(description="What was measured.")
    value: float = Field(description="The number.")
    unit: str = Field(description="Its unit.")
    goal: str = Field("", description="In words what would be good; may be empty.")


class Environment(Record):
    """What a result was made with."""

    grader: str = Field(description="The version of the grader.")
    python: str = Field(description="The version of Python that ran the grader and the server.")
    platform: str = Field(description="The operating system and the machine's architecture.")
    packages: Mapping[str, str] = Field(
        description="The versions of the packages that decide how a server behaves."
    )
    course_digest: str = Field(
        "",
        description="The digest of what `course.yaml` changes in the lesson; empty if it changes "
        "nothing.",
    )
    grader_digest: str = Field(
        "", description="`sha256:` and the digest of the grader's own files; empty if unknown."
    )
    lesson_digest: str = Field(
        "",
        description="The same of the lesson: rubric, checks, quiz, and its solutions. Of the quiz "
        "over all lessons: the bank of questions.",
    )
    lock_digest: str = Field(
        "", description="The same of the lock file, which says what a server could import."
    )


CHAPTER_QUIZ = "chapter-quiz"
"""What a result has in the place of a lesson where the quiz over all lessons was graded."""


class Result(Record):
    """Everything that one run found about one submission."""

    format_version: Literal[1] = Field(
        RESULT_FORMAT_VERSION, description="The version of this format."
    )
    lesson: str = Field(description="The lesson's id.")
    course: str = Field(
        "", description="The class, as `course.yaml` names it; empty if there is none."
    )
    submission: str = Field(description="The name of the folder or archive that was graded.")
    submission_path: str = Field(description="Its full path on the machine that graded it.")
    content_hash: str = Field(
        "",
        description="`sha256:` and the digest of the files that were graded, the same for a folder "
        "and its archive; empty if nothing of them could be graded.",
    )
    score: int = Field(ge=0, description="Points earned.")
    max_score: int = Field(ge=0, description="Points that can be earned in the lesson.")
    seed: int = Field(description="Repeats the same test data when given as `--seed`.")
    started_at: str = Field(
        description="When the run began, in UTC, as in RFC 3339.",
        json_schema_extra={"format": "date-time"},
    )
    duration_ms: float = Field(0.0, description="How long the run took, in milliseconds.")
    made_with: Environment
    isolation: Isolation
    criteria: tuple[CriterionResult, ...] = Field(description="The rubric, in its own order.")
    problem: Problem | None = Field(
        None, description="Why the server could not be started, if so; else null."
    )
    notes: tuple[str, ...] = Field((), description="Remarks that cost no points.")
    side_calls: tuple[SideCall, ...] = Field(
        (), description="Model calls that were not for an answer; they cost no points."
    )
    measurements: tuple[Measurement, ...] = Field(
        (), description="What was measured; no point depends on it."
    )
    advisory: bool = Field(
        True,
        description="Whether the run is practice and does not count. It is false only for a run "
        "that was asked to count, and whose server was isolated well enough.",
    )

    @property
    def full_marks(self) -> bool:
        """Whether every point was earned that this grader can give, and nothing of ours failed."""
        return self.problem is None and self.score == self.max_score - self.later_points > 0

    @property
    def later_points(self) -> int:
        """The points of criteria that this copy of the grader cannot grade."""
        return sum(row.max_score for row in self.criteria if row.graded_later)

    @property
    def tried(self) -> tuple[CriterionResult, ...]:
        """The criteria that were not left out, and whose points are in the total."""
        left_out = {Status.NOT_RUN, Status.WITHHELD}
        return tuple(row for row in self.criteria if row.status not in left_out)

    @property
    def grader_failed(self) -> bool:
        """Whether some criterion ended as an error of ours."""
        return any(criterion.status is Status.ERROR for criterion in self.criteria)
