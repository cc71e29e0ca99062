"""Which limit or refusal is behind an error, by what Python says about it.

Errors are the student's own words, so they only explain what went wrong and decide nothing; and
where another cause is possible, the limit must have been seen from outside to be nearly used up.
Each symptom is told as what the server did: ``opened more than 256 files at once``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from graders.engine.core.limits import ProcessLimits
from graders.engine.core.text import quote
from graders.engine.harness.footprint import Footprint, amount
from graders.engine.sandbox import Layer

_MOST_TOLD = 3
_OUTSIDE = re.compile(r"PermissionError: \[Errno 13\] Permission denied: '(/[^']{1,200})'")
REFUSALS = ("NetworkRefusedError", "ProcessRefusedError")
"""The errors that the guard in the server's process raises; it reports what was refused itself."""


@dataclass(frozen=True)
class Symptom:
    """An error at the beginning of a line, and what it tells; ``holds`` must be true as well."""

    error: str
    told: Callable[[ProcessLimits], str]
    holds: Callable[[Footprint], bool] = lambda _: True
    layer: Layer | None = None
    """The layer of isolation without which the error means something else."""


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
        r"(?:[\w.]+\.)?OperationalError: (?:\([\w.]+\) )?disk I/O error",
        lambda limits: f"wrote a file of more than {amount(limits.file_size_mb)}",
        lambda footprint: footprint.file_is_full,
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
            "tried something that a submission may not do (`Operation not permitted`): it "
            "may start no program and no process, open no connection, and use no other process"
        ),
        layer=Layer.SYSCALLS,
    ),
)


def symptoms(
    text: str,
    limits: ProcessLimits,
    footprint: Footprint,
    layers: Collection[str],
    own_folder: Path,
) -> Sequence[str]:
    """Give what the errors in ``text``, a line each, tell of limits and refusals; at most three.

    ``layers`` are those of isolation that hold, ``own_folder`` has all that the server may write
    to in it.
    """
    told = [
        symptom.told(limits)
        for symptom in _SYMPTOMS
        if re.search(rf"^(?:{symptom.error})", text, re.MULTILINE)
        and (symptom.layer is None or symptom.layer in layers)
        and symptom.holds(footprint)
    ]
    if Layer.FILES in layers:
        told += [
            f"tried to use `{quote(path)}`, which is outside of its own folders"
            for path in dict.fromkeys(_OUTSIDE.findall(text))
            if not path.startswith(f"{own_folder}/")
        ]
    return told[:_MOST_TOLD]


def refused(text: str) -> bool:
    """Whether an error of the guard came to light in ``text``."""
    return any(re.search(rf"^(?:[\w.]+\.)?{name}\b", text, re.MULTILINE) for name in REFUSALS)
