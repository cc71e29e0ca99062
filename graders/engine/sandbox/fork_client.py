"""The grader's side of the fork server.

Synchronous on purpose: a start takes a few milliseconds, and one fork server serves many event
loops, one after the other.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

from graders.engine.core.places import REPOSITORY
from graders.engine.isolation.layers import NOTHING_OFF, Layer
from graders.engine.sandbox.environment import server_environment
from graders.engine.sandbox.process import Exit, LaunchError, LaunchSpec
from graders.engine.sandbox.users import Users

# No garbage is looked for while everything is imported: nearly all of it stays.
_BOOT = (
    "import gc, sys; gc.disable(); sys.path.append(sys.argv[1]);"
    "from graders.engine.sandbox.fork_server import main; main(int(sys.argv[2]), sys.argv[3:])"
)
_SERVER = (sys.executable, "-s", "-P", "-c", _BOOT, str(REPOSITORY))
_START_SECONDS = 120.0


class ForkLauncher:
    """Starts students by forking a preloaded process, which is made at once.

    ``without`` are the layers of its own that tests leave off: network, memory, and by the pid
    namespace all namespaces but that of the network. Several threads may use it.
    """

    kind = "fork server"

    def __init__(self, *, without: frozenset[Layer] = NOTHING_OFF) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(_START_SECONDS)
        self._control = ours
        self._buffer = b""
        self._one_at_a_time = threading.RLock()
        self._users = Users()
        self.cpu_seconds = 0.0
        """CPU time of all students that have ended."""
        self._ready = False
        with theirs:
            self._server = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                [*_SERVER, str(theirs.fileno()), *sorted(without)],
                pass_fds=[theirs.fileno()],
                env=server_environment(),
                stdin=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id of the fork server: of the one in its namespaces, where it has some."""
        self.await_ready()
        return self._pid

    def start(self, spec: LaunchSpec) -> ForkedProcess:
        """Fork a student; raises :class:`LaunchError` when the fork server is broken."""
        self.await_ready()
        wire, student_wire = socket.socketpair()
        output, student_output = os.pipe()
        with self._one_at_a_time:
            uid = self._users.take()
            message = {"do": "start", **spec.as_json(), "uid": uid}
            try:
                self._say(message, [student_wire.fileno(), student_output])
                answer, pid = self._hear()
            except BaseException:
                self._users.give_back(uid)
                wire.close()
                os.close(output)
                raise
            finally:
                student_wire.close()
                os.close(student_output)
        return ForkedProcess(self, _Started(answer["started"], pid, uid), wire, output)

    def ask_exit(self, do: str, started: _Started) -> Exit:
        """Say ``kill`` or ``wait`` for what was ``started``; return once the process is gone."""
        with self._one_at_a_time:
            self._say({"do": do, "pid": started.number}, [])
            answer, _ = self._hear()
            self._users.give_back(started.uid)
            end = Exit.from_wait_status(answer["status"], answer["cpu_seconds"])
            self.cpu_seconds += end.cpu_seconds
        return end

    def close(self) -> None:
        """End the fork server, which ends everything that it started."""
        self._control.close()
        if not self._ready:
            # It has started nothing yet, and would first finish its warm-up.
            self._server.kill()
        self._server.wait()
        self._users.close()

    def await_ready(self) -> None:
        """Wait until the fork server stands; raises :class:`LaunchError` when it never will."""
        with self._one_at_a_time:
            if not self._ready:
                answer, pid = self._hear()
                if answer.get("threads") != 1:
                    threads = answer.get("threads")
                    raise LaunchError(f"the fork server has {threads} threads, not one")
                self._pid = pid or self._server.pid
                self._ready = True

    def _say(self, message: dict[str, Any], descriptors: list[int]) -> None:
        try:
            data = json.dumps(message).encode() + b"\n"
            sent = socket.send_fds(self._control, [data], descriptors) if descriptors else 0
            self._control.sendall(data[sent:])
        except OSError as error:
            raise LaunchError(f"the fork server has ended: {error}") from error

    def _hear(self) -> tuple[dict[str, Any], int]:
        """Return the next message, and the number of the process that it is about (0: of none)."""
        pid = 0
        while b"\n" not in self._buffer:
            try:
                data, descriptors, _, _ = socket.recv_fds(self._control, 65_536, 1)
            except OSError as error:
                raise LaunchError(f"the fork server does not answer: {error}") from error
            if not data:
                raise LaunchError("the fork server ended by itself; its output is above")
            self._buffer += data
            for descriptor in descriptors:
                pid = _number_here(descriptor)
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer, pid


class _Started(NamedTuple):
    """``number`` is the fork server's for the process, ``pid`` our own, ``uid`` its user's."""

    number: int
    pid: int
    uid: int | None


class ForkedProcess:
    """A student that the fork server has started."""

    def __init__(
        self, launcher: ForkLauncher, started: _Started, wire: socket.socket, output: int
    ) -> None:
        self.pid = started.pid or started.number
        self.wire = wire
        self.output = output
        self._launcher = launcher
        self._started = started
        self._exit: Exit | None = None

    def kill(self) -> Exit:
        """End it with its group and wait until nothing of it is left."""
        return self._end("kill")

    def wait(self) -> Exit:
        """Wait until it has ended by itself."""
        return self._end("wait")

    def _end(self, do: str) -> Exit:
        if self._exit is None:
            self._exit = self._launcher.ask_exit(do, self._started)
        return self._exit


def _number_here(pidfd: int) -> int:
    """Return the number of the process that ``pidfd`` holds, in our own pid namespace; close it."""
    try:
        told = Path(f"/proc/self/fdinfo/{pidfd}").read_text(encoding="ascii")
    finally:
        os.close(pidfd)
    return int(told.partition("Pid:")[2].split()[0])
