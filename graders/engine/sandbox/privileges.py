"""Gives up what a process may do beyond an ordinary one, and closes its memory to others.

Linux only; elsewhere nothing takes hold. Must not know whose process it is.
"""

from __future__ import annotations

import ctypes
import sys

from graders.engine.sandbox.layers import Layer

_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITIES = 64


def prctl(option: int, *arguments: int) -> bool:
    """Call ``prctl``; whether the kernel did as asked."""
    if not sys.platform.startswith("linux"):
        return False
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    return bool(ctypes.CDLL(None, use_errno=True).prctl(option, *padded) == 0)


def refuse_new_privileges() -> tuple[str, ...]:
    """Let no program that this process becomes have more rights than it (set-user-id bits)."""
    return (Layer.PRIVILEGES,) if prctl(_PR_SET_NO_NEW_PRIVS, 1) else ()


def hide_memory() -> tuple[str, ...]:
    """Close ``/proc/PID/mem``, ``environ`` and ptrace to other processes of the same user."""
    return (Layer.MEMORY,) if prctl(_PR_SET_DUMPABLE, 0) else ()


def drop_capabilities() -> tuple[str, ...]:
    """Give up every capability, for good: of root remains a user that owns root's files."""
    if not sys.platform.startswith("linux"):
        return ()
    # An ordinary user may not drop from the bounding set, and has nothing in it to win.
    for number in range(_CAPABILITIES):
        prctl(_PR_CAPBSET_DROP, number)
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    dropped = ctypes.CDLL(None, use_errno=True).capset(header, nothing) == 0
    return (Layer.CAPABILITIES,) if dropped else ()
