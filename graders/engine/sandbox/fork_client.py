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
from typing import Any

from graders.engine.sandbox.environment import server_environment
from graders.engine.sandbox.launcher import ENGINE_ROOT, Exit, LaunchError, LaunchSpec
from graders.engine.sandbox.layers import NOTHING_OFF, Layer

_BOOT = (
    "import sys; sys.path.append(sys.argv[1]);"
    "from graders.engine.sandbox.fork_server import main; main(int(sys.argv[2]), sys.argv[3:])"
)
_SERVER = (sys.executable, "-s", "-P", "-c", _BOOT, str(ENGINE_ROOT))
_START_SECONDS = 120.0


class ForkLauncher:
    """Starts students by forking a preloaded process, which is made at once.

    ``without`` are the layers of its own that tests leave off: network and memory.
    """

    kind = "fork server"

    def __init__(self, *, without: frozenset[Layer] = NOTHING_OFF) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(_START_SECONDS)
        self._control = ours
        self._buffer = b""
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
        """The process id of the fork server."""
        return self._server.pid

    def start(self, spec: LaunchSpec) -> ForkedProcess:
        """Fork a student; raises :class:`LaunchError` when the fork server is broken."""
        self.await_ready()
        wire, student_wire = socket.socketpair()
        output, student_output = os.pipe()
        message = {"do": "start", **spec.as_json()}
        try:
            self._say(message, [student_wire.fileno(), student_output])
            pid = self._hear()["started"]
        except BaseException:
            wire.close()
            os.close(output)
            raise
        finally:
            student_wire.close()
            os.close(student_output)
        return ForkedProcess(self, pid, wire, output)

    def ask_exit(self, do: str, pid: int) -> Exit:
        """Say ``kill`` or ``wait`` for ``pid``; return once the process is gone."""
        self._say({"do": do, "pid": pid}, [])
        answer = self._hear()
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

    def await_ready(self) -> None:
        """Wait until the fork server stands; raises :class:`LaunchError` when it never will."""
        if not self._ready:
            answer = self._hear()
            if answer.get("threads") != 1:
                raise LaunchError(f"the fork server has {answer.get('threads')} threads, not one")
            self._ready = True

    def _say(self, message: dict[str, Any], descriptors: list[int]) -> None:
        try:
            data = json.dumps(message).encode() + b"\n"
            sent = socket.send_fds(self._control, [data], descriptors) if descriptors else 0
            self._control.sendall(data[sent:])
        except OSError as error:
            raise LaunchError(f"the fork server has ended: {error}") from error

    def _hear(self) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            try:
                data = self._control.recv(65_536)
            except OSError as error:
                raise LaunchError(f"the fork server does not answer: {error}") from error
            if not data:
                raise LaunchError("the fork server ended by itself; its output is above")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


class ForkedProcess:
    """A student that the fork server has started."""

    def __init__(self, launcher: ForkLauncher, pid: int, wire: socket.socket, output: int) -> None:
        self.pid = pid
        self.wire = wire
        self.output = output
        self._launcher = launcher
        self._exit: Exit | None = None

    def kill(self) -> Exit:
        """End it with its group and wait until nothing of it is left."""
        return self._end("kill")

    def wait(self) -> Exit:
        """Wait until it has ended by itself."""
        return self._end("wait")

    def _end(self, do: str) -> Exit:
        if self._exit is None:
            self._exit = self._launcher.ask_exit(do, self.pid)
        return self._exit
