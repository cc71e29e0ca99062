"""A new mutant: an author changes a copy of a solution, and says why and what it must lose.

It is written wholly or not at all. Must not ask, print or grade.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from graders.engine.authoring.differences import LEFT_BEHIND, Change, change_between, files_in
from graders.engine.content.catalogue import Lesson
from graders.engine.content.fields import did_you_mean, is_slug
from graders.engine.content.models import Database
from graders.engine.core.errors import ContentError, UsageError
from graders.engine.core.text import quote, visible
from graders.engine.course_servers.mutants import (
    FILES,
    MUTANTS,
    PATCH,
    SETTINGS,
    Mutant,
    databases_of,
    load_mutant,
    solutions_of,
)
from graders.engine.reports.files import write_whole

_WIDEST = 1_000_000
"""Columns of a line of YAML: none is ever wrapped."""


@dataclass(frozen=True)
class Draft:
    """A mutant that is not there yet; ``base`` is the solution that is changed."""

    lesson: Lesson
    name: str
    base: Path

    @property
    def target(self) -> Path:
        """The folder that it will have."""
        return self.lesson.solutions_dir / MUTANTS / self.name

    @contextmanager
    def copied(self) -> Iterator[Path]:
        """Yield a copy of the solution, to be changed; it is removed afterwards."""
        with tempfile.TemporaryDirectory(prefix="mutant-") as place:
            folder = Path(place) / self.base.name
            shutil.copytree(self.base, folder, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
            yield folder

    def change_in(self, copy: Path) -> Change:
        """Return what the author changed in the copy; a UsageError if it is nothing."""
        change = change_between(self.base, copy)
        if not change.names:
            raise UsageError(
                "Nothing was changed, so nothing is written.",
                cure="Change the copy and save it before you go on.",
            )
        return change

    def write(self, change: Change, copy: Path, why: str, loses: Sequence[str]) -> Mutant:
        """Write the mutant and return it; a UsageError, and nothing written, if that fails."""
        try:
            with tempfile.TemporaryDirectory(
                dir=self.lesson.solutions_dir, prefix=".new-"
            ) as place:
                mutant = self._written_in(Path(place) / self.name, change, why, loses)
                _require_built(mutant, copy)
                self.target.parent.mkdir(exist_ok=True)
                mutant.folder.rename(self.target)
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(f"{self.target} cannot be written: {reason}.") from error
        return replace(mutant, folder=self.target)

    def _written_in(self, folder: Path, change: Change, why: str, loses: Sequence[str]) -> Mutant:
        folder.mkdir()
        if change.patch:
            (folder / PATCH).write_bytes(change.patch.encode())
        for name, content in change.files.items():
            file = folder / FILES / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        write_whole(folder / SETTINGS, self._settings(why, loses))
        return load_mutant(folder, self.lesson)

    def _settings(self, why: str, loses: Sequence[str]) -> str:
        return render_settings(why, loses, self.base.name, self.lesson.database)


def new_draft(lesson: Lesson, name: str, base: str) -> Draft:
    """Return the draft of a mutant of this name; a UsageError if there can be none."""
    if not is_slug(name):
        raise UsageError(
            f"`{quote(name)}` cannot be the name of a mutant.",
            cure="Use small letters, digits and single hyphens, such as `last-delta-lost`.",
        )
    bases = {path.name: path for path in solutions_of(lesson)}
    if base not in bases:
        raise UsageError(
            f"`{lesson.id}` has no solution `{quote(base)}`.", cure=did_you_mean(base, bases)
        )
    draft = Draft(lesson.on(databases_of(lesson)[base][0]), name, bases[base])
    if draft.target.exists():
        raise UsageError(
            f"`{lesson.id}` has a mutant `{name}` already.",
            cure=f"Take another name, or remove {draft.target} first.",
        )
    return draft


def checked_why(text: str) -> str:
    """Return the sentence that says what the mistake is; a UsageError if it is none."""
    why = text.strip()
    if not why or why != visible(why, one_line=True):
        raise UsageError(
            "`why` must be one line of text.",
            cure="Say in one sentence what the mutant does wrong.",
        )
    return why


def checked_loses(told: Collection[str], lesson: Lesson) -> tuple[str, ...]:
    """Return the criteria in the order of the rubric; a UsageError if there are none or others."""
    known = lesson.rubric.ids
    for criterion in told:
        if criterion not in known:
            raise UsageError(
                f"There is no criterion `{quote(criterion)}`.", cure=did_you_mean(criterion, known)
            )
    if not told:
        raise UsageError(
            "A mutant must lose at least one criterion.", cure=f"Known: {', '.join(known)}."
        )
    return tuple(each for each in known if each in told)


def with_loses(mutant: Mutant, loses: Sequence[str]) -> Mutant:
    """Write other criteria into the ``mutant.yaml`` of a mutant, and return it so."""
    write_whole(
        mutant.folder / SETTINGS,
        render_settings(mutant.why, loses, mutant.base.name, mutant.database),
    )
    return replace(mutant, loses=frozenset(loses))


def render_settings(
    why: str, loses: Sequence[str], base: str, database: Database = Database.SQLITE
) -> str:
    """Return the text of a ``mutant.yaml``."""
    settings = {"format_version": 1, "why": why, "loses": list(loses), "base": base}
    if database is not Database.SQLITE:
        settings["database"] = str(database)
    return yaml.safe_dump(
        settings, sort_keys=False, allow_unicode=True, width=_WIDEST, default_flow_style=None
    )


def _require_built(mutant: Mutant, copy: Path) -> None:
    """Raise a UsageError unless the mutant is built as what the author has made."""
    wanted = files_in(copy)
    try:
        with mutant.built() as folder:
            found = files_in(folder)
    except ContentError as error:  # such as a file where a folder was
        raise UsageError(
            f"The change cannot be written as a patch, which {error.message}"
        ) from error
    wrong = [name for name in sorted(wanted | found) if wanted.get(name) != found.get(name)]
    if wrong:
        raise UsageError(f"The change of `{quote(wrong[0])}` cannot be written as a mutant.")
