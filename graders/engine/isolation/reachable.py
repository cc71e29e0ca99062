"""Which files a student's process may read beside its own: what any Python server needs.

Must not know a lesson, and must never name a folder that the project lies in.
"""

from __future__ import annotations

import functools
import mimetypes
import stat
import sys
import sysconfig
from pathlib import Path

from graders.engine.core.places import REPOSITORY

# The process's own entry in /proc, but no other's. A machine's name, users, and services are not
# here: a server that is graded talks to none of them.
_OF_THE_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/os-release",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
    "/proc/self",
    "/sys/devices/system/cpu/online",
)
_PACKAGES = ("stdlib", "platstdlib", "purelib", "platlib")
DEVICES = (Path("/dev/null"),)
"""What may be written to, beside the folders of the server's own."""


@functools.cache
def readable() -> tuple[Path, ...]:
    """Return the files and folders of the interpreter, its packages and the system's libraries."""
    packages = [sysconfig.get_path(name) for name in _PACKAGES]
    found = [*_OF_THE_SYSTEM, *mimetypes.knownfiles, *packages, *_interpreter(), *sys.path]
    return tuple(path for path in map(Path, dict.fromkeys(found)) if _is_fit(path))


@functools.cache
def is_open_to_all(*, from_the_root: bool) -> bool:
    """Return whether every user may read all that is :func:`readable`.

    ``from_the_root`` asks whether it can be reached as well, through the folders it lies in.
    """
    return all(
        _may_be_read(path) and (not from_the_root or may_be_passed(path)) for path in readable()
    )


def may_be_passed(path: Path) -> bool:
    """Return whether every user may pass through all folders that ``path`` lies in."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


def _may_be_read(path: Path) -> bool:
    mode = path.stat().st_mode
    needed = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
    return mode & needed == needed


def _interpreter() -> list[str]:
    bases = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    parts = ("bin", "lib", "lib64", "pyvenv.cfg")
    return [str(Path(base) / part) for base in sorted(bases) for part in parts]


def _is_fit(path: Path) -> bool:
    """Return whether the project lies outside.

    A rule for a folder is one for all that is below it.
    """
    return path.exists() and not REPOSITORY.is_relative_to(path.resolve())
