"""What of a submission is graded, and a private copy of it: regular files only, of a bounded size.

Must not follow a link, open a device or a pipe, or run anything. What is left out is reported.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Protocol

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


class Sink(Protocol):
    """What takes the folders and files of a submission; each path is given from its folder."""

    def folder(self, parts: tuple[str, ...]) -> None:
        """Take a folder, before what is in it; the submission's own has no parts."""

    def file(self, parts: tuple[str, ...], blocks: Iterator[bytes]) -> None:
        """Take a regular file with its bytes."""


def copy_submission(src: Path, dst: Path) -> CopyReport:
    """Copy the folder ``src`` to ``dst``, which must be empty or not exist, and not be in ``src``.

    What is left out, and when it is refused, is said by :func:`read_submission`; a refused copy is
    not complete.
    """
    return read_submission(src, _Copy(dst))


def read_submission(src: Path, sink: Sink) -> CopyReport:
    """Give ``sink`` all of the folder ``src`` that is graded, in the order of the names.

    Caches, virtual environments, ``.env`` files, links and everything that is no regular file are
    left out. A SubmissionProblem of the kind ``submission-too-big`` if a cap is passed.
    """
    reader = _Reader(sink)
    reader.folder(src, ())
    return CopyReport(reader.files, reader.total_bytes, tuple(reader.left_out))


class _Copy:
    """Writes what it is given below a folder."""

    def __init__(self, destination: Path) -> None:
        self._destination = destination

    def folder(self, parts: tuple[str, ...]) -> None:
        self._destination.joinpath(*parts).mkdir(exist_ok=not parts)

    def file(self, parts: tuple[str, ...], blocks: Iterator[bytes]) -> None:
        with self._destination.joinpath(*parts).open("xb") as target:
            target.writelines(blocks)


class _Reader:
    """One submission on its way to a sink, with what it has cost so far."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._entries = 0
        self.files = 0
        self.total_bytes = 0
        self.left_out: list[Skipped] = []

    def folder(self, source: Path, parts: tuple[str, ...]) -> None:
        if len(parts) > MAX_DEPTH:
            raise _too_big(f"Its folders are nested more than {MAX_DEPTH} deep.")
        self._sink.folder(parts)
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
            self._sink.file(parts, self._blocks(stream))
        self.files += 1

    def _blocks(self, stream: IO[bytes]) -> Iterator[bytes]:
        while block := stream.read(_BLOCK):
            self.total_bytes += len(block)
            if self.total_bytes > MAX_BYTES:
                raise _too_big(f"Its files are larger than {MAX_BYTES >> 20} MiB together.")
            yield block

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
