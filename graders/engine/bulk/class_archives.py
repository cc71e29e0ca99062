"""A class's download as one archive: split into one file for each thing that was handed in.

What is at its top, or in the folder around everything, becomes a file: an archive as it is, a
folder as a tar archive of its own. So what is wrong with one student's files concerns that student
alone: each is unpacked by the rules for one submission later. Must not know who is who.
"""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from graders.engine.bulk.names import is_of_gradescope, read_name
from graders.engine.core.errors import UsageError
from graders.engine.core.text import quote
from graders.engine.submissions.archives import (
    OF_A_CLASS,
    OF_ONE,
    ArchiveEntry,
    opened_entries,
)
from graders.engine.submissions.submission_copy import SubmissionProblem

_PASSED_OVER = re.compile(r"__MACOSX|\..*|Thumbs\.db|desktop\.ini")
_PARTS_OF_A_SUBMISSION = re.compile(r".*\.py|submission\.ya?ml|quiz\.yaml|requirements\.txt")
_TAR = ".tar"


@dataclass(frozen=True)
class ClassPiece:
    """One thing at the top of a class's archive: its ``name`` there, and where it is now."""

    name: str
    path: Path
    folder: bool
    modified: float = 0.0


@contextmanager
def split(archive: Path) -> Iterator[tuple[ClassPiece, ...]]:
    """Yield what a class's archive holds, in files that are removed afterwards.

    A UsageError if the archive itself cannot be read.
    """
    room = Path(tempfile.mkdtemp(prefix="chatkit-class-"))
    try:
        yield _split(archive, room)
    except SubmissionProblem as error:
        problem = error.problem
        raise UsageError(
            f"{archive} cannot be used: {problem.detail}", cure="Download it again."
        ) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _split(archive: Path, room: Path) -> tuple[ClassPiece, ...]:
    around = _around(archive)
    pieces: dict[str, _Drawer] = {}
    try:
        with opened_entries(archive, OF_A_CLASS) as entries:
            for entry in entries:
                parts = _parts(entry)[len(around) :]
                if not parts or _PASSED_OVER.fullmatch(parts[0]):
                    continue
                if len(parts) == 1 and entry.regular and not entry.folder:
                    _write_file(entry, pieces, parts[0], room)
                    continue
                drawer = pieces.get(parts[0]) or pieces.setdefault(
                    parts[0], _Drawer(room / f"{len(pieces)}{_TAR}")
                )
                drawer.put(entry, "/".join(parts[1:]))
    finally:
        for each in pieces.values():
            each.close()
    return tuple(
        ClassPiece(name, each.path, folder=each.folder, modified=each.modified)
        for name, each in pieces.items()
    )


def _write_file(entry: ArchiveEntry, pieces: dict[str, _Drawer], name: str, room: Path) -> None:
    if name in pieces:
        raise UsageError(f"The archive has `{quote(name)}` twice.", cure="Download it again.")
    # The ending is what an archive is known by; all else of the name stays out of the file system.
    suffixes = "".join(Path(name).suffixes[-2:])
    ending = suffixes if re.fullmatch(r"[.\w]{1,20}", suffixes) else ""
    drawer = pieces[name] = _Drawer(room / f"{len(pieces)}{ending.lower()}", folder=False)
    drawer.modified = entry.modified
    with entry.open() as source, drawer.path.open("xb") as target:
        shutil.copyfileobj(source, target)


@dataclass
class _Drawer:
    """One folder of the archive on its way into a tar archive of its own."""

    path: Path
    folder: bool = True
    modified: float = 0.0
    _bytes: int = 0
    _tar: tarfile.TarFile | None = field(default=None, repr=False)

    def put(self, entry: ArchiveEntry, name: str) -> None:
        """Add an entry; past what one submission may have only its head, which is refused later."""
        if self._tar is None:
            self._tar = tarfile.open(self.path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self.modified = max(self.modified, entry.modified)
        if not name:
            return
        head = tarfile.TarInfo(name)
        head.mtime = int(entry.modified)
        if entry.folder:
            head.type = tarfile.DIRTYPE
            self._tar.addfile(head)
            return
        if not entry.regular:
            head.type, head.linkname = tarfile.SYMTYPE, "left-out"
            self._tar.addfile(head)
            return
        self._bytes += entry.size
        if self._bytes <= OF_ONE.files:
            head.size = entry.size
            with entry.open() as source:
                self._tar.addfile(head, source)
        elif self._bytes - entry.size <= OF_ONE.files:
            # What it claims is enough to refuse it; nobody gets as far as the missing bytes.
            head.size = OF_ONE.files + 1
            self._tar.addfile(head)

    def close(self) -> None:
        """End the archive."""
        if self._tar is not None:
            self._tar.close()
            self._tar = None


def _around(archive: Path) -> tuple[str, ...]:
    """Return the folders that everything is in, and that are no submission themselves."""
    paths = []
    with opened_entries(archive, OF_A_CLASS) as entries:
        for entry in entries:
            parts = _parts(entry)
            if parts and not any(_PASSED_OVER.fullmatch(part) for part in parts[:1]):
                paths.append((parts, entry.folder))
    around: tuple[str, ...] = ()
    while True:
        below = [(path[len(around) :], folder) for path, folder in paths if len(path) > len(around)]
        tops = {path[0] for path, _ in below}
        only = next(iter(tops), "")
        inside = {path[1] for path, _ in below if len(path) > 1}
        is_submission = (
            any(map(_PARTS_OF_A_SUBMISSION.fullmatch, inside))
            or bool(read_name(only).platform)
            or is_of_gradescope(only)
        )
        if len(tops) != 1 or not inside or is_submission:
            return around
        around = (*around, only)


def _parts(entry: ArchiveEntry) -> tuple[str, ...]:
    """Return the parts of a name; those that lead upwards stay, and are refused when unpacked."""
    plain = entry.name.replace("\\", "/")
    return tuple(part for part in plain.split("/") if part not in {"", "."})
