"""The servers of a lesson that a specification is tried on: right ones, and broken ones.

Must not know how they are played on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from graders.engine.content.catalogue import Lesson
from graders.engine.content.fields import did_you_mean
from graders.engine.content.misconceptions import FILE, Misconception, load_misconceptions
from graders.engine.content.models import Database
from graders.engine.core.errors import ContentError
from graders.engine.course_servers.mutants import (
    SETTINGS,
    Mutant,
    databases_of,
    mutants_of,
    solutions_of,
)


@dataclass(frozen=True)
class Opponents:
    """``right`` are folders; ``broken`` are mutants, each with its misconception.

    Each of the ``misconceptions`` is shown by at least one of these.
    """

    right: Sequence[Path]
    misconceptions: Sequence[Misconception]
    broken: Sequence[Mutant]

    def showing(self, misconception: Misconception) -> list[Mutant]:
        """Return the broken servers whose authors had this misconception."""
        return [each for each in self.broken if each.misconception == misconception.id]


def load_opponents(lesson: Lesson) -> Opponents:
    """Read the solutions and those mutants of a lesson that name a misconception.

    They store in files, as all servers of the course's own do, whatever the lesson is graded with.
    """
    file = lesson.grader_dir / FILE
    misconceptions = load_misconceptions(file)
    known = [each.id for each in misconceptions]
    broken = [
        each
        for each in mutants_of(lesson)
        if each.misconception is not None and each.database is Database.SQLITE
    ]
    for each in broken:
        if each.misconception not in known:
            raise ContentError(
                each.folder / SETTINGS,
                None,
                f"There is no misconception `{each.misconception}`.",
                cure=did_you_mean(str(each.misconception), known),
            )
    shown = {each.misconception for each in broken}
    # A misconception that no server shows could be caught by nothing.
    told = [each for each in misconceptions if each.id in shown]
    databases = databases_of(lesson)
    right = [each for each in solutions_of(lesson) if Database.SQLITE in databases[each.name]]
    return Opponents(right, told, broken)


def digest_of_solution(folder: Path) -> str:
    """Return a number of the files of a solution: the same for the same files."""
    return _digest(folder.rglob("*.py"), folder)


def digest_of_mutant(mutant: Mutant) -> str:
    """Return a number of the files that a mutant is made from."""
    own = _digest(
        (path for path in mutant.folder.rglob("*") if path.name != SETTINGS), mutant.folder
    )
    return f"{digest_of_solution(mutant.base)} {own}"


def _digest(paths: Iterable[Path], folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(each for each in paths if each.is_file()):
        total.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()
