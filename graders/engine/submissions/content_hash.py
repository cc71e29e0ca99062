"""One number for what was handed in: two submissions have the same if the same would be graded.

Must not depend on the machine: not on times, modes, the order of a folder, or on whether it was a
folder or an archive. Must not run anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from graders.engine.submissions.submission import opened
from graders.engine.submissions.submission_copy import SubmissionProblem, read_submission

ALGORITHM = "sha256"


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
    return tree.digest()


class _Tree:
    """Takes folders and files, and makes one digest of them all."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, ...], bytes] = {}

    def folder(self, parts: tuple[str, ...]) -> None:
        self._add(parts, b"")

    def file(self, parts: tuple[str, ...], blocks: Iterator[bytes]) -> None:
        content = hashlib.new(ALGORITHM)
        for block in blocks:
            content.update(block)
        self._add(parts, content.digest())

    def _add(self, parts: tuple[str, ...], content: bytes) -> None:
        self._records.pop(parts[:-1], None)
        self._records[parts] = content

    def digest(self) -> str:
        whole = hashlib.new(ALGORITHM)
        for record in sorted(_record(*each) for each in self._records.items() if each[0]):
            whole.update(record)
        return f"{ALGORITHM}:{whole.hexdigest()}"


def _record(parts: tuple[str, ...], content: bytes) -> bytes:
    """Return one entry so that no name can look like two: each length stands before its bytes."""
    # A name that is no text in UTF-8 has surrogates, on every system.
    name = "/".join(parts).encode("utf-8", "surrogatepass")
    return len(name).to_bytes(4, "big") + name + len(content).to_bytes(1, "big") + content
