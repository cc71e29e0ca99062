"""What the exit code of ``grade.py`` means. Stable: scripts rely on it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes; what they mean is in :data:`MEANINGS`."""

    FULL_MARKS = 0
    NOT_FULL_MARKS = 1
    USAGE = 2
    CONTENT = 3
    GRADER_BROKE = 4
    NOT_ISOLATED = 5
    INTERRUPTED = 130


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.FULL_MARKS: "full marks, or the command did what it was asked",
    ExitCode.NOT_FULL_MARKS: "not full marks",
    ExitCode.USAGE: "the command line asked for something impossible",
    ExitCode.CONTENT: "the course's own content is wrong",
    ExitCode.GRADER_BROKE: "the grader itself broke; never the student's fault",
    ExitCode.NOT_ISOLATED: "servers cannot be isolated as `--require` asks; nothing was graded",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C",
}
"""The texts that ``--help`` and the README show."""


def table() -> str:
    """Return all codes with their meanings, one a line."""
    return "\n".join(f"{code.value:>4}  {MEANINGS[code]}" for code in ExitCode)
