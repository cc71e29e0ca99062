"""The journal of a run: one line for each result, on the disk before the next one is begun.

It is only ever added to. Whatever ends a run, what is in it is whole but for the last line, and the
same command goes on from there. Two runs cannot have it open at once. Must not know what is graded.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from pydantic import ValidationError

from graders.engine.bulk.records import ResultRecord
from graders.engine.core.errors import UsageError
from graders.engine.core.results import Record

NAME = "journal.jsonl"
LARGEST_LINE = 4 << 20


class RunRecord(Record):
    """The line that a run begins with; ``forced`` runs grade again what is known."""

    kind: Literal["run"] = "run"
    format_version: Literal[1] = 1
    lesson: str
    seed: int
    forced: bool = False


class EndRecord(Record):
    """The line that a run ends with which got to its end."""

    kind: Literal["end"] = "end"


_KINDS: dict[str, type[ResultRecord | RunRecord | EndRecord]] = {
    "result": ResultRecord,
    "run": RunRecord,
    "end": EndRecord,
}


@dataclass
class Journal:
    """An open journal: what it held, and a place for what comes.

    ``results`` has each student's last whole result by the name of its file; ``failed`` the last
    try of those whose last try was our error. ``unfinished`` is the run that did not get to its
    end, and ``of_unfinished`` the files that it has written.
    """

    path: Path
    results: dict[str, ResultRecord]
    failed: dict[str, ResultRecord]
    unfinished: RunRecord | None
    of_unfinished: set[str]
    lesson: str
    _file: IO[bytes]

    def add(self, record: ResultRecord | RunRecord | EndRecord) -> None:
        """Write a line, and return when it is on the disk; a UsageError if it cannot be."""
        at = self._file.tell()
        try:
            self._file.write(record.model_dump_json().encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            self._take_back(at)
            raise unwritable(self.path, error) from error
        if isinstance(record, ResultRecord):
            self._take(record)

    def _take(self, record: ResultRecord) -> None:
        if record.error:
            self.failed[record.file] = record
        else:
            self.results[record.file] = record
            self.failed.pop(record.file, None)

    def _take_back(self, at: int) -> None:
        """Let no half line stay: the next run would find it, but a reader need not."""
        try:
            os.ftruncate(self._file.fileno(), at)
        except OSError:
            return

    def _read(self, record: ResultRecord | RunRecord | EndRecord) -> None:
        match record:
            case RunRecord():
                self.lesson = record.lesson
                self.unfinished = record
                self.of_unfinished.clear()
            case EndRecord():
                self.unfinished = None
                self.of_unfinished.clear()
            case ResultRecord():
                self._take(record)
                if self.unfinished is not None and not record.error:
                    self.of_unfinished.add(record.file)


@contextmanager
def opened_journal(folder: Path) -> Iterator[Journal]:
    """Yield the journal in ``folder``, which no other run has meanwhile.

    A last line that is torn is taken away: its submission is graded again. A UsageError for a
    folder that another run uses, one that cannot be written, and a line in the middle that is
    damaged.
    """
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise unwritable(folder, error) from error
    with file:
        _lock(file, folder)
        journal = Journal(path, {}, {}, None, set(), "", file)
        whole = 0
        for record, end in _records(file, path):
            journal._read(record)  # noqa: SLF001 - one module
            whole = end
        file.seek(0, os.SEEK_END)
        if file.tell() > whole:
            file.truncate(whole)
            file.seek(whole)
        yield journal


def read_journal(folder: Path) -> dict[str, ResultRecord]:
    """Return the results that a run has written, by the names of their files; changes nothing."""
    path = folder / NAME
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError(
            f"There are no results in {folder}: {error.strerror or error}.",
            cure="Give the folder that `grade.py bulk --out` has written.",
        ) from error
    with file:
        journal = Journal(path, {}, {}, None, set(), "", file)
        for record, _ in _records(file, path):
            journal._read(record)  # noqa: SLF001 - one module
    failed = {name: each for name, each in journal.failed.items() if name not in journal.results}
    return {**journal.results, **failed}


def lesson_of(folder: Path) -> str:
    """Return the lesson whose results a folder holds; empty if no run has begun there."""
    path = folder / NAME
    with path.open("rb") as file:
        for record, _ in _records(file, path):
            if isinstance(record, RunRecord):
                return record.lesson
    return ""


def _records(
    file: IO[bytes], path: Path
) -> Iterator[tuple[ResultRecord | RunRecord | EndRecord, int]]:
    """Yield each line with where it ends; the last one may be torn."""
    file.seek(0)
    number = 0
    while line := file.readline(LARGEST_LINE):
        number += 1
        if not line.endswith(b"\n"):
            return
        try:
            fields = json.loads(line)
            record = _KINDS[fields["kind"]].model_validate_json(line)
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            if not file.readline(1):
                # Written as a whole and yet no record: the disk had taken only a part.
                return
            raise UsageError(
                f"{path}, line {number}: this is no record.",
                cure="Remove the line; its submission is then graded again.",
            ) from error
        yield record, file.tell()


def unwritable(path: Path, error: OSError) -> UsageError:
    """Return what to say when a result cannot be written."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return UsageError(
            f"{path} cannot be written: the disk is full. Nothing that was graded is lost.",
            cure="Make room, and give the same command again: it goes on from here.",
        )
    return UsageError(
        f"{path} cannot be written: {error.strerror or error}.",
        cure="Give a folder that you may write to; what was graded is not lost.",
    )


def _lock(file: IO[bytes], folder: Path) -> None:
    """Have the journal for this run alone, until the file is closed or the process ends."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - Windows only

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - POSIX only

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise UsageError(
            f"Another run is writing to {folder}.",
            cure="Wait until it ends, or give another folder with --out.",
        ) from error
