"""The names of what is in an archive: which are taken, which are passed over, which are refused.

Pure: texts in, paths or a refusal out. Must not know the format of an archive.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from graders.engine.core.errors import AutograderError
from graders.engine.core.text import quote
from graders.engine.submissions.submission_copy import (
    MAX_DEPTH,
    MAX_ENTRIES,
    MAX_PATH_BYTES,
    SKIPPED_FOLDERS,
)

MAX_NAME_BYTES = 255
"""What file systems allow for the name of one file or folder."""
MAX_LISTED = 20 * MAX_ENTRIES
"""Entries with those that are passed over; `node_modules` alone has thousands."""

_PASSED_OVER_FOLDERS = SKIPPED_FOLDERS | {"__MACOSX"}
_PASSED_OVER_FILES = (".DS_Store", "._*", "Thumbs.db", "desktop.ini")
_DRIVE = re.compile("[A-Za-z]:")
_CONTROL = re.compile("[\0-\x1f\x7f]")


class NameRefused(AutograderError):  # noqa: N818 - of a stranger's archive, no error of ours
    """A name or a number of names that no honest archive of a submission has; ``cure`` helps."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


@dataclass
class ArchiveNames:
    """The names of one archive, in their order.

    Two names that differ only in capitals, or in how an accent is written, are the same file on
    other systems, so they are refused as the same name twice is.
    """

    _listed: int = 0
    _taken: int = 0
    _files: dict[str, str] = field(default_factory=dict)
    _folders: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, *, folder: bool) -> PurePosixPath | None:
        """Return the path of the entry ``name``, or ``None`` if it is passed over."""
        self._listed += 1
        if self._listed > MAX_LISTED:
            raise _too_many()
        path = PurePosixPath(*_parts(name))
        if not path.parts or _is_passed_over(path):
            return None
        _require_fit(path, name)
        self._enter(path, folder=folder)
        return path

    def _enter(self, path: PurePosixPath, *, folder: bool) -> None:
        for above in reversed(path.parents[:-1]):
            self._enter_folder(above)
        if folder:
            self._enter_folder(path)
            return
        key = _key(path)
        if (other := self._files.get(key) or self._folders.get(key)) is not None:
            raise _twice(str(path), other)
        self._files[key] = str(path)
        self._count()

    def _enter_folder(self, path: PurePosixPath) -> None:
        key = _key(path)
        other = self._files.get(key) or self._folders.get(key)
        if other is None:
            self._folders[key] = str(path)
            self._count()
        elif other != str(path) or key in self._files:
            raise _twice(str(path), other)

    def _count(self) -> None:
        self._taken += 1
        if self._taken > MAX_ENTRIES:
            raise _too_many()


def _parts(name: str) -> list[str]:
    """Split a name, also one that was written on Windows; refuse one that leads outside."""
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in {"", "."}]
    if plain.startswith("/") or _DRIVE.match(plain) or ".." in parts:
        raise NameRefused(
            f"`{quote(name)}` leads out of the archive.",
            "Make the archive again, from inside the folder that you hand in.",
        )
    if _CONTROL.search(name):
        raise NameRefused(
            f"`{quote(name)}` has a character in its name that cannot be seen.",
            "Give the file another name.",
        )
    return parts


def _is_passed_over(path: PurePosixPath) -> bool:
    if not _PASSED_OVER_FOLDERS.isdisjoint(path.parts):
        return True
    return any(PurePosixPath(path.name).match(pattern) for pattern in _PASSED_OVER_FILES)


def _require_fit(path: PurePosixPath, name: str) -> None:
    sizes = [len(part.encode("utf-8", "surrogatepass")) for part in path.parts]
    if max(sizes) > MAX_NAME_BYTES or sum(sizes) + len(sizes) > MAX_PATH_BYTES:
        raise NameRefused(f"The name `{quote(name, 60)}` is too long.", "Give it a shorter name.")
    if len(sizes) > MAX_DEPTH:
        raise NameRefused(f"Folders are nested more than {MAX_DEPTH} deep.", "Hand in fewer.")


def _key(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(path)).casefold())


def _twice(name: str, other: str) -> NameRefused:
    if name == other:
        return NameRefused(f"`{quote(name)}` is in it twice.", "Make the archive again.")
    return NameRefused(
        f"`{quote(other)}` and `{quote(name)}` would be the same file on other systems.",
        "Give one of them another name.",
    )


def _too_many() -> NameRefused:
    return NameRefused(
        f"It holds more than {MAX_ENTRIES:,} files and folders.",
        "Hand in your own source files only, without data and installed packages.",
    )
