"""What a server may use, in numbers: every limit with its default, in this one place.

Three groups, by who keeps them: the kernel and the grader's looks at the process
(:class:`ProcessLimits`), the grader's end of the wire (:class:`WireLimits`), the grader's own clock
(:class:`Deadlines`). A lesson may override each by its name, see :meth:`Limits.overridden`; the
constants at the end are part of the wire and cannot be changed. ``docs/security.md`` has the table.

The numbers come from honest servers, with a wide margin: 160 MiB of memory after the imports, 26 of
them their own; some hundred milliseconds of CPU time; at most 32 + 40 threads of asyncio's and
anyio's pools beside those that open a connection each. Must not know how a limit is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

MEBIBYTE = 1024 * 1024
MOST = 1_000_000
"""What any of these numbers may be at most, so that none overflows."""


@dataclass(frozen=True)
class ProcessLimits:
    """What one server's process may use. ``..._mb`` are MiB."""

    memory_mb: int = 1_024
    """Memory that is really in use, with what is shared."""
    cpu_seconds: int = 60
    """Processor time from its start to its end."""
    processes: int = 128
    """Threads and processes at once."""
    open_files: int = 512
    """Fifty requests at once that open a database of five descriptors each need 266."""
    file_size_mb: int = 16
    """The largest file that it may write."""
    disk_mb: int = 256
    """What it may add to its folders, all files together."""
    disk_files: int = 10_000
    """Files and folders that it may add to its folders."""
    lock_seconds: int = 5
    """How long SQLite may wait for a lock, whatever the server asks for: it waits in real time."""

    def as_json(self) -> dict[str, int]:
        """Return the limits as plain data, for the way to the student's process."""
        return asdict(self)


@dataclass(frozen=True)
class WireLimits:
    """What the grader takes from one server, from its start to its end."""

    sent_mb: int = 512
    """All that it sends."""
    messages: int = 2_000_000
    """Pieces of answers, model calls and the like."""
    answer_mb: int = 64
    """The body of one answer."""
    model_calls: int = 2_000
    """Exchanges that the server begins."""
    asked_mb: int = 128
    """The bodies of all its calls of the model together."""
    printed_mb: int = 32
    printed_kept_kb: int = 64
    """The end of what it prints, which is kept for the report."""
    start_cpu_seconds: int = 15
    """Processor time while it starts: large libraries need seconds to be imported."""
    answer_cpu_seconds: int = 5
    """Processor time without progress, while an answer is owed."""
    answer_clock_seconds: int = 120
    """Virtual time that a server may wait for timers without progress; one answer ten times it."""


@dataclass(frozen=True)
class Deadlines:
    """How long things may take on the grader's own clock: the last net, and no judgement."""

    check_seconds: int = 300
    run_seconds: int = 1_800


@dataclass(frozen=True)
class Limits:
    """All limits of one lesson."""

    process: ProcessLimits = field(default_factory=ProcessLimits)
    wire: WireLimits = field(default_factory=WireLimits)
    deadlines: Deadlines = field(default_factory=Deadlines)

    def overridden(self, numbers: Mapping[str, int]) -> Limits:
        """Return these limits with others in place of those that ``numbers`` names."""
        return Limits(
            process=replace(self.process, **_of(self.process, numbers)),
            wire=replace(self.wire, **_of(self.wire, numbers)),
            deadlines=replace(self.deadlines, **_of(self.deadlines, numbers)),
        )


Group = ProcessLimits | WireLimits | Deadlines


def _of(group: Group, numbers: Mapping[str, int]) -> dict[str, int]:
    return {name: numbers[name] for name in _names(group) if name in numbers}


def _names(group: Group) -> tuple[str, ...]:
    return tuple(each.name for each in fields(group))


NAMES = (*_names(ProcessLimits()), *_names(WireLimits()), *_names(Deadlines()))
"""The names by which a ``lesson.yaml`` may override limits; no two groups share one."""

# --- parts of the wire, the same for both of its ends ---

MAX_FRAME_BYTES = 8 * MEBIBYTE
"""Largest frame that either side accepts; bodies are sent in pieces well below it."""
MAX_MODEL_REQUEST_BYTES = 4 * MEBIBYTE
"""Largest body of a request to the model; as base64, with the headers, it still fits a frame."""
MAX_HEADERS = 500
MAX_HEADER_BYTES = 256 * 1024
"""All names and values of the headers of one message together; browsers stop there as well."""
MAX_URL_CHARACTERS = 8_192
MAX_METHOD_CHARACTERS = 20
