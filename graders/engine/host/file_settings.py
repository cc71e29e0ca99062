"""The mode, the owner and the times of files: set as before, but never of a file that is not there.

An isolated process changes none of them, and is told that it did: the kernel's filter sees numbers
and no paths, so it answers alike for a file that is missing. `Path.touch()` asks for the new time
first and makes the file only if that fails, so it would make none. Here each call looks for its
file before, and fails as it does on any machine. Must not know which layers of isolation hold.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

_SETTING = ("chmod", "chown", "lchmod", "lchown", "utime")
_OF_LINKS = frozenset({"lchmod", "lchown"})


def miss_files_that_are_not_there() -> None:
    """Let the calls of this process that set something of a file fail where there is none."""
    for name in _SETTING:
        original = getattr(os, name, None)
        if original is not None:
            setattr(os, name, _looking_first(original, follows=name not in _OF_LINKS))


def _looking_first(original: Callable[..., Any], *, follows: bool) -> Callable[..., Any]:
    @functools.wraps(original)
    def look_and_set(path: Any, *values: Any, **options: Any) -> Any:
        os.stat(
            path,
            dir_fd=options.get("dir_fd"),
            follow_symlinks=options.get("follow_symlinks", follows),
        )
        return original(path, *values, **options)

    # Here the standard library looks up which of its functions can do what.
    for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        if original in able:
            able.add(look_and_set)
    return look_and_set
