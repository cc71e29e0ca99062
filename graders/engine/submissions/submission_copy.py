"""A private copy of a submission, of regular files only and of a bounded size.

Must not follow a link, open a device or a pipe, or run anything. What is left out is reported.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from graders.engine.core.errors import AutograderError
from graders.engine.core.results import Problem
from graders.engine.core.text import quote

MAX_ENTRIES = 2_000
MAX_BYTES = 50 * 1024 * 1024
MAX_DEPTH = 32
MAX_PATH_BYTES = 1_000

_BLOCK = 1 << 20
_VERSION_CONTROL = {".git", ".hg", ".svn"}
_ENVIRONMENTS = {".venv", "venv", ".tox", ".nox", "node_modules"}
_CACHES = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"}
_EDITORS = {".idea", ".vscode"}
SKIPPED_FOLDERS = _VERSION_CONTROL | _ENVIRONMENTS | _CACHES | _EDITORS
_SKIPPED_SUFFIXES = (".pyc", ".pyo")
_SECRETS = frozenset({".env", ".env.local"})
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


class SubmissionProblem(AutograderError):  # noqa: N818 - it is a value of the result, not our error
    """The submission cannot be graded; ``problem`` is what the result says about it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was left out: its path from the submission's folder, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What became of a copy: number of files, their bytes together, and what was left out."""

    files: int
    total_bytes: int
    left_out: tuple[Skipped, ...]

    @property
    def skipped(self) -> tuple[str, ...]:
        """The paths of what was left out."""
        return tuple(each.path for each in self.left_out)


def copy_submission(src: Path, dst: Path) -> CopyReport:
    """Copy the folder ``src`` to ``dst``, which must be empty or not exist, and not be in ``src``.

    Caches, virtual environments, ``.env`` files, links and everything that is no regular file are
    left out. A SubmissionProblem of the kind ``submission-too-big`` if a cap is passed; the copy
    is then not complete.
    """
    copier = _Copier(dst)
    copier.folder(src, ())
    return CopyReport(copier.files, copier.total_bytes, tuple(copier.left_out))


class _Copier:
    """One copy on its way, with what it has cost so far."""

    def __init__(self, destination: Path) -> None:
        self._destination = destination
        self._entries = 0
        self.files = 0
        self.total_bytes = 0
        self.left_out: list[Skipped] = []

    def folder(self, source: Path, parts: tuple[str, ...]) -> None:
        if len(parts) > MAX_DEPTH:
            raise _too_big(f"Its folders are nested more than {MAX_DEPTH} deep.")
        self._destination.joinpath(*parts).mkdir(exist_ok=not parts)
        for entry in self._entries_of(source, parts):
            path = (*parts, entry.name)
            if why := _reason_to_skip(entry, path):
                self._skip(path, why)
            elif entry.is_dir(follow_symlinks=False):
                self.folder(Path(entry.path), path)
            else:
                self._file(entry, path)

    def _entries_of(self, source: Path, parts: tuple[str, ...]) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(source) as found:
                entries = list(islice(found, MAX_ENTRIES - self._entries + 1))
        except OSError:
            self._skip(parts, "cannot be read")
            return []
        self._entries += len(entries)
        if self._entries > MAX_ENTRIES:
            raise _too_big(f"It holds more than {MAX_ENTRIES:,} files and folders.")
        return sorted(entries, key=lambda entry: entry.name)

    def _file(self, entry: os.DirEntry[str], parts: tuple[str, ...]) -> None:
        try:
            source = os.open(entry.path, _OPEN_FLAGS)
        except OSError:
            self._skip(parts, "cannot be read")
            return
        with os.fdopen(source, "rb") as stream:
            if not stat.S_ISREG(os.fstat(source).st_mode):  # it was changed just now
                self._skip(parts, "not a regular file")
                return
            with self._destination.joinpath(*parts).open("xb") as target:
                for block in iter(lambda: stream.read(_BLOCK), b""):
                    self._spend(len(block))
                    target.write(block)
        self.files += 1

    def _spend(self, size: int) -> None:
        self.total_bytes += size
        if self.total_bytes > MAX_BYTES:
            raise _too_big(f"Its files are larger than {MAX_BYTES >> 20} MiB together.")

    def _skip(self, parts: tuple[str, ...], why: str) -> None:
        self.left_out.append(Skipped(quote("/".join(parts), 200), why))


def _reason_to_skip(entry: os.DirEntry[str], parts: tuple[str, ...]) -> str:
    if entry.is_symlink():
        return "a link"
    if len(os.fsencode("/".join(parts))) > MAX_PATH_BYTES:
        return "its path is too long"
    if entry.is_dir(follow_symlinks=False):
        return _reason_to_skip_folder(entry)
    if not entry.is_file(follow_symlinks=False):
        return "not a regular file"
    if entry.name in _SECRETS:
        return "settings of your own machine"
    return "a compiled file" if entry.name.endswith(_SKIPPED_SUFFIXES) else ""


def _reason_to_skip_folder(entry: os.DirEntry[str]) -> str:
    if entry.name in SKIPPED_FOLDERS:
        return "not part of a submission"
    is_environment = Path(entry.path, "pyvenv.cfg").is_file()
    return "a virtual environment" if is_environment else ""


def _too_big(detail: str) -> SubmissionProblem:
    problem = Problem(
        kind="submission-too-big",
        title="The submission is too big",
        detail=detail,
        cure="Hand in your own source files only, without data and installed packages.",
    )
    return SubmissionProblem(problem)
