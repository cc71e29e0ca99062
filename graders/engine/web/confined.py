"""Starts a program that handles a student's web code, shut in, and ends it with all its children.

The program sees the folders that are named and the ports that the grader opened for it, which the
grader answers itself. Must not know which program it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
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
_CHUNK_BYTES = 65_536
LAST_SECONDS = 60.0
"""A last net for a program that neither computes nor ends; nothing is judged by its speed."""


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
    ``spoken_with`` gives it a socket to the grader, as its descriptors 3 and 4.
    ``without`` are layers that tests leave off.
    """

    command: Sequence[str]
    own: Path
    readable: Sequence[Path] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: Sequence[int] = ()
    limits: ProgramLimits = field(default_factory=ProgramLimits)
    spoken_with: bool = False
    without: frozenset[Layer] = NOTHING_OFF


@dataclass(frozen=True)
class ProgramEnd:
    """How a program ended: its ``code`` and what it ``printed``.

    ``ended_for`` says why the grader ended it; it is empty where the program ended by itself.
    """

    code: int
    printed: str
    ended_for: str = ""


@dataclass
class ConfinedProgram:
    """A program that runs; ``held`` names its layers, ``listeners`` are the grader's to answer.

    ``spoken`` is the socket to it, if it has one.
    """

    process: subprocess.Popen[bytes]
    held: tuple[str, ...]
    listeners: Sequence[socket.socket]
    ports: Sequence[int]
    spoken: socket.socket | None = None

    @property
    def output(self) -> IO[bytes]:
        """What the program prints."""
        assert self.process.stdout is not None, "it was started with a pipe"
        return self.process.stdout

    def to_the_end(self, most_bytes: int) -> ProgramEnd:
        """Wait until it has ended, or end it where it prints too much or would never end."""
        last = time.monotonic() + LAST_SECONDS
        printed, ended_for = bytearray(), ""
        # The output is never waited for without an end: a child may keep it open for ever.
        while chunk := self._chunk_before(last):
            printed += chunk
            if len(printed) > most_bytes:
                ended_for = f"it printed more than {most_bytes // 1024:,} KiB"
                break
        try:
            code = self.process.wait(0 if ended_for else max(last - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            ended_for = ended_for or f"it had not ended after {LAST_SECONDS:g} s"
            self.end()
            code = self.process.returncode
        return ProgramEnd(code, bytes(printed[:most_bytes]).decode(errors="replace"), ended_for)

    def _chunk_before(self, last: float) -> bytes:
        """Return what it prints next; nothing if that is all, or if the time is over."""
        descriptor = self.output.fileno()
        # `poll` has no bound on the number of a descriptor, as `select` has.
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        left = max(last - time.monotonic(), 0)
        return os.read(descriptor, _CHUNK_BYTES) if poll.poll(left * 1_000) else b""

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
        if self.spoken is not None:
            self.spoken.close()


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
    spoken, heard = socket.socketpair() if spec.spoken_with else (None, None)
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"},
        cwd="/",
        start_new_session=True,
        pass_fds=[each.fileno() for each in (theirs, heard) if each is not None],
    )
    program = ConfinedProgram(process, (), (), (), spoken)
    try:
        with ours, theirs:
            _tell(process, theirs.fileno(), heard, spec, uid)
            theirs.close()
            if heard is not None:
                heard.close()
            program = _heard(process, ours, spoken)
        yield program
    finally:
        program.end()
        users.close()


def _tell(
    process: subprocess.Popen[bytes],
    control: int,
    heard: socket.socket | None,
    spec: ProgramSpec,
    uid: int | None,
) -> None:
    readable = [*_SYSTEM, *(str(path) for path in spec.readable)]
    settings = {
        "control": control,
        "spoken": None if heard is None else heard.fileno(),
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


def _heard(
    process: subprocess.Popen[bytes], control: socket.socket, spoken: socket.socket | None
) -> ConfinedProgram:
    data, descriptors, _, _ = socket.recv_fds(control, _HEARD_BYTES, _MOST_PORTS)
    if not data:
        assert process.stdout is not None, "it was started with a pipe"
        said = process.stdout.read().decode(errors="replace").strip()[-2_000:]
        raise GraderBrokeError(f"a program for web code could not be isolated: {said}")
    told = json.loads(data)
    listeners = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    return ConfinedProgram(process, tuple(told["held"]), listeners, tuple(told["ports"]), spoken)
