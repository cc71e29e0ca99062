"""Tells where the server's code is just now, when a signal asks: also when its loop is blocked.

A process whose event loop is blocked, or computes without end, can answer no question over the
wire. Python's own fault handler writes the stack of the main thread to standard error whatever the
interpreter does. The signal is one that a process without a handler ignores. What is written is the
process's own word, so it explains and decides nothing. Must not know why it is asked.
"""

from __future__ import annotations

import faulthandler
import signal
from contextlib import suppress

SIGNAL: signal.Signals | None = getattr(signal, "SIGURG", None)
"""What asks; ``None`` where there is no such signal."""
HEADING = "Stack (most recent call first):"
"""The first line of what is written."""


def answer_signals() -> None:
    """Write the main thread's stack to standard error at each :data:`SIGNAL`."""
    register = getattr(faulthandler, "register", None)
    if register is not None and SIGNAL is not None:
        with suppress(OSError, ValueError):
            register(SIGNAL, file=2, all_threads=False)
