"""A submission that is handed in as one file, a zip or a tar archive: unpacked into a folder.

The libraries only give names and bytes; each file is written here, by rules that no archive can
bend: regular files and folders alone, all below the folder, each name once, few, and small together
(``archive_names`` has those of names). Sizes are added up before anything is written and counted
while it is, whatever the archive claims. Must not follow a link, keep a mode or an owner, or run
anything. What is wrong is the submission's problem, in the words of a SubmissionProblem.
"""

from __future__ import annotations

import bz2
import gzip
import io
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from graders.engine.core.results import Problem
from graders.engine.core.text import quote
from graders.engine.submissions.archive_names import ArchiveNames, NameRefused
from graders.engine.submissions.submission_copy import MAX_BYTES, SubmissionProblem

MAX_RATIO = 100
"""How much larger than the archive its files may be together; program text comes to about 5."""
MAX_DIRECTORY_BYTES = 8 << 20
"""The table of contents of a zip, which is read at once."""
MAX_STREAM_BYTES = 4 * MAX_BYTES
"""A tar archive as it is, with the heads of its entries and all that is passed over."""

_FREE_OF_RATIO = 1 << 20
"""Smaller ones may be as empty as they like."""
_BLOCK = 1 << 16
_ENCRYPTED = 1
_NAMES_OF_METHODS = {
    9: "Deflate64, which Windows takes for large files",
    12: "bzip2",
    14: "LZMA",
    93: "Zstandard",
    95: "XZ",
    98: "PPMd",
}
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
# What the libraries raise for bytes that are no archive.
_NO_ARCHIVE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, struct.error, EOFError, OSError),
    *(ValueError, OverflowError, NotImplementedError, RuntimeError, LookupError),
)


@dataclass(frozen=True)
class ArchiveEntry:
    """One entry of an archive: its ``size`` as claimed; ``open`` gives its bytes.

    ``modified`` is when it was changed last, in seconds since 1970, as far as the archive says.
    """

    name: str
    folder: bool
    regular: bool
    size: int
    open: Callable[[], IO[bytes]]
    modified: float = 0.0


@dataclass(frozen=True)
class ArchiveBounds:
    """How many bytes are read of an archive: its files, as it is, and a zip's table of contents.

    ``ratio`` says whether the files may only be so much larger than the archive.
    """

    files: int = MAX_BYTES
    stream: int = MAX_STREAM_BYTES
    directory: int = MAX_DIRECTORY_BYTES
    ratio: bool = True


OF_ONE = ArchiveBounds()
"""What one student hands in."""
OF_A_CLASS = ArchiveBounds(files=8 << 30, stream=16 << 30, directory=64 << 20, ratio=False)
"""What a platform packs of a class. Each submission in it is held to :data:`OF_ONE` later."""


@dataclass(frozen=True)
class Unpacked:
    """The folder of a submission, and the names of what its archive had beside files."""

    folder: Path
    left_out: tuple[str, ...] = ()


def is_archive(path: Path) -> bool:
    """Return whether ``path`` is named like an archive that can be unpacked."""
    return _opener(path) is not None


@contextmanager
def unpacked(path: Path) -> Iterator[Unpacked]:
    """Unpack the archive ``path`` and give what was in it, which is removed afterwards.

    Raises SubmissionProblem where that cannot be done, or may not.
    """
    room = Path(tempfile.mkdtemp(prefix="chatkit-archive-"))
    try:
        root = room / "submission"
        left_out = unpack(path, root)
        yield Unpacked(_without_wrapping(root), left_out)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def unpack(path: Path, root: Path) -> tuple[str, ...]:
    """Unpack the archive ``path`` into the new folder ``root``; a SubmissionProblem if it fails.

    Links, devices and what else is no file are left out, as they are from a folder; their names
    are returned. The folder may be half full when it fails.
    """
    with opened_entries(path) as entries:
        return _write(entries, root, archive_bytes=path.stat().st_size)


