"""What is to be graded, and how: the plain facts of one run, from the command to the result.

It can be sent to another process: nothing in it is open. Who listens and what starts the servers
are not in it. Must not know how grading is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from graders.engine.content.catalogue import Lesson
from graders.engine.core.results import IsolationLevel


@dataclass(frozen=True)
class GradingRequest:
    """One submission that is to be graded.

    ``submission`` is the folder or the archive that was handed in. ``seed`` decides every word
    that the checks make up. ``only`` leaves out all criteria but these and what they need; none
    means all. ``require`` is the level of isolation that the servers need to have.
    """

    lesson: Lesson
    submission: Path
    seed: int
    only: tuple[str, ...] = ()
    require: IsolationLevel = IsolationLevel.PRACTICE

    @property
    def name(self) -> str:
        """What the result calls the submission."""
        return self.submission.resolve().name

    @property
    def path(self) -> str:
        """Where the submission is, in full."""
        return str(self.submission.resolve())
