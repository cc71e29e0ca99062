"""The stamp: a small file in the environment that says what it was made from.

It is written last, so an environment without one is half-made. Must not build anything, and
must import little: every start of ``grade.py`` passes through here.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from graders.bootstrap.trouble import SetupError

STAMP_NAME = "grade.stamp.json"
LOCK_NAME = "uv.lock"
GROUPS = ("cluster", "postgresql", "rag", "similarity", "test")
"""The dependency groups of pyproject.toml that can be installed."""
EXPORT_NAMES = {"": "graders/requirements.txt"} | {
    group: f"graders/requirements-{group}.txt" for group in GROUPS
}
COURSE_LOCK_NAME = "course.lock"
"""What a class adds; there is none without a class."""
SOURCE_NAMES = ("pyproject.toml", LOCK_NAME, *EXPORT_NAMES.values())


class Stamp(NamedTuple):
    """What an environment was made from.

    ``python`` names the interpreter's version and system, ``lock`` is the digest of ``uv.lock``,
    ``sources`` that of all files that describe the environment, ``groups`` are the dependency
    groups in it, ``installer`` is who made it, ``course`` is the digest of ``course.lock``, empty
    where there is none.
    """

    python: str
    lock: str
    sources: str
    groups: tuple[str, ...]
    installer: str = ""
    course: str = ""

    def same_base(self, other: Stamp) -> bool:
        """Return whether both are the same locked packages for the same Python, groups aside."""
        return (self.python, self.lock) == (other.python, other.lock)

    def covers(self, wanted: Stamp) -> bool:
        """Return whether an environment with this stamp has all that is wanted."""
        return (
            self.same_base(wanted)
            and (self.sources, self.course) == (wanted.sources, wanted.course)
            and set(wanted.groups) <= set(self.groups)
        )


def wanted_stamp(root: Path, groups: tuple[str, ...]) -> Stamp:
    """Return the stamp that an environment for the files in ``root`` should bear."""
    contents = {name: _content(root / name) for name in SOURCE_NAMES}
    return Stamp(
        python=f"{sys.implementation.cache_tag}-{sys.platform}",
        lock=_digest(contents[LOCK_NAME]),
        sources=_digest(*contents.values()),
        groups=groups,
        course=_digest(_content(root / COURSE_LOCK_NAME)) if has_course_lock(root) else "",
    )


def has_course_lock(root: Path) -> bool:
    """Return whether a class has added packages."""
    return (root / COURSE_LOCK_NAME).exists()


def read_stamp(venv: Path) -> Stamp | None:
    """Return the stamp of an environment, or None where it is missing or unreadable."""
    try:
        fields: dict[str, Any] = json.loads((venv / STAMP_NAME).read_text("utf-8"))
        stamp = Stamp(**fields)
        return stamp._replace(groups=tuple(stamp.groups))
    except (OSError, ValueError, TypeError):
        return None


def write_stamp(venv: Path, stamp: Stamp) -> None:
    """Mark an environment as complete, in one step that cannot be half-done."""
    draft = venv / f"{STAMP_NAME}.{os.getpid()}"
    fields = stamp._asdict()
    if not stamp.course:
        # So that a checkout which knows nothing of classes can share the environment.
        del fields["course"]
    draft.write_text(json.dumps(fields, indent=1) + "\n", "utf-8")
    draft.replace(venv / STAMP_NAME)


def remove_stamp(venv: Path) -> None:
    """Mark an environment as being worked on."""
    (venv / STAMP_NAME).unlink(missing_ok=True)


def python_of(venv: Path) -> Path:
    """Return where an environment has its interpreter."""
    if sys.platform == "win32":
        return venv / "Scripts" / "python.exe"
    return venv / "bin" / "python"


def stands(venv: Path, wanted: Stamp) -> bool:
    """Return whether the environment is complete and has all that is wanted."""
    stamp = read_stamp(venv)
    return stamp is not None and stamp.covers(wanted) and python_of(venv).exists()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SetupError(
            f"{path} cannot be read ({error.strerror}); it says what has to be installed.",
            "download the project again, whole.",
        ) from error


def _digest(*contents: bytes) -> str:
    return hashlib.sha256(b"\0".join(contents)).hexdigest()