@contextmanager
def opened_entries(
    path: Path, bounds: ArchiveBounds | None = None
) -> Iterator[Iterator[ArchiveEntry]]:
    """Yield what is in the archive ``path``; a SubmissionProblem where it cannot be read.

    That holds for what is raised while the entries are used as well. Without ``bounds``, it is held
    to those of one submission.
    """
    open_entries = _opener(path)
    assert open_entries is not None, "only what is named like an archive is unpacked"
    if not path.is_file():
        # Opening a pipe would wait for ever for someone to write.
        raise _problem("It is not a file.", "Make it again, and hand in the archive itself.")
    try:
        with open_entries(path, bounds or OF_ONE) as entries:
            yield entries
    except NameRefused as refused:
        raise _problem(refused.message, refused.cure) from None
    except _NO_ARCHIVE as error:
        detail = f"It is damaged, or not what its name says ({quote(str(error), 120)})."
        raise _problem(detail, "Make it again, and see whether it can be unpacked.") from None


def _write(entries: Iterator[ArchiveEntry], root: Path, *, archive_bytes: int) -> tuple[str, ...]:
    names, budget, left_out = ArchiveNames(), _Budget(archive_bytes, OF_ONE), list[str]()
    root.mkdir()
    for entry in entries:
        # A tar archive is a stream: what one entry claims is known when its turn comes.
        path = names.take(entry.name, folder=entry.folder)
        if path is None:
            continue
        if entry.folder:
            (root / path).mkdir(parents=True, exist_ok=True)
        elif entry.regular:
            budget.claim(entry.size)
            _write_file(entry, root / path, budget)
        else:
            left_out.append(quote(str(path), 200))
    if not any(root.iterdir()):
        raise NameRefused("There is nothing in it.", "Put your files into it.")
    return tuple(left_out)


def _write_file(entry: ArchiveEntry, path: Path, budget: _Budget) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with entry.open() as source, path.open("xb") as target:
        while block := source.read(_BLOCK):
            written += len(block)
            budget.spend(len(block))
            target.write(block)
    if written != entry.size:
        raise EOFError("an entry is not as long as it claims")


class _Budget:
    """The bytes that all files may have together: as they are claimed, and as they are written."""

    def __init__(self, archive_bytes: int, bounds: ArchiveBounds) -> None:
        self._files = bounds.files
        by_ratio = max(_FREE_OF_RATIO, MAX_RATIO * archive_bytes)
        self._most = min(bounds.files, by_ratio) if bounds.ratio else bounds.files
        self._claimed = 0
        self._spent = 0

    def claim(self, size: int) -> None:
        self._claimed += size
        self._require(self._claimed)

    def spend(self, size: int) -> None:
        self._spent += size
        self._require(self._spent)

    def _require(self, size: int) -> None:
        if size > self._files:
            raise _too_big(f"Its files are larger than {self._files >> 20} MiB together.")
        if size > self._most:
            raise _too_big(f"Its files are more than {MAX_RATIO} times as large as the archive.")


# --- zip ----------------------------------------------------------------------------------------


@contextmanager
def _zip_entries(path: Path, bounds: ArchiveBounds) -> Iterator[Iterator[ArchiveEntry]]:
    with _Frugal(path, bounds.directory) as file, zipfile.ZipFile(file) as archive:
        found = archive.infolist()
        # Known before anything is written.
        claimed = _Budget(path.stat().st_size, bounds)
        for info in found:
            if not info.is_dir() and not _is_outside(info):
                claimed.claim(info.file_size)
        yield (_zip_entry(archive, info) for info in found)


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> ArchiveEntry:
    def opened() -> IO[bytes]:
        if info.flag_bits & _ENCRYPTED:
            raise NameRefused("It is protected by a password.", "Make it again without one.")
        if info.compress_type not in _METHODS:
            way = _NAMES_OF_METHODS.get(info.compress_type, f"method {info.compress_type}")
            raise NameRefused(
                f"Its files are compressed in a way that is not read here ({way}).",
                "Make it again with the usual way of compressing (Deflate): `zip -r mine.zip .`, "
                'or "Compress" in your file manager.',
            )
        return archive.open(info)

    mode = info.external_attr >> 16
    regular = not stat.S_IFMT(mode) or stat.S_ISREG(mode)
    changed = _modified(info)
    return ArchiveEntry(info.filename, info.is_dir(), regular, info.file_size, opened, changed)


