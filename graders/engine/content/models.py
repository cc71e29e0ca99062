"""What ``lesson.yaml`` and ``rubric.yaml`` say, checked.

Must not know how anything is run or scored.

``graders/<lesson>/lesson.yaml``::

    format_version: 1
    title: First agent
    draft: false            # true: still being written, and checked only where it is named
    web: false              # true: web code of the submission is run as well, in a browser
    server: true            # false: nothing to start, only files are graded
    endpoint: /chatkit      # unless submission.yaml says otherwise
    limits:                 # by the names in core.limits, which has the defaults
      cpu_seconds: 30
    preload: [numpy]        # slow imports of servers, done once for all: names of modules
    env:                    # more variables for the student's server
      SESSION_TTL_HOURS: 24
    databases: [postgresql] # what `DATABASE_URL` may name in place of an SQLite file

``graders/<lesson>/rubric.yaml``::

    format_version: 1
    criteria:
      - id: answer-is-the-models
        title: The client gets what the model says, to the character
        points: 10
        visibility: visible         # or after_due_date, after_published, hidden: details, hint
        needs: [server-answers]     # criteria that must have been passed before
        requirement: What the model says is what the client gets.
        partial: false              # true: points for each case that passed
        graded_later: false         # true, in copies for students: its check is not there
        hints:
          default: Pass the events of stream_agent_response on as they come.
          buffered: Yield each event when it comes, not all at the end.
      - id: history-kept
        ...
        borrows: [lesson04/user-history, lesson04/roles]    # each of them is one case
      - id: front-end-loads
        ...
        optional: {part: front-end, points_from: streams}   # counts only where it is handed in

``requirement`` is a sentence of the assignment's README, word for word. A criterion with
``borrows`` is decided by criteria of other lessons, as their own checks judge them (see ``loans``).
The points of an ``optional`` one are no points more: where its part is handed in, they are taken
from the criterion that it names, and else they are not there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from graders.engine.content.binding import read
from graders.engine.content.fields import (
    ContentModel,
    FormatVersion,
    Sentence,
    Slug,
    Truth,
    WholeNumber,
    did_you_mean,
    flaw,
    is_slug,
    not_empty,
)
from graders.engine.core.limits import MOST, NAMES
from graders.engine.core.results import FeedbackLevels, Visibility
from graders.engine.core.text import quote

FULL_MARKS = 100
DEFAULT_ENDPOINT = "/chatkit"

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


class Database(StrEnum):
    """What stores for a student's server, as `DATABASE_URL` tells it."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class OptionalPart(StrEnum):
    """What nobody has to hand in."""

    FRONT_END = "front-end"


def endpoint_path(text: str) -> str:
    """Return ``text`` if it is the path of a URL; else raise a flaw."""
    if re.fullmatch(r"/[!-~]{0,199}", text) and not set(text) & set("?#"):
        return text
    raise flaw(
        "The endpoint must be a path such as `/chatkit`.",
        cure="Begin it with `/`, and leave out host, query and spaces.",
    )


