"""The C library of this process, loaded once.

Each new ``CDLL`` makes a class, which costs more than the call that it is for. Must not know what
is called.
"""

from __future__ import annotations

import ctypes
from functools import cache


@cache
def libc() -> ctypes.CDLL:
    """Return the C library, whose functions keep ``errno`` for ``ctypes.get_errno``."""
    return ctypes.CDLL(None, use_errno=True)
