"""A student's process as the grader sees it, whichever way it was started, and what starts one.

Must not know what the two processes say to each other, nor one way of starting from another.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from graders.engine.core.errors import GraderBrokeError
from graders.engine.core.limits import ProcessLimits
from graders.engine.isolation.layers import NOTHING_OFF, Layer


class LaunchError(GraderBrokeError):
    """The student's process could not be started; our fault or the machine's."""


@dataclass(frozen=True)
class LaunchSpec:
    """How a student's process is to be started.

    ``root`` is the private copy of the submission (its working folder), ``environment`` the whole
    environment of the process, ``cold`` asks for a process without preloaded libraries (for a
    submission whose own modules hide some of them). ``writable`` are its folders beside ``root``;
    ``sockets`` folders with Unix sockets that it may connect to, where it sees no others;
    ``without`` the layers of isolation that tests leave off; ``preload`` modules that a fork server
    imports before it forks, so that no process need do it.
    """

    root: Path
    environment: Mapping[str, str]
    limits: ProcessLimits = field(default_factory=ProcessLimits)
    cold: bool = False
    writable: tuple[Path, ...] = ()
    sockets: tuple[Path, ...] = ()
    without: frozenset[Layer] = NOTHING_OFF
    preload: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the settings as plain data, for the way to the student's process."""
        return {
            "root": str(self.root),
            "environment": dict(self.environment),
            "limits": self.limits.as_json(),
            "cold": self.cold,
            "writable": [str(folder) for folder in self.writable],
            "sockets": [str(folder) for folder in self.sockets],
            "without": sorted(self.without),
            "preload": list(self.preload),
            # What the fork server may add: a user, the rights that namespaces give, what is left.
            "uid": None,
            "namespaces": False,
            "inherited": [],
        }


@dataclass(frozen=True)
class Exit:
    """How a process ended: ``code`` when it exited, ``signal`` when it was killed by one.

    ``cpu_seconds`` is what it and the children that it waited for have used, where it is known.
    """

    code: int | None
    signal: int | None = None
    cpu_seconds: float = 0.0

    @classmethod
    def from_wait_status(cls, status: int, cpu_seconds: float = 0.0) -> Exit:
        """Read what ``os.waitpid`` gave."""
        if os.WIFSIGNALED(status):
            return cls(code=None, signal=os.WTERMSIG(status), cpu_seconds=cpu_seconds)
        return cls(code=os.WEXITSTATUS(status), cpu_seconds=cpu_seconds)


class Process(Protocol):
    """A started process; ``wire`` is the grader's end, ``output`` reads what it prints."""

    pid: int
    wire: socket.socket
    output: int

    def kill(self) -> Exit:
        """End it with its whole process group (SIGKILL) and wait until it is gone."""

    def wait(self) -> Exit:
        """Wait until it is gone by itself; call only when its wire is closed."""


class Launcher(Protocol):
    """Starts processes; ``kind`` names the way."""

    kind: str

    def start(self, spec: LaunchSpec) -> Process:
        """Start a process; raises :class:`LaunchError`."""

    def close(self) -> None:
        """End everything that was started."""
