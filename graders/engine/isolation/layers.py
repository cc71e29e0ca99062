"""The names of the layers that shut a student's process in, as reports and settings say them.

Must not know how a layer works or where it is available.
"""

from __future__ import annotations

from enum import StrEnum


class Layer(StrEnum):
    """One layer; a process says of each whether it was applied."""

    NETWORK = "network namespace"
    PROCESSES = "pid namespace"
    USERS = "user namespace"
    IPC = "ipc namespace"
    ROOT = "own root"
    UID = "own uid"
    PARENT = "PDEATHSIG"
    LIMITS = "limits"
    PRIVILEGES = "no_new_privs"
    FILES = "Landlock"
    CAPABILITIES = "capabilities"
    MEMORY = "undumpable"
    SYSCALLS = "seccomp"


NOTHING_OFF: frozenset[Layer] = frozenset()
"""All layers are wanted; only tests leave some off, to see what these stop."""

SECOND_WALL = frozenset(
    {Layer.NETWORK, Layer.PROCESSES, Layer.USERS, Layer.IPC, Layer.ROOT, Layer.UID}
)
"""What is not available everywhere: most containers and some distributions refuse it."""
