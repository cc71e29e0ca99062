"""Becomes a program of PostgreSQL: as another user where the grader is root, and ended with it.

Run as ``python -I -c ...`` by :mod:`postgres_server`. Must not know what the program is for.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from graders.engine.core.limits import MEBIBYTE
from graders.engine.isolation import own_user, privileges

_MEMORY_MB = 1_024
"""Of each of its processes: a statement can ask for as much as it likes."""
_FILE_MB = 256


def main(uid: str, folders: list[str], command: list[str]) -> None:
    """Become ``command`` as user ``uid``, if one is named, who owns ``folders``."""
    # First: another user may not be able to read the interpreter's own files.
    _limit()
    if uid:
        own_user.become(int(uid), map(Path, folders))
    privileges.end_with_parent()
    privileges.refuse_new_privileges()
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def _limit() -> None:
    import resource  # noqa: PLC0415 - not on Windows

    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, _MEMORY_MB * MEBIBYTE),
        (resource.RLIMIT_FSIZE, _FILE_MB * MEBIBYTE),
    ):
        # macOS does not take every one of them.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))
