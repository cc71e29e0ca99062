"""The resource limits of a student's process, and how they are set from inside it.

Must not know which lesson asks for which limit.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessLimits:
    """What one server may use. Memory and file sizes are in MiB, ``cpu_seconds`` in seconds.

    The numbers come from measurements of honest servers: 18 MiB private at start, 26 MiB after a
    conversation, some hundred milliseconds of CPU; so each has a wide margin.
    """

    memory_mb: int = 1_024
    cpu_seconds: int = 60
    file_size_mb: int = 16
    open_files: int = 256
    processes: int = 64

    def as_json(self) -> dict[str, int]:
        """Give the limits as plain data, for the way to the student's process."""
        return asdict(self)


def _tasks_of_the_machine() -> int:
    """Count what runs already: the kernel's limit counts all threads of the user, not ours alone.

    Zero where the kernel does not tell.
    """
    try:
        return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].split("/")[1])
    except (OSError, ValueError, IndexError):
        return 0


def apply(limits: ProcessLimits) -> tuple[str, ...]:
    """Set ``limits`` on this process; return the names of those that took hold."""
    if sys.platform == "win32":
        return ()
    import resource  # noqa: PLC0415 - not on Windows

    mebibyte = 1024 * 1024
    wanted = {
        "RLIMIT_DATA": limits.memory_mb * mebibyte,
        "RLIMIT_CPU": limits.cpu_seconds,
        "RLIMIT_FSIZE": limits.file_size_mb * mebibyte,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_NPROC": _tasks_of_the_machine() + limits.processes,
        "RLIMIT_CORE": 0,
    }
    held = []
    for name, value in wanted.items():
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        _, hard = resource.getrlimit(kind)
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # Past the hard limit of CPU time comes SIGKILL, which says nothing: first the soft one's
        # SIGXCPU, which says why.
        highest = allowed + 1 if name == "RLIMIT_CPU" and hard != allowed else allowed
        try:
            resource.setrlimit(kind, (allowed, highest))
        except (ValueError, OSError):
            # An ordinary user may not always lower a limit below what is in use (macOS).
            continue
        held.append(name)
    return tuple(held)
