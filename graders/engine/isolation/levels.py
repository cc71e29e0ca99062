"""How well a server is isolated: the level that its layers make, and a sentence for each missing.

Judged by the grader from the names of the layers alone. Must not know how a layer works.
"""

from __future__ import annotations

import os

from graders.engine.core.results import Isolation, IsolationLevel
from graders.engine.isolation.layers import SECOND_WALL, Layer

_WHAT_IS_MISSING = {
    Layer.FILES: (
        "The server's process could read and empty files of the user who grades: that needs "
        "Landlock, of Linux 6.2 or later."
    ),
    Layer.SYSCALLS: (
        "The server's process could start programs and reach other processes: that needs seccomp, "
        "of Linux on x86-64 or arm64."
    ),
    Layer.NETWORK: (
        "The server's process has no network of its own: that needs root, or namespaces for users."
    ),
    Layer.PROCESSES: (
        "The server's process has a number among the machine's: for a pid namespace, root or "
        "namespaces for users are needed, which most containers refuse."
    ),
    Layer.IPC: (
        "The server's process has no message queues of its own: that needs what a pid namespace "
        "needs."
    ),
    Layer.ROOT: (
        "The server's process sees the names of the machine's files: that it has a root folder of "
        "its own needs what a pid namespace needs."
    ),
    Layer.UID: (
        "The server's process runs as root: that it runs as a user of its own needs the right to "
        "become one, and packages that every user may read."
    ),
}
# Without these two a score can be forged. The network is refused by both of them as well.
_REQUIRED = frozenset({Layer.FILES, Layer.SYSCALLS})


def isolation_of(kind: str, held: tuple[str, ...], *, root: bool) -> Isolation:
    """Judge the layers that ``held`` in a process started by a launcher of ``kind``.

    ``root`` says whether the grader is root: then its servers must not be.
    """
    wanted = _REQUIRED | SECOND_WALL - _not_needed(root=root)
    level = IsolationLevel.PRACTICE
    if _REQUIRED.issubset(held):
        level = IsolationLevel.FULL if wanted.issubset(held) else IsolationLevel.STRONG
    return Isolation(
        level=level,
        layers=(kind, *held),
        missing=tuple(
            text
            for layer, text in _WHAT_IS_MISSING.items()
            if layer in wanted and layer not in held
        ),
    )


def is_root() -> bool:
    """Return whether the grader is root."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _not_needed(*, root: bool) -> frozenset[Layer]:
    """Return what of the second wall counts for nothing by itself, or not for this grader.

    A user namespace is only a way to the other namespaces.
    """
    return frozenset({Layer.USERS} if root else {Layer.USERS, Layer.UID})
