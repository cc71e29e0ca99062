"""A project as bytes: what a worker needs to grade it, on this machine or on another one.

Only what is graded is in them, by the rules of ``submissions.submission_copy``. Must not read an
archive of a stranger: what is unpacked here was packed here.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graders.engine.submissions.content_hash import hash_of_folder
from graders.engine.submissions.submission_copy import read_submission

_LINK = "a link"


@dataclass(frozen=True)
class Packed:
    """The bytes of a project, the hash of its content, and which links were left out."""

    data: bytes
    content_hash: str
    links: tuple[str, ...] = ()


def packed(folder: Path) -> Packed:
    """Return the project in ``folder`` as bytes; raises SubmissionProblem if it is too big."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
        report = read_submission(folder, _Archive(archive))
    links = tuple(each.path for each in report.left_out if each.why == _LINK)
    return Packed(written.getvalue(), hash_of_folder(folder), links)


def texts_in(data: bytes, endings: tuple[str, ...]) -> dict[str, str]:
    """Return the text of each file in a packed project whose name ends so, with plain line ends."""
    if not data:
        return {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = [each for each in archive if each.isfile() and each.name.endswith(endings)]
        return {each.name: _text(archive, each) for each in found}


def _text(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> str:
    content = archive.extractfile(entry)
    text = content.read().decode("utf-8-sig", "replace") if content else ""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Archive:
    """Takes the folders and files of a submission into a tar archive."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def folder(self, parts: tuple[str, ...]) -> None:
        if parts:
            head = tarfile.TarInfo("/".join(parts))
            head.type = tarfile.DIRTYPE
            self._archive.addfile(head)

    def file(self, parts: tuple[str, ...], blocks: Iterator[bytes]) -> None:
        data = b"".join(blocks)
        head = tarfile.TarInfo("/".join(parts))
        head.size = len(data)
        self._archive.addfile(head, io.BytesIO(data))


@contextmanager
def unpacked_project(data: bytes) -> Iterator[Path]:
    """Yield a folder with a project that :func:`packed` has packed; it is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="chatkit-project-") as name:
        folder = Path(name)
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for entry in archive:
                place = folder / entry.name
                if entry.isdir():
                    place.mkdir()
                elif content := archive.extractfile(entry):
                    place.write_bytes(content.read())
        yield folder
