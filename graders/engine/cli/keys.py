"""Single keys of a terminal, while something else is waited for; without a terminal there are none.

Must not know what a key means.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

ReadKey = Callable[[], str]
"""Return the key that was pressed since the last time, or an empty text; never waits."""


@contextmanager
def pressed_keys(source: TextIO) -> Iterator[ReadKey]:
    """Yield what reads single keys; the terminal is as it was afterwards, whatever happens."""
    if not source.isatty():
        yield lambda: ""
    elif sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - only there

        yield lambda: msvcrt.getwch() if msvcrt.kbhit() else ""
    else:
        import termios  # noqa: PLC0415 - not on Windows
        import tty  # noqa: PLC0415

        number = source.fileno()
        before = termios.tcgetattr(number)
        tty.setcbreak(number)
        try:
            yield lambda: _next_key(number)
        finally:
            termios.tcsetattr(number, termios.TCSADRAIN, before)


def _next_key(number: int) -> str:
    ready, _, _ = select.select([number], [], [], 0)
    return os.read(number, 1).decode("ascii", errors="ignore") if ready else ""
