"""What one server uses of the machine, held against its limits: memory, threads, disk.

Seen from outside, so the process cannot lie about it, and a finding by it is true. Must not know
what the server is doing meanwhile, nor what becomes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from graders.engine.core.limits import MEBIBYTE, ProcessLimits
from graders.engine.server.watch.folders import Contents, contents_of
from graders.engine.server.watch.partner import Partner
from graders.engine.server.watch.process_state import Use, use

_LOOKS_PER_WALK = 25
"""Folders are looked through at every so many looks, about twice a second."""
_NEARLY = 15 / 16
"""Who has used that much of a limit was refused the rest of it, and not something else."""


def amount(mebibytes: int) -> str:
    """Tell a number of MiB as people do: ``1 GiB``."""
    whole, rest = divmod(mebibytes, 1_024)
    return f"{whole:,} GiB" if whole and not rest else f"{mebibytes:,} MiB"


class Footprint:
    """One server's, from its start to its end; ``folders`` are those that it may write to.

    ``handed_in`` is what they held before, which is not counted. ``partner`` works for the server
    elsewhere. ``most_threads`` is how many threads were seen at most.
    """

    def __init__(
        self,
        pid: int,
        folders: Sequence[Path],
        limits: ProcessLimits,
        handed_in: Contents,
        partner: Partner | None = None,
    ) -> None:
        self.pid = pid
        self._partner = partner
        self._folders = folders
        self._limits = limits
        self._handed_in = handed_in
        self._looks = 0
        self.most_threads = 0

    def excess(self) -> str | None:
        """Look; say what the server did if it went past a limit (``used more than ...``)."""
        self._looks += 1
        if excess := self._of_process(self._seen()):
            return excess
        if self._looks % _LOOKS_PER_WALK:
            return None
        return self._of_partner() or self._of_disk(self.on_disk())

    def _seen(self) -> Use | None:
        if seen := use(self.pid):
            self.most_threads = max(self.most_threads, seen.threads)
        return seen

    def _of_process(self, seen: Use | None) -> str | None:
        limits = self._limits
        if seen is None:
            return None
        if seen.memory > limits.memory_mb * MEBIBYTE:
            return f"used more than {amount(limits.memory_mb)} of memory"
        if seen.threads > limits.processes:
            return f"started more than {limits.processes:,} threads at once"
        return None

    def _of_partner(self) -> str | None:
        """Say what all processes together did that work for the server; each has a limit alone."""
        processes = () if self._partner is None else self._partner.processes()
        seen = (each for pid in processes if (each := use(pid)))
        most = self._limits.memory_mb
        if sum(each.own_memory for each in seen) > most * MEBIBYTE:
            return f"used more than {amount(most)} of memory in its database server"
        return None

    def _of_disk(self, found: Contents) -> str | None:
        limits = self._limits
        if found.hidden:
            return found.hidden
        if found.files > limits.disk_files:
            return f"made more than {limits.disk_files:,} files in its folders"
        if found.size > limits.disk_mb * MEBIBYTE:
            return f"wrote more than {amount(limits.disk_mb)} in its folders"
        return None

    def on_disk(self) -> Contents:
        """Look through the folders; ``files`` and ``size`` are what has come since the start."""
        before = self._handed_in
        found = contents_of(self._folders, most_files=before.files + self._limits.disk_files)
        found.files -= before.files
        found.size -= before.size
        return found

    @property
    def disk_is_full(self) -> bool:
        """Whether a write may have failed because all is used that may be."""
        found = self.on_disk()
        limits = self._limits
        return (
            found.size > _NEARLY * limits.disk_mb * MEBIBYTE
            or found.files > _NEARLY * limits.disk_files
        )

    @property
    def file_is_full(self) -> bool:
        """Whether a write may have failed because a file is as long as it may be."""
        return self.on_disk().largest > _NEARLY * self._limits.file_size_mb * MEBIBYTE

    @property
    def threads_are_full(self) -> bool:
        """Whether a thread may have failed to start because there are as many as there may be."""
        self._seen()
        return self.most_threads > _NEARLY * self._limits.processes
