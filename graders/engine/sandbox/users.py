"""The numbers of users that students' processes become, where the grader is root.

Each is claimed so that no other grader on this machine uses it at the time. Must not know how a
process becomes another user.
"""

from __future__ import annotations

import os
import random
import socket
import sys
from pathlib import Path

FIRST, LAST = 60_580, 61_183
"""Numbers that no distribution gives to anybody (systemd's list of users and groups)."""
_BLOCK = 4
"""How many are claimed at once: about as many as one grader needs."""

_NEEDED_CAPABILITIES = 1 << 0 | 1 << 1 | 1 << 6 | 1 << 7
"""To change owners, to read whatever is whose, to become another group and user."""


class Users:
    """The numbers that this process has claimed, by a name that the kernel gives only once."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._claims: list[socket.socket] = []
        self._unclaimed = list(range(FIRST, LAST + 1, _BLOCK)) if _may_become_another() else []
        random.shuffle(self._unclaimed)

    def take(self) -> int | None:
        """Return a user that nobody else has; ``None`` where that cannot be."""
        while not self._free and self._unclaimed:
            first = self._unclaimed.pop()
            if self._claim(first):
                self._free += range(first, first + _BLOCK)
        return self._free.pop() if self._free else None

    def give_back(self, uid: int | None) -> None:
        """Say that nothing of this user runs any more."""
        if uid is not None:
            self._free.append(uid)

    def close(self) -> None:
        """Let others have all of them."""
        for claim in self._claims:
            claim.close()

    def _claim(self, first: int) -> bool:
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0chatkit-grader-users-{first}")
        except OSError:
            claim.close()
            return False
        self._claims.append(claim)
        return True


def _may_become_another() -> bool:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return False
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    effective = int(status.partition("CapEff:")[2].split()[0], 16)
    return effective & _NEEDED_CAPABILITIES == _NEEDED_CAPABILITIES and _are_mapped()


def _are_mapped() -> bool:
    """Return whether the numbers mean anything in this user namespace."""
    lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    ranges = [tuple(map(int, line.split())) for line in lines]
    return any(first <= FIRST and first + count > LAST for first, _, count in ranges)