def _modified(info: zipfile.ZipInfo) -> float:
    """Return when an entry was changed; a zip writes what it likes, also a 32nd of January."""
    try:
        return datetime(*info.date_time).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _is_outside(info: zipfile.ZipInfo) -> bool:
    """Return whether it is passed over anyway, so that its size does not count."""
    try:
        return ArchiveNames().take(info.filename, folder=False) is None
    except NameRefused:
        return False


class _Frugal(io.BufferedReader):
    """A file that gives a few megabytes at once, also to a library that asks for gigabytes."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(io.FileIO(path))
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        here = self.tell()
        left = self.seek(0, io.SEEK_END) - here
        self.seek(here)
        if (left if size is None or size < 0 else min(size, left)) > self._most:
            raise NameRefused("Its table of contents is too large.", "Hand in fewer files.")
        return super().read(size)


# --- tar ----------------------------------------------------------------------------------------


@contextmanager
def _tar_entries(
    path: Path, bounds: ArchiveBounds, decompressed: Callable[[Path], Any]
) -> Iterator[Iterator[ArchiveEntry]]:
    with decompressed(path) as stream:
        counted = cast("IO[bytes]", _Counted(stream, bounds.stream))
        with tarfile.open(fileobj=counted, mode="r|", errorlevel=2) as archive:
            yield (_tar_entry(archive, info) for info in archive)


def _tar_entry(archive: tarfile.TarFile, info: tarfile.TarInfo) -> ArchiveEntry:
    def opened() -> IO[bytes]:
        content = archive.extractfile(info)
        assert content is not None, "a regular file has content"
        return content

    # A sparse file claims bytes that are not in the archive: no editor makes one.
    regular = info.isreg() and not info.issparse()
    return ArchiveEntry(info.name, info.isdir(), regular, info.size, opened, float(info.mtime))


class _Counted:
    """A stream that ends with a problem once it has given more than it may."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream = stream
        self._most = most
        self._given = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, _BLOCK) if size >= 0 else _BLOCK)
        self._given += len(data)
        if self._given > self._most:
            raise _too_big(f"It is larger than {self._most >> 20} MiB when it is unpacked.")
        return data


# --- both ---------------------------------------------------------------------------------------


def _tar(decompressed: Callable[[Path], Any]) -> Callable[[Path, ArchiveBounds], Any]:
    return lambda path, bounds: _tar_entries(path, bounds, decompressed)


_OPENERS: dict[tuple[str, ...], Callable[[Path, ArchiveBounds], Any]] = {
    (".zip",): _zip_entries,
    (".tar",): _tar(lambda path: path.open("rb")),
    (".tar.gz", ".tgz"): _tar(gzip.open),
    (".tar.bz2", ".tbz2"): _tar(bz2.open),
}
ENDINGS = tuple(ending for endings in _OPENERS for ending in endings)
"""How the names of archives end that can be unpacked."""


def _opener(path: Path) -> Callable[[Path, ArchiveBounds], Any] | None:
    name = path.name.lower()
    return next((each for ends, each in _OPENERS.items() if name.endswith(ends)), None)


def _without_wrapping(root: Path) -> Path:
    """Look through each folder that everything is in; a package or a hidden folder is not one."""
    inside = list(root.iterdir())
    wrapped = (
        len(inside) == 1
        and inside[0].is_dir()
        and not inside[0].name.startswith(".")
        and not (inside[0] / "__init__.py").exists()
    )
    return _without_wrapping(inside[0]) if wrapped else root


def _too_big(detail: str) -> SubmissionProblem:
    problem = Problem(
        kind="submission-too-big",
        title="The submission is too big",
        detail=detail,
        cure="Hand in your own source files only, without data and installed packages.",
    )
    return SubmissionProblem(problem)


def _problem(detail: str, cure: str) -> SubmissionProblem:
    return SubmissionProblem(
        Problem(kind="bad-archive", title="The archive cannot be used", detail=detail, cure=cure)
    )
