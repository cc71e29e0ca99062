"""The exceptions of the engine, by whose mistake they are.

Must not know who raises them or how they are shown.

    AutograderError            anything that we say on purpose
    ├── UsageError             the person at the command line asked for something impossible
    ├── ContentError           a lesson's files (rubric, conversation, lesson.yaml) are wrong
    ├── IsolationError         the machine cannot shut a server in as well as is required
    ├── GraderBrokeError       our own machinery failed; nothing of it is charged to a student
    ├── NotMeasurable          what a check needs is not to be had here: the check is not run
    └── Finding                the submission did something wrong: a *value* of grading

A :class:`Finding` never ends a run: the grading package turns it into a failed criterion.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class AutograderError(Exception):
    """Base of every exception that the engine raises on purpose; can be sent between processes."""

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild it from what it holds: what is given to it is not what ``args`` holds."""
        return type(self).__new__, (type(self), *self.args), self.__dict__


class UsageError(AutograderError):
    """The command line asked for something that cannot be done; ``cure`` says what would work."""

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


class ContentError(AutograderError):
    """A file of the course's content is wrong.

    ``path`` and ``line`` (1-based, ``None`` where a whole file is meant) say where,
    ``message`` what is wrong, ``cure`` what to write instead.
    """

    def __init__(self, path: Path, line: int | None, message: str, *, cure: str = "") -> None:
        place = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{place}: {message}" + (f" {cure}" if cure else ""))
        self.path = path
        self.line = line
        self.message = message
        self.cure = cure


class IsolationError(AutograderError):
    """A server cannot be isolated as well as a score requires; ``cure`` says what would do."""

    def __init__(self, message: str, *, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


class GraderBrokeError(AutograderError):
    """The grader itself failed, so no score can be given; never the student's fault."""


class NotMeasurable(AutograderError):  # noqa: N818 - a fact, not an error
    """A check has no way to see what it asks for; ``why`` is one sentence.

    The machine lacks something, or a server stores in a way that cannot be looked into.
    ``right_so_far`` says that all of it that can be seen here is right: so what needs its criterion
    can be tried. ``others_decide`` says that the criterion's other cases show enough: it is not run
    only where none of them can be seen.
    """

    def __init__(
        self, why: str, *, right_so_far: bool = False, others_decide: bool = False
    ) -> None:
        super().__init__(why)
        self.why = why
        self.right_so_far = right_so_far
        self.others_decide = others_decide


class Finding(AutograderError):  # noqa: N818 - a value of grading, not an error
    """Something that a submission did wrong, seen from outside.

    ``seen`` says for the student, in one clause or sentence, what was observed. ``hint`` optionally
    picks one of the criterion's keyed hints in ``rubric.yaml``. ``mark`` is the serial number of
    the transcript entry that was wrong, if there is one. ``share`` says that so many parts of so
    many are right all the same; it counts where the criterion is ``partial``. ``needs`` are the
    criteria that judge what is missing here: where one of them failed, the check that raises this
    has shown nothing, and is blocked by it. ``advice`` is for a mistake that fails several criteria
    at once: it stands in place of what each of them says. ``parts`` has a name and what was seen of
    each thing that the finding is about, where these are several.
    """

    def __init__(
        self,
        seen: str,
        *,
        hint: str | None = None,
        mark: int | None = None,
        share: tuple[int, int] = (0, 1),
        needs: tuple[str, ...] = (),
        advice: str = "",
        parts: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(seen)
        self.seen = seen
        self.hint = hint
        self.mark = mark
        self.share = share
        self.needs = needs
        self.advice = advice
        self.parts = tuple(parts)

    @property
    def sentence(self) -> str:
        """What was seen as a sentence of its own; within another sentence use ``seen``."""
        text = self.seen.strip()
        text = text[:1].upper() + text[1:]
        return text if text.endswith((".", "!", "?", ":")) else f"{text}."
