"""A user of the student's own, where the grader is root: it owns its folders and nothing else.

The student's process hands its folders over to that user and becomes it. Must not know who chose
the user's number, nor what is started.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from graders.engine.isolation import privileges


def become(uid: int, folders: Iterable[Path]) -> None:
    """Make ``folders`` and the standard streams the user's, and this process too, for good."""
    for folder in folders:
        _hand_over(folder, uid)
    for stream in (1, 2):
        # Else it could not open /dev/stdout, which is its own.
        os.fchown(stream, uid, uid)
    privileges.empty_bounding_set()
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _hand_over(folder: Path, uid: int) -> None:
    """No link is followed, and nothing of the student's runs by now that could move one in."""
    os.lchown(folder, uid, uid)
    folder.chmod(0o700)
    for name, folders, files in os.walk(folder):
        for entry in (*folders, *files):
            os.lchown(os.path.join(name, entry), uid, uid)  # noqa: PTH118 - thousands of them
