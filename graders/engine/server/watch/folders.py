"""The folders that a server may write to: how much is in them, and how they are removed.

What is in them is a stranger's: links are not followed, and no depth, name or mode may do harm.
Must not know what the limits are.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK_BYTES = 512


@dataclass
class Contents:
    """What folders hold: ``size`` is what it takes on the disk, ``largest`` the longest file.

    ``hidden`` says that there is more which cannot be looked at, and how that was brought about.
    """

    files: int = 0
    size: int = 0
    largest: int = 0
    hidden: str = ""
    _linked: set[tuple[int, int]] = field(default_factory=set)

    def add(self, entry: os.DirEntry[str]) -> None:
        """Count one entry; a file of several names is counted once."""
        self.files += 1
        status = entry.stat(follow_symlinks=False)
        if status.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
            if (key := (status.st_dev, status.st_ino)) in self._linked:
                return
            self._linked.add(key)
        # Windows does not tell the blocks.
        blocks = getattr(status, "st_blocks", None)
        self.size += status.st_size if blocks is None else blocks * _BLOCK_BYTES
        if entry.is_file(follow_symlinks=False):
            self.largest = max(self.largest, status.st_size)


def contents_of(folders: Iterable[Path], *, most_files: int) -> Contents:
    """Look through ``folders``, and stop once there are more than ``most_files`` in them."""
    found = Contents()
    waiting = [str(folder) for folder in folders]
    while waiting and found.files <= most_files:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                waiting += _counted(itertools.islice(entries, most_files + 1), found)
        except PermissionError:
            found.hidden = "made a folder that cannot be looked into"
        except OSError as error:
            # Another reason is that it has been removed meanwhile.
            if error.errno == errno.ENAMETOOLONG:
                found.hidden = "put folders into folders until their path was too long to be used"
    return found


def _counted(entries: Iterable[os.DirEntry[str]], found: Contents) -> Iterator[str]:
    """Count ``entries``; yield the folders among them."""
    for entry in entries:
        with contextlib.suppress(FileNotFoundError):
            found.add(entry)
            if entry.is_dir(follow_symlinks=False):
                yield entry.path


def remove(folder: Path) -> None:
    """Remove ``folder`` with all that is in it, once nobody writes to it any more.

    Each folder within is brought up to the first level before it is emptied: so no path becomes
    too long, and no recursion too deep. What cannot be removed stays.
    """
    numbers = itertools.count()
    token = secrets.token_hex(8)
    with contextlib.suppress(OSError):
        while inner := _emptied_but_for_folders(folder):
            for each in inner:
                for deeper in _emptied_but_for_folders(each):
                    deeper.rename(folder / f"{token}-{next(numbers)}")
                each.rmdir()
        folder.rmdir()


def _emptied_but_for_folders(folder: Path) -> list[Path]:
    """Remove what is in ``folder`` and is no folder.

    Return the folders, with all rights to them.
    """
    inner = []
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                path.chmod(0o700)
                inner.append(path)
            else:
                path.unlink()
    return inner
