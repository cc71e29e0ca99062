"""Gives up what a process may do beyond an ordinary one, and closes its memory to others.

Linux only; elsewhere nothing is applied. Must not know whose process it is.
"""

from __future__ import annotations

import ctypes
import sys

from graders.engine.isolation.layers import Layer
from graders.engine.isolation.libc import libc

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITIES = 64
_SIGKILL = 9


def prctl(option: int, *arguments: int) -> bool:
    """Call ``prctl``; whether the kernel did as asked."""
    if not sys.platform.startswith("linux"):
        return False
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    return bool(libc().prctl(option, *padded) == 0)


def end_with_parent() -> tuple[str, ...]:
    """Ask the kernel to end this process when the one that started it ends.

    Whoever becomes another user afterwards has to ask again.
    """
    return (Layer.PARENT,) if prctl(_PR_SET_PDEATHSIG, _SIGKILL) else ()


def refuse_new_privileges() -> tuple[str, ...]:
    """Let no program that this process becomes have more rights than it (set-user-id bits)."""
    return (Layer.PRIVILEGES,) if prctl(_PR_SET_NO_NEW_PRIVS, 1) else ()


def hide_memory() -> tuple[str, ...]:
    """Close ``/proc/PID/mem``, ``environ`` and ptrace to other processes of the same user."""
    return (Layer.MEMORY,) if prctl(_PR_SET_DUMPABLE, 0) else ()


def drop_capabilities() -> tuple[str, ...]:
    """Return up every capability, for good: of root remains a user that owns root's files."""
    if not sys.platform.startswith("linux"):
        return ()
    empty_bounding_set()
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    return (Layer.CAPABILITIES,) if _set_capabilities([0] * 6) else ()


def empty_bounding_set() -> None:
    """Let no program that this process becomes win a capability.

    An ordinary user may not do it, and has nothing in it to win.
    """
    for number in range(_CAPABILITIES):
        prctl(_PR_CAPBSET_DROP, number)


def keep_capabilities_as_another_program() -> None:
    """Hand the capabilities of an ordinary user, who has some in a namespace, to the next program.

    The kernel does so by itself for root only.
    """
    sets = (ctypes.c_uint32 * 6)()
    if libc().capget(_header(), sets) != 0:
        return
    low, high = (slice(0, 3), slice(3, 6))
    kept = [word for half in (low, high) for word in _inheritable(*sets[half])]
    if _set_capabilities(kept):
        for number in range(_CAPABILITIES):
            prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number)


def _inheritable(effective: int, permitted: int, _inheritable: int) -> tuple[int, int, int]:
    return effective, permitted, permitted


def _set_capabilities(words: list[int]) -> bool:
    sets = (ctypes.c_uint32 * 6)(*words)
    return bool(libc().capset(_header(), sets) == 0)


def _header() -> ctypes.Array[ctypes.c_uint32]:
    return (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
