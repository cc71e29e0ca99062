"""Starts each student in a new interpreter: slower, but works without ``fork`` and without warm-up.

What it starts is ended with its process group; a process that left the group lives on.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess

from graders.engine.sandbox.interpreter import INTERPRETER
from graders.engine.sandbox.process import Exit, LaunchError, LaunchSpec


class FreshLauncher:
    """A new interpreter for each start."""

    kind = "fresh process"

    def __init__(self) -> None:
        self._processes: list[FreshProcess] = []

    def start(self, spec: LaunchSpec) -> FreshProcess:
        """Start an interpreter and hand it its settings; raises :class:`LaunchError`."""
        wire, student_wire = socket.socketpair()
        output, student_output = os.pipe()
        try:
            popen = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                [*INTERPRETER, str(student_wire.fileno())],
                pass_fds=[student_wire.fileno()],
                env=dict(spec.environment),
                stdin=subprocess.PIPE,
                stdout=student_output,
                stderr=student_output,
                cwd=spec.root,
                start_new_session=True,
            )
        except OSError as error:
            wire.close()
            os.close(output)
            raise LaunchError(f"no new process could be started: {error}") from error
        finally:
            student_wire.close()
            os.close(student_output)
        _hand_over(popen, spec)
        process = FreshProcess(popen, wire, output)
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End every process that was started."""
        for process in self._processes:
            process.kill()


class FreshProcess:
    """A student in an interpreter of its own."""

    def __init__(self, popen: subprocess.Popen[bytes], wire: socket.socket, output: int) -> None:
        self.pid = popen.pid
        self.wire = wire
        self.output = output
        self._popen = popen
        self._exit: Exit | None = None

    def kill(self) -> Exit:
        """End it with its process group."""
        if self._exit is None:
            self._kill_group()
            self._popen.kill()
        return self.wait()

    def wait(self) -> Exit:
        """Wait until it has ended."""
        if self._exit is None:
            code = self._popen.wait()
            self._kill_group()
            self._exit = Exit(code=None, signal=-code) if code < 0 else Exit(code=code)
        return self._exit

    def _kill_group(self) -> None:
        """Only before it is known to have ended: later its number may be another's."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def _hand_over(popen: subprocess.Popen[bytes], spec: LaunchSpec) -> None:
    assert popen.stdin is not None, "asked for as a pipe"
    with contextlib.suppress(BrokenPipeError), popen.stdin as pipe:
        pipe.write(json.dumps(spec.as_json()).encode())
