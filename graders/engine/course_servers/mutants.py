"""Mutants: correct solutions with one known mistake, and which criteria that mistake must cost.

``reference_solutions/<lesson>/mutants/<name>/mutant.yaml``::

    format_version: 1
    why: The finished message is sent first and its deltas after it.
    loses: [event-order]      # all criteria that fail if it is graded on everything; what is
                              # blocked by them is not listed
    base: solution            # the solution that is changed; `solution` if left out
    misconception: order      # what its author has not understood, where a lesson groups mutants so
    shows_in: [restart]       # keys of scenarios that are tried on it first; its misconception's if
                              # left out
    graded_on: [event-order]  # only these criteria, or those that begin so, but with `--whole`;
                              # all if left out
    database: postgresql      # what it is graded with; `sqlite` if left out

``graded_on`` spares what another row shows already: a mutant of `spec.yaml` has the server of a
solution, and of several servers with one misconception one is graded on everything. ``loses`` says
the whole truth all the same: what lies outside of ``graded_on`` is compared by
``lesson check --whole``.

Beside it stands ``change.patch`` (a unified diff), or ``files/`` with files to replace, or both.

``reference_solutions/<lesson>/databases.yaml`` names solutions that are graded with other databases
than SQLite, or with several::

    format_version: 1
    solutions:
      solution_asyncpg: [postgresql]

Must not know how a mutant is graded.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from graders.engine.content.binding import read
from graders.engine.content.catalogue import Lesson
from graders.engine.content.fields import (
    ContentModel,
    FormatVersion,
    Name,
    Sentence,
    Slug,
    did_you_mean,
    not_empty,
)
from graders.engine.content.models import Database, ids_meant
from graders.engine.core.errors import ContentError
from graders.engine.course_servers.patches import apply_patch

MUTANTS = "mutants"
SETTINGS = "mutant.yaml"
DATABASES = "databases.yaml"
PATCH = "change.patch"
FILES = "files"


class MutantFile(ContentModel):
    """A ``mutant.yaml``."""

    format_version: FormatVersion
    why: Sentence
    loses: Annotated[tuple[Slug, ...], AfterValidator(not_empty)]
    base: Name = "solution"
    misconception: Slug | None = None
    shows_in: tuple[Name, ...] = ()
    graded_on: tuple[Slug, ...] = ()
    database: Database = Database.SQLITE


class DatabasesFile(ContentModel):
    """A ``databases.yaml``."""

    format_version: FormatVersion
    solutions: Mapping[Name, Annotated[tuple[Database, ...], AfterValidator(not_empty)]]


@dataclass(frozen=True)
class Mutant:
    """A mutant: where it is described, what it is made from, what it must lose.

    ``misconception`` names what its author has not understood; some mutants share one. ``shows_in``
    are keys of scenarios; ``graded_on`` is empty where it is graded on all criteria. ``loses`` may
    name more than is graded.
    ``database`` is what it is graded with.
    """

    folder: Path
    base: Path
    why: str
    loses: frozenset[str]
    misconception: str | None = None
    shows_in: tuple[str, ...] = ()
    graded_on: tuple[str, ...] = ()
    database: Database = Database.SQLITE

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @contextmanager
    def built(self) -> Iterator[Path]:
        """Yield a folder that holds the changed solution; it is removed afterwards."""
        with tempfile.TemporaryDirectory(prefix="mutant-") as place:
            folder = Path(place) / self.name
            shutil.copytree(self.base, folder, ignore=shutil.ignore_patterns("__pycache__"))
            if (self.folder / PATCH).exists():
                apply_patch(self.folder / PATCH, folder)
            if (self.folder / FILES).exists():
                shutil.copytree(self.folder / FILES, folder, dirs_exist_ok=True)
            yield folder


def solutions_of(lesson: Lesson) -> list[Path]:
    """Return the folders of all solutions, the main one first."""
    found = [
        path
        for path in lesson.solutions_dir.glob("solution*")
        if path.is_dir() and (path.name == "solution" or path.name.startswith("solution_"))
    ]
    if not found:
        raise ContentError(lesson.solutions_dir, None, "has no `solution`.")
    return sorted(found)


def databases_of(lesson: Lesson) -> dict[str, tuple[Database, ...]]:
    """Return what each solution is graded with, by its name; a ContentError for an unknown one."""
    names = [folder.name for folder in solutions_of(lesson)]
    plain: dict[str, tuple[Database, ...]] = dict.fromkeys(names, (Database.SQLITE,))
    file = lesson.solutions_dir / DATABASES
    if not file.is_file():
        return plain
    told = read(file, DatabasesFile).solutions
    for name in told:
        if name not in plain:
            raise ContentError(
                file, None, f"There is no solution `{name}`.", cure=did_you_mean(name, names)
            )
    for database in {each for several in told.values() for each in several}:
        _require_database(database, lesson, file)
    return {**plain, **told}


def _require_database(database: Database, lesson: Lesson, file: Path) -> None:
    if database not in (Database.SQLITE, *lesson.info.databases):
        raise ContentError(file, None, f"{lesson.id} cannot be graded with {database}.")


def mutants_of(lesson: Lesson) -> list[Mutant]:
    """Return all mutants of the lesson by name; a ContentError if one is described wrongly."""
    folder = lesson.solutions_dir / MUTANTS
    places = sorted(path for path in folder.glob("*") if path.is_dir())
    return [load_mutant(place, lesson) for place in places]


def load_mutant(folder: Path, lesson: Lesson) -> Mutant:
    """Read one mutant."""
    file = folder / SETTINGS
    told = read(file, MutantFile)
    _require_known(told.loses, lesson.rubric.ids, file)
    _require_graded(told, lesson.rubric.ids, file)
    base = lesson.solutions_dir / told.base
    if not base.is_dir():
        raise ContentError(file, None, f"There is no solution `{told.base}`.")
    if not ((folder / PATCH).exists() or (folder / FILES).exists()):
        raise ContentError(folder, None, "changes nothing.", cure=f"Add `{PATCH}` or `{FILES}/`.")
    _require_database(told.database, lesson, file)
    return Mutant(
        folder,
        base,
        told.why,
        frozenset(told.loses),
        told.misconception,
        told.shows_in,
        told.graded_on,
        told.database,
    )


def _require_known(loses: Collection[str], known: Collection[str], file: Path) -> None:
    for criterion in loses:
        if criterion not in known:
            raise ContentError(
                file,
                None,
                f"There is no criterion `{criterion}`.",
                cure=did_you_mean(criterion, known),
            )


def _require_graded(told: MutantFile, known: Collection[str], file: Path) -> None:
    """Refuse a part of the criteria that does not exist, or has nothing that is to be lost."""
    meant = {word: ids_meant(word, known) for word in told.graded_on}
    for word, ids in meant.items():
        if not ids:
            raise ContentError(
                file,
                None,
                f"There is no criterion `{word}`, and none that begins so.",
                cure=did_you_mean(word, known),
            )
    graded = {each for ids in meant.values() for each in ids}
    if graded and graded.isdisjoint(told.loses):
        raise ContentError(
            file,
            None,
            "Nothing that is to be lost is graded, so nothing would be shown.",
            cure=f"Add one of `loses` to `graded_on`: {', '.join(told.loses)}.",
        )
