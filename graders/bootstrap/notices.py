"""Says on standard error what the set-up is doing; standard output belongs to the results.

Must not know what is set up.
"""

from __future__ import annotations

import os
import shutil
from typing import TextIO

GREY, RED, PLAIN = "\x1b[2m", "\x1b[31m", "\x1b[0m"


def colours_wanted(stream: TextIO) -> bool:
    """Return whether colours may be used: on a terminal, and not where ``NO_COLOR`` is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Notices:
    """Lines for a person who waits.

    A terminal gets one line that is rewritten for each step; anything else, a log for example,
    gets one line for each new stage.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rewrites = stream.isatty()
        self._colours = colours_wanted(stream)
        self._stages: set[str] = set()

    def say(self, text: str) -> None:
        """Write one line that stays."""
        self._wipe()
        self._stream.write(f"grade.py: {text}\n")
        self._stream.flush()

    def fail(self, text: str) -> None:
        """Write a failure; its first line is marked."""
        self._wipe()
        first, *rest = text.splitlines()
        self._stream.write("\n".join([self._painted(RED, f"grade.py: {first}"), *rest]) + "\n")
        self._stream.flush()

    def step(self, stage: str, detail: str) -> None:
        """Show that ``stage`` goes on, now with ``detail``."""
        if self._rewrites:
            width = shutil.get_terminal_size().columns - 1
            self._wipe()
            self._stream.write(self._painted(GREY, f"  {stage} {detail}"[:width]))
            self._stream.flush()
        elif stage not in self._stages:
            self._stream.write(f"  {stage} {detail} ...\n")
            self._stream.flush()
        self._stages.add(stage)

    def _wipe(self) -> None:
        if self._rewrites and self._stages:
            self._stream.write("\r\x1b[K")

    def _painted(self, colour: str, text: str) -> str:
        return f"{colour}{text}{PLAIN}" if self._colours else text
