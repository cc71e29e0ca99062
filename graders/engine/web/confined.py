"""Starts a program that handles a student's web code, shut in, and ends it with all its children.

The program sees the folders that are named and the ports that the grader opened for it, which the
grader answers itself. Must not know which program it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from graders.engine.core.errors import GraderBrokeError
from graders.engine.core.limits import MEBIBYTE
from graders.engine.core.places import REPOSITORY
from graders.engine.isolation.layers import NOTHING_OFF, Layer
from graders.engine.sandbox.users import Users

_BOOT = (
    "import sys; sys.path.append(sys.argv[1]);"
    "from graders.engine.web.confined_main import main; main()"
)
_COMMAND = (sys.executable, "-s", "-P", "-S", "-c", _BOOT, str(REPOSITORY))
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/etc/fonts"),
    *("/usr/share/fonts", "/usr/share/fontconfig", "/usr/share/X11/xkb", "/usr/local/share/fonts"),
    *("/usr/share/zoneinfo", "/etc/localtime", "/dev/urandom", "/dev/random", "/dev/zero"),
    *("/var/cache/fontconfig", "/opt/google", "/opt/microsoft"),
)
_HEARD_BYTES = 65_536
_MOST_PORTS = 8
_END_SECONDS = 5.0
"""A last resort for a process that does not end with its only child."""


@dataclass(frozen=True)
class ProgramLimits:
    """What a program may use; ``memory_mb`` is what one process of it may write to."""

    cpu_seconds: int = 30
    memory_mb: int = 2_048
    processes: int = 512
    file_mb: int = 64

    def as_json(self) -> dict[str, object]:
        """Return the limits as the kernel has them."""
        return {
            "resources": {
                "RLIMIT_CPU": self.cpu_seconds,
                "RLIMIT_DATA": self.memory_mb * MEBIBYTE,
                "RLIMIT_NPROC": self.processes,
                "RLIMIT_FSIZE": self.file_mb * MEBIBYTE,
                "RLIMIT_NOFILE": 4_096,
                "RLIMIT_CORE": 0,
            },
            "shared_mb": 256,
            "shared_files": 1_000,
        }


@dataclass(frozen=True)
class ProgramSpec:
    """What is run: ``command`` begins with the full name of the program.

    ``readable`` and the folder ``own``, which it may write to, are all that it sees beside the
    system's libraries; ``ports`` are those of its network that the grader answers. Where it has no
    network of its own they have other numbers, which ``{port 8000}`` in the command stands for.
    ``without`` are layers that tests leave off.
    """

    command: Sequence[str]
    own: Path
    readable: Sequence[Path] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[int] = ()
    limits: ProgramLimits = field(default_factory=ProgramLimits)
    without: frozenset[Layer] = NOTHING_OFF


@dataclass
class ConfinedProgram:
    """A program that runs; ``held`` names its layers, ``listeners`` are the grader's to answer."""

    process: subprocess.Popen[bytes]
    held: tuple[str, ...]
    listeners: Sequence[socket.socket]
    ports: Sequence[int]

    @property
    def output(self) -> IO[bytes]:
        """What the program prints."""
        assert self.process.stdout is not None, "it was started with a pipe"
        return self.process.stdout

    def end(self) -> None:
        """End it, with all that it has started."""
        # First the first process of its pid namespace, with which all others end: so the process
        # that waits for it can tell what processor time they have used.
        if Layer.PROCESSES in self.held:
            for pid in _children_of(self.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_END_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.output.close()
        for listener in self.listeners:
            listener.close()


def _children_of(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    return [int(number) for number in text.split()]


@contextmanager
def own_folder() -> Iterator[Path]:
    """Yield a new folder for a program, and remove it with all that it holds."""
    folder = Path(tempfile.mkdtemp(prefix="chatkit-web-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def confined(spec: ProgramSpec) -> Iterator[ConfinedProgram]:
    """Run a program until the end of the block; raises :class:`GraderBrokeError`."""
    users = Users()
    uid = users.take()
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"},
        cwd="/",
        start_new_session=True,
        pass_fds=[theirs.fileno()],
    )
    program = ConfinedProgram(process, (), (), ())
    try:
        with ours, theirs:
            _tell(process, theirs.fileno(), spec, uid)
            theirs.close()
            program = _heard(process, ours)
        yield program
    finally:
        program.end()
        users.close()


def _tell(
    process: subprocess.Popen[bytes], control: int, spec: ProgramSpec, uid: int | None
) -> None:
    readable = [*_SYSTEM, *(str(path) for path in spec.readable)]
    settings = {
        "control": control,
        "program": list(spec.command),
        "folder": str(spec.own),
        "writable": [str(spec.own)],
        "readable": readable,
        "environment": dict(spec.environment),
        "ports": list(spec.ports),
        "limits": spec.limits.as_json(),
        "uid": uid,
        "without": sorted(spec.without),
    }
    assert process.stdin is not None, "it was started with a pipe"
    with process.stdin as stdin:
        stdin.write(json.dumps(settings).encode())


def _heard(process: subprocess.Popen[bytes], control: socket.socket) -> ConfinedProgram:
    data, descriptors, _, _ = socket.recv_fds(control, _HEARD_BYTES, _MOST_PORTS)
    if not data:
        assert process.stdout is not None, "it was started with a pipe"
        said = process.stdout.read().decode(errors="replace").strip()[-2_000:]
        raise GraderBrokeError(f"a program for web code could not be isolated: {said}")
    told = json.loads(data)
    listeners = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    return ConfinedProgram(process, tuple(told["held"]), listeners, tuple(told["ports"]))
