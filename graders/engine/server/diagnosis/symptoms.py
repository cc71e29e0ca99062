"""Which limit or refusal may have caused an error, by what Python says about it.

Errors are the student's own words, so they only explain what went wrong and decide nothing; and
where another cause is possible, the limit must have been seen from outside to be nearly used up.
Each symptom is told as what the server did, and after a semicolon why not, if that is not plain:
``opened more than 256 files at once``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from graders.engine.core.limits import ProcessLimits
from graders.engine.core.text import quote
from graders.engine.isolation.layers import Layer
from graders.engine.server.watch.footprint import Footprint, amount

_MOST_TOLD = 3
# Denied, not there in the own root folder, or closed to writing.
_OUTSIDE = re.compile(
    r"^(?:PermissionError: \[Errno 13\]|FileNotFoundError: \[Errno 2\]|OSError: \[Errno 30\])"
    r" [\w -]+: '(/[^']{1,200})'",
    re.MULTILINE,
)
_REFUSALS = re.compile(
    r"^(?:[\w.]+\.)?(?:NetworkRefusedError|ProcessRefusedError)\b|request_too_large", re.MULTILINE
)
"""The words by which what the server's own process refuses, and reports, comes to light."""


@dataclass(frozen=True)
class Symptom:
    """An error at the beginning of a line, and what it tells; ``holds`` must be true as well."""

    error: str
    told: Callable[[ProcessLimits], str]
    holds: Callable[[Footprint], bool] = lambda _: True
    layer: Layer | None = None
    """The layer of isolation without which the error means something else."""
    near: str = ""
    """What must be said beside it."""


_DISK_ERROR = r"(?:[\w.]+\.)?OperationalError: (?:\([\w.]+\) )?disk I/O error"
_SYMPTOMS = (
    Symptom(
        r"(?:[\w.]+\.)?_?(?:Array)?MemoryError\b|OSError: \[Errno 12\]",
        lambda limits: f"asked for more than {amount(limits.memory_mb)} of memory",
    ),
    Symptom(
        r"RuntimeError: can't (?:start|allocate) new thread",
        lambda limits: f"started more than {limits.processes:,} threads at once",
        lambda footprint: footprint.threads_are_full,
    ),
    Symptom(
        r"RuntimeError: can't start new thread",
        lambda limits: (
            f"had no memory left for another thread ({amount(limits.memory_mb)}, and "
            f"room for the stacks of {limits.processes:,} threads)"
        ),
        lambda footprint: not footprint.threads_are_full,
    ),
    Symptom(
        r"OSError: \[Errno 24\]",
        lambda limits: f"opened more than {limits.open_files:,} files at once",
    ),
    Symptom(
        r"OSError: \[Errno 27\]",
        lambda limits: f"wrote a file of more than {amount(limits.file_size_mb)}",
    ),
    Symptom(
        _DISK_ERROR,
        lambda limits: f"wrote a file of more than {amount(limits.file_size_mb)}",
        lambda footprint: footprint.file_is_full,
    ),
    Symptom(
        # SQLite has taken back what it had written, so nobody can see it any more.
        _DISK_ERROR,
        lambda limits: (
            "could not write to its database; SQLite says `disk I/O error` also of a "
            f"file of more than {amount(limits.file_size_mb)}, the most that a file may have here"
        ),
        lambda footprint: not footprint.file_is_full,
    ),
    Symptom(
        r"OSError: \[Errno 28\]|(?:[\w.]+\.)?OperationalError: (?:\([\w.]+\) )?"
        r"database or disk is full",
        lambda limits: (
            f"wrote more than {amount(limits.disk_mb)}, or more than "
            f"{limits.disk_files:,} files, in its folders"
        ),
        lambda footprint: footprint.disk_is_full,
    ),
    Symptom(
        r"PermissionError: \[Errno 1\] Operation not permitted",
        lambda _: (
            "tried something that a submission may not do (`Operation not permitted`); it "
            "may start no program and no process, open no connection, and use no other process"
        ),
        layer=Layer.SYSCALLS,
    ),
    Symptom(
        r"OSError: \[Errno 38\]",
        lambda _: (
            "asked the kernel for something that is not available here (`Function not "
            "implemented`); a submission has the calls that an ordinary server needs"
        ),
        layer=Layer.SYSCALLS,
    ),
    Symptom(
        # The semaphores of a pool are files outside, which are refused before any process is.
        r"PermissionError: \[Errno 13\] Permission denied$",
        lambda _: "tried to use several processes; a submission must do all in one process",
        near=r"\bmultiprocessing\b|\bProcessPool",
        layer=Layer.FILES,
    ),
)


def symptoms(
    text: str,
    limits: ProcessLimits,
    footprint: Footprint,
    layers: Collection[str],
    own_folder: Path,
) -> Sequence[str]:
    """Return what the errors in ``text``, a line each, tell of limits and refusals; at most three.

    ``layers`` are those of isolation that hold, ``own_folder`` has all that the server may write
    to in it.
    """
    told = [
        symptom.told(limits)
        for symptom in _SYMPTOMS
        if re.search(rf"^(?:{symptom.error})", text, re.MULTILINE)
        and re.search(symptom.near, text)
        and (symptom.layer is None or symptom.layer in layers)
        and symptom.holds(footprint)
    ]
    if Layer.FILES in layers:
        told += [
            f"tried to use `{quote(path)}`; it may use its own folders, and read Python's libraries"
            for path in dict.fromkeys(_OUTSIDE.findall(text))
            if not path.startswith(f"{own_folder}/")
        ]
    return told[:_MOST_TOLD]


def refused(text: str) -> bool:
    """Return whether something that was refused came to light in ``text``."""
    return _REFUSALS.search(text) is not None