def _variables(env: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in env.items():
        if not _VARIABLE.fullmatch(name):
            raise flaw("Not a variable's name.", at=(name,), cure="Use capitals, digits and `_`.")
        if "\0" in value:
            raise flaw("A variable cannot hold NUL.", at=(name,))
    return env


def _known_limits(limits: Mapping[str, int]) -> Mapping[str, int]:
    for name in limits:
        if name not in NAMES:
            raise flaw(
                f"There is no limit `{quote(name)}`.", at=(name,), cure=did_you_mean(name, NAMES)
            )
    return limits


def _with_default(hints: Mapping[str, str]) -> Mapping[str, str]:
    if "default" not in hints:
        raise flaw(
            "`default` is missing.", cure="Add `default: ...`, for whatever has no hint of its own."
        )
    return hints


def _loan(text: str) -> str:
    if all(is_slug(part) for part in text.split("/", 1)) and "/" in text:
        return text
    raise flaw(
        f"`{quote(text)}` is not a criterion of another lesson.",
        cure="Write the lesson and the id, such as `lesson06/list-own`.",
    )


def _module(text: str) -> str:
    if all(part.isidentifier() for part in text.split(".")):
        return text
    raise flaw(f"`{quote(text)}` is not a module of Python.", cure="Write it as it is imported.")


LoanName = Annotated[str, AfterValidator(_loan)]
LimitNumber = Annotated[WholeNumber, Field(ge=1, le=MOST)]
Endpoint = Annotated[str, AfterValidator(endpoint_path)]


class LessonFile(ContentModel):
    """A ``lesson.yaml``; see the module's text for the meaning of each key."""

    format_version: FormatVersion = 1
    title: Sentence
    draft: Truth = False
    web: Truth = False
    server: Truth = True
    endpoint: Endpoint = DEFAULT_ENDPOINT
    limits: Annotated[Mapping[str, LimitNumber], AfterValidator(_known_limits)] = Field(
        default_factory=dict
    )
    preload: tuple[Annotated[str, AfterValidator(_module)], ...] = ()
    env: Annotated[Mapping[str, str], AfterValidator(_variables)] = Field(default_factory=dict)
    databases: tuple[Database, ...] = ()


class LessonInfo(LessonFile):
    """A ``lesson.yaml`` together with the lesson's id, which is the name of its folder."""

    id: Slug


class FeedbackParts(ContentModel):
    """Who sees single parts of a criterion; what is left out goes by its ``visibility``."""

    title: Visibility | None = None
    score: Visibility | None = None
    seen: Visibility | None = None
    hint: Visibility | None = None

    def levels(self, visibility: Visibility) -> FeedbackLevels:
        """Return the level of each part; ``visibility`` is about what was seen and the hint."""
        return FeedbackLevels(
            title=self.title or Visibility.VISIBLE,
            score=self.score or Visibility.VISIBLE,
            seen=self.seen or visibility,
            hint=self.hint or visibility,
        )


class OptionalLine(ContentModel):
    """That a criterion counts only with a part, and which one gives it its points then."""

    part: OptionalPart
    points_from: Slug


class Criterion(ContentModel):
    """One line of a rubric; ``points`` are whole, ``hints`` are keyed to what was observed.

    ``borrows`` are criteria of other lessons, as ``lesson/criterion``; ``optional`` is set where it
    judges what nobody has to hand in.
    """

    id: Slug
    title: Sentence
    points: Annotated[WholeNumber, Field(ge=0, le=FULL_MARKS)]
    visibility: Visibility = Visibility.VISIBLE
    feedback: FeedbackParts = FeedbackParts()
    needs: tuple[Slug, ...] = ()
    requirement: Sentence
    hints: Annotated[Mapping[Slug, Sentence], AfterValidator(_with_default)]
    partial: Truth = False
    graded_later: Truth = False
    borrows: tuple[LoanName, ...] = ()
    optional: OptionalLine | None = None

    @property
    def levels(self) -> FeedbackLevels:
        """Who sees which part of it."""
        return self.feedback.levels(self.visibility)

    def hint(self, key: str | None) -> str:
        """Return the hint for ``key``, or the default one."""
        return self.hints.get(key or "default", self.hints["default"])


class Rubric(ContentModel):
    """All criteria of a lesson, in the order in which they are shown; their points sum to 100.

    Those of optional criteria are not in the sum: other criteria give them theirs (``settled``).
    """

    format_version: FormatVersion = 1
    criteria: Annotated[tuple[Criterion, ...], AfterValidator(not_empty)]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids in the order in which they are shown."""
        return tuple(criterion.id for criterion in self.criteria)

    @property
    def visible_ids(self) -> tuple[str, ...]:
        """The ids of the criteria that students may see whole, in the same order."""
        shown = (each for each in self.criteria if each.levels == FeedbackLevels())
        return tuple(criterion.id for criterion in shown)

    @property
    def total(self) -> int:
        """The points that a submission can earn, whatever it leaves out of what is optional."""
        return sum(each.points for each in self.criteria if each.optional is None)

    def settled(self, without: Collection[str]) -> Rubric:
        """Return the rubric of a submission of which these optional criteria are not graded.

        They have no points; the others take theirs from the criteria that they name.
        """
        taken = Counter[str]()
        for each in self.criteria:
            if each.optional is not None and each.id not in without:
                taken[each.optional.points_from] += each.points
        criteria = tuple(
            each.model_copy(
                update={"points": 0 if each.id in without else each.points - taken[each.id]}
            )
            for each in self.criteria
        )
        return self.model_copy(update={"criteria": criteria})

    def criterion(self, criterion_id: str) -> Criterion:
        """Return the criterion with this id, which must exist."""
        return next(each for each in self.criteria if each.id == criterion_id)

    def prerequisites_first(self) -> tuple[Criterion, ...]:
        """Return the criteria so that each comes after all that it needs, else as shown."""
        ordered: dict[str, Criterion] = {}
        waiting = list(self.criteria)
        while waiting:
            ready = next(each for each in waiting if all(need in ordered for need in each.needs))
            ordered[ready.id] = ready
            waiting.remove(ready)
        return tuple(ordered.values())

    @model_validator(mode="after")
    def _consistent(self) -> Rubric:
        _check_unique(self.criteria)
        _check_needs(self.criteria)
        _check_acyclic(self.criteria)
        _check_loans(self.criteria)
        _check_optional(self.criteria)
        if self.total != FULL_MARKS:
            off = self.total - FULL_MARKS
            raise flaw(
                f"The points sum to {self.total}, not to {FULL_MARKS}.",
                at=("criteria",),
                cure=f"{abs(off)} too {'many' if off > 0 else 'few'}.",
            )
        return self


def ids_meant(word: str, known: Iterable[str]) -> list[str]:
    """Return the ids that a word stands for: its own, or all that begin with it and a `-`."""
    ids = list(known)
    return [word] if word in ids else [each for each in ids if each.startswith(f"{word}-")]


def load_rubric(path: Path) -> Rubric:
    """Read a ``rubric.yaml``."""
    return read(path, Rubric)


def load_lesson_info(path: Path, lesson_id: str) -> LessonInfo:
    """Read a ``lesson.yaml`` of the lesson ``lesson_id``."""
    return LessonInfo(id=lesson_id, **dict(read(path, LessonFile)))


def _check_unique(criteria: tuple[Criterion, ...]) -> None:
    seen: set[str] = set()
    for index, criterion in enumerate(criteria):
        if criterion.id in seen:
            raise flaw(
                f"The id `{criterion.id}` is there already.",
                at=("criteria", index, "id"),
                cure="Ids must differ.",
            )
        seen.add(criterion.id)


def _check_needs(criteria: tuple[Criterion, ...]) -> None:
    known = [criterion.id for criterion in criteria]
    for index, criterion in enumerate(criteria):
        for place, need in enumerate(criterion.needs):
            if need not in known:
                raise flaw(
                    f"There is no criterion `{need}`.",
                    at=("criteria", index, "needs", place),
                    cure=did_you_mean(need, known),
                )


def _check_loans(criteria: tuple[Criterion, ...]) -> None:
    """Raise a flaw where one is borrowed twice, or needed by one that is tried before it."""
    borrowing = {criterion.id for criterion in criteria if criterion.borrows}
    seen: set[str] = set()
    for index, criterion in enumerate(criteria):
        for place, name in enumerate(criterion.borrows):
            if name in seen:
                at = ("criteria", index, "borrows", place)
                raise flaw(f"`{name}` is borrowed already.", at=at, cure="Borrow it once.")
            seen.add(name)
        for place, need in enumerate(criterion.needs if not criterion.borrows else ()):
            if need in borrowing:
                raise flaw(
                    f"`{need}` is borrowed, so it is tried after this one.",
                    at=("criteria", index, "needs", place),
                    cure="Need a criterion of this lesson's own.",
                )


def _check_optional(criteria: tuple[Criterion, ...]) -> None:
    """Raise a flaw where nobody can give the points, or what counts needs what may not be there."""
    optional = {each.id for each in criteria if each.optional is not None}
    givers = [each.id for each in criteria if each.id not in optional]
    for index, criterion in enumerate(criteria):
        at = ("criteria", index)
        if criterion.optional is not None and criterion.optional.points_from not in givers:
            raise flaw(
                f"`{quote(criterion.optional.points_from)}` cannot give points.",
                at=(*at, "optional", "points_from"),
                cure=f"Name a criterion that is not optional. "
                f"{did_you_mean(criterion.optional.points_from, givers)}",
            )
        if criterion.optional is None and (wrong := optional & {*criterion.needs}):
            raise flaw(
                f"`{min(wrong)}` is optional, so nothing else can need it.", at=(*at, "needs")
            )
    if lacking := overdrawn(criteria):
        raise flaw(f"`{lacking}` has fewer points than optional criteria take from it.",
                   at=("criteria",), cure="Give it more, or them fewer.")  # fmt: skip


def overdrawn(criteria: tuple[Criterion, ...]) -> str:
    """Return the criterion that has fewer points than it gives to optional ones; empty if none."""
    left = {each.id: each.points for each in criteria}
    for each in criteria:
        if each.optional is not None:
            left[each.optional.points_from] -= each.points
    return next((name for name, points in left.items() if points < 0), "")


def _check_acyclic(criteria: tuple[Criterion, ...]) -> None:
    sorter = TopologicalSorter({criterion.id: criterion.needs for criterion in criteria})
    try:
        sorter.prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        index = next(i for i, criterion in enumerate(criteria) if criterion.id in circle)
        raise flaw(
            f"The criteria need each other in a circle: {', '.join(circle)}.",
            at=("criteria", index, "needs"),
            cure="Remove one of these prerequisites.",
        ) from error
