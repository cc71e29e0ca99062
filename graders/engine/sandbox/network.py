"""Leaves the machine's network behind, by a network namespace that has no way out.

Done once, in the fork server or in a fresh process before student code runs: all that they start
inherits it, native code too. Where the kernel or the machine refuses it, the guard in ``host``
still refuses connections from Python code, and the result says which of the two held.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

from graders.engine.sandbox.layers import Layer

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def leave_network() -> tuple[str, ...]:
    """Move this process, which must have one thread, to an empty network namespace.

    Returns the layer's name if it took hold, else nothing.
    """
    if not sys.platform.startswith("linux"):
        return ()
    if _unshare(_CLONE_NEWNET):
        return (Layer.NETWORK,)
    uid, gid = os.getuid(), os.getgid()
    if _unshare(_CLONE_NEWUSER | _CLONE_NEWNET) and _keep_identity(uid, gid):
        return (Layer.NETWORK,)
    return ()


def _unshare(flags: int) -> bool:
    return bool(ctypes.CDLL(None, use_errno=True).unshare(flags) == 0)


def _keep_identity(uid: int, gid: int) -> bool:
    """Stay the same user inside the new user namespace, so that files remain readable."""
    own = Path("/proc/self")
    with contextlib.suppress(OSError):
        (own / "setgroups").write_text("deny", encoding="ascii")
    try:
        (own / "uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
        (own / "gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")
    except OSError:
        return False
    return True
