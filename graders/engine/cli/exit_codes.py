"""What the exit code of ``grade.py`` means. Stable: scripts rely on it."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """The exit codes; ``meaning`` is the text that ``--help`` and the README show."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        """Make a member of number and meaning."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    FULL_MARKS = 0, "full marks, or the command did what it was asked"
    NOT_FULL_MARKS = 1, "not full marks"
    USAGE = 2, "the command line asked for something impossible"
    CONTENT = 3, "the course's own content is wrong"
    GRADER_BROKE = 4, "the grader itself broke; never the student's fault"
    INTERRUPTED = 130, "interrupted with Ctrl-C"


def table() -> str:
    """Return all codes, one a line."""
    return "\n".join(f"{code.value:>4}  {code.meaning}" for code in ExitCode)
