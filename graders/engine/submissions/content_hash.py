"""One number for what was handed in: two submissions have the same if the same would be graded.

Must not depend on the machine: not on times, modes, the order of a folder, or on whether it was a
folder or an archive. Must not run anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from graders.engine.core.digests import digest_of, digest_of_all
from graders.engine.submissions.submission import opened
from graders.engine.submissions.submission_copy import SubmissionProblem, read_submission


def content_hash(path: Path) -> str:
    """Return `sha256:` and the digest of what is graded of ``path``, a folder or an archive.

    Empty where nothing of it is graded: it is too big, or no archive that can be unpacked.
    """
    try:
        with opened(path) as handed_in:
            return hash_of_folder(handed_in.folder)
    except SubmissionProblem:
        return ""


def hash_of_folder(root: Path) -> str:
    """Return the same of a folder; a SubmissionProblem if it is too big.

    Of folders only those count that hold nothing: of others, their files tell.
    """
    tree = _Tree()
    read_submission(root, tree)
    return digest_of_all(tree.entries)


class _Tree:
    """Takes folders and files, and keeps the digest of each; one of a folder is empty."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}

    def folder(self, parts: tuple[str, ...]) -> None:
        if parts:
            self._add(parts, b"")

    def file(self, parts: tuple[str, ...], blocks: Iterator[bytes]) -> None:
        self._add(parts, digest_of(blocks))

    def _add(self, parts: tuple[str, ...], content: bytes) -> None:
        self.entries.pop("/".join(parts[:-1]), None)
        self.entries["/".join(parts)] = content
