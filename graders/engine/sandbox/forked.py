"""The way of a process from the fork server's child to the student: descriptors, then settings.

Must not return into the fork server's code: whatever fails here ends the process.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from typing import Any

from graders.engine.isolation.privileges import keep_capabilities_as_another_program
from graders.engine.sandbox.child import WIRE_FD, become_student
from graders.engine.sandbox.interpreter import INTERPRETER


def fork_student(wire: int, output: int, settings: dict[str, Any]) -> int:
    """Fork a process that becomes the student; return its number.

    ``wire`` and ``output`` are the descriptors that it is left with.
    """
    pid = os.fork()
    if pid == 0:
        _enter_child(wire, output, settings)
    return pid


def _enter_child(wire: int, output: int, message: dict[str, Any]) -> None:
    try:
        os.setsid()
        gc.enable()
        nothing = os.open(os.devnull, os.O_RDONLY)
        # The wire and the pipe may have any numbers, 0 to 3 among them: move them out first.
        wire, output, nothing = (_above(fd, 10) for fd in (wire, output, nothing))
        for source, target in ((nothing, 0), (output, 1), (output, 2), (wire, WIRE_FD)):
            os.dup2(source, target)
        if message["cold"]:
            _become_fresh_interpreter(message)
        become_student(message)
    except BaseException as error:  # noqa: BLE001 - a forked child must never run on as a server
        os.write(2, f"the student's process could not be set up: {error!r}\n".encode())
    finally:
        os._exit(70)


def _become_fresh_interpreter(message: dict[str, Any]) -> None:
    """Keep process, standard output and wire, but none of what was imported; never returns."""
    settings, writing = os.pipe()
    # A few kilobytes, which the pipe takes in at once.
    os.write(writing, json.dumps(message).encode())
    os.close(writing)
    os.dup2(settings, 0)
    if message["namespaces"]:
        keep_capabilities_as_another_program()
    os.execve(sys.executable, [*INTERPRETER, str(WIRE_FD)], message["environment"])  # noqa: S606


def _above(fd: int, least: int) -> int:
    import fcntl  # noqa: PLC0415 - POSIX only, as fork is

    return fcntl.fcntl(fd, fcntl.F_DUPFD, least)
