"""The fork server: a clean, single-threaded process that imports everything and forks students.

Run as ``python -s -P -c ...`` by :mod:`fork_client`; talks one JSON object a line over its control
socket, with file descriptors beside ``start``. It never loads student code itself, makes no event
loop that outlives the warm-up, and ends with everything it started when its control socket closes.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from graders.engine.host.serve import forget_engine
from graders.engine.isolation import namespaces
from graders.engine.isolation.layers import NOTHING_OFF, Layer
from graders.engine.isolation.libc import libc
from graders.engine.isolation.own_root import layout_of
from graders.engine.isolation.privileges import hide_memory
from graders.engine.isolation.reachable import is_open_to_all, readable
from graders.engine.sandbox.forked import fork_student
from graders.engine.sandbox.large_pages import gather_memory
from graders.engine.sandbox.preload.warm_up import import_quietly, warm_up

_PR_SET_CHILD_SUBREAPER = 36
_CONTROL_BYTES = 1024 * 1024
_OWN_THREADS = Path("/proc/self/task")
_LEAVING_LOOKS = 5_000
_LEAVING_SECONDS = 0.002
"""Looks, and the time between them, until a thread that has ended must be gone: ten seconds."""
_KEPT: list[ModuleType] = []
_UNKNOWN: dict[str, Any] = {"status": 0, "cpu_seconds": 0.0}


def main(control_fd: int, without: Collection[str] = NOTHING_OFF) -> None:
    """Preload, warm up, then serve the control socket ``control_fd`` until it closes.

    ``without`` names the layers of its own that are left off.
    """
    held = namespaces.enter(without)
    control = socket.socket(fileno=control_fd)
    warm_up()
    # All of the engine is imported by now: a student must find nothing beside it.
    sys.path.remove(sys.argv[1])
    _adopt_orphans()
    if Layer.MEMORY not in without:
        hide_memory()
    _look_around()
    # Modules that nobody else holds must not be taken apart. Done here and not in each child, where
    # a look at all names copies a thousand pages of memory.
    _KEPT.extend(sys.modules.values())
    forget_engine()
    gc.freeze()
    gc.enable()
    gather_memory()
    server = ForkServer(control, held)
    try:
        server.say({"ready": True, "threads": _threads()}, about=os.getpid())
        server.serve()
    except ConnectionError:
        # The grader has gone, and with it whoever would read of it.
        pass
    finally:
        server.kill_all()
        os._exit(0)


def _look_around() -> None:
    """Find once for all children what they all ask for."""
    layout_of(readable())
    for from_the_root in (True, False):
        is_open_to_all(from_the_root=from_the_root)


class ForkServer:
    """Starts, kills and buries students on the grader's word.

    ``held`` names the layers that this process has, which its children inherit. Where it has a pid
    namespace, each student has one as well, whose first process (its *guardian*) is another child.
    """

    def __init__(self, control: socket.socket, held: Collection[Layer]) -> None:
        self._control = control
        self._held = held
        self._buffer = b""
        self._descriptors: list[int] = []
        self._students: set[int] = set()
        self._guardians: dict[int, int] = {}
        self._exited: dict[int, dict[str, Any]] = {}
        self._awaited: set[int] = set()
        self._preloaded: set[str] = set()

    def say(self, message: dict[str, Any], *, about: int | None = None) -> None:
        """Send one message to the grader, with a pidfd of the process that it is ``about``.

        In a pid namespace, the number by which this process knows it is not the grader's.
        """
        data = json.dumps(message).encode() + b"\n"
        if about is None or Layer.PROCESSES not in self._held:
            self._control.sendall(data)
            return
        descriptor = os.pidfd_open(about)
        try:
            sent = socket.send_fds(self._control, [data], [descriptor])
            self._control.sendall(data[sent:])
        finally:
            os.close(descriptor)

    def serve(self) -> None:
        """Act on messages and on children that end, until the grader has gone."""
        with _woken_by_children() as wakeup, selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(wakeup, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if wakeup in ready:
                    with contextlib.suppress(BlockingIOError):
                        wakeup.recv(4096)
                    self._reap()
                if self._control in ready and not self._read():
                    return

    def kill_all(self) -> None:
        """End every student and whatever it left behind."""
        if Layer.PROCESSES in self._held:
            # With the first process of a pid namespace, the kernel ends all others.
            return
        for pid in self._students:
            _kill_group(pid)
        # From here on all children are strays, and what they leave behind becomes ours.
        self._students.clear()
        self._kill_strays()

    def _read(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._control, _CONTROL_BYTES, 16)
        self._descriptors += descriptors
        if not data:
            return False
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))
        return True

    def _obey(self, message: dict[str, Any]) -> None:
        if message["do"] == "start":
            self._start(message)
        elif message["do"] == "kill":
            self._kill(message["pid"])
        else:
            self._await(message["pid"])

    def _start(self, message: dict[str, Any]) -> None:
        wire, output = self._descriptors[:2]
        del self._descriptors[:2]
        self._preload(message["preload"])
        pid = self._fork(wire, output, message)
        os.close(wire)
        os.close(output)
        self._students.add(pid)
        self.say({"started": pid}, about=pid)

    def _preload(self, names: Collection[str]) -> None:
        """Import what each server of a lesson would import; only the first start takes longer."""
        new = set(names) - self._preloaded
        if new:
            self._preloaded |= new
            # NumPy's library for linear algebra starts a thread for each core, and a process with
            # threads must not fork.
            os.environ["OPENBLAS_NUM_THREADS"] = "1"
            for name in sorted(new):
                import_quietly(name)
            _KEPT.extend(sys.modules.values())
            gc.freeze()
            gather_memory()

    def _fork(self, wire: int, output: int, message: dict[str, Any]) -> int:
        namespaced = Layer.PROCESSES in self._held
        settings = {**message, "namespaces": namespaced, "inherited": [*self._held]}
        if not namespaced or Layer.PROCESSES in message["without"]:
            return fork_student(wire, output, settings)
        with namespaces.new_pid_namespace() as guardian:
            pid = fork_student(wire, output, settings)
        self._guardians[pid] = guardian
        return pid

    def _kill(self, pid: int) -> None:
        if pid in self._students:
            _kill_group(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._await(pid)

    def _await(self, pid: int) -> None:
        self._awaited.add(pid)
        self._answer()

    def _reap(self) -> None:
        """Collect children that ended; a child that is no student is a stray, and is ended."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid in self._students:
                    self._exited[pid] = {
                        "status": status,
                        "cpu_seconds": usage.ru_utime + usage.ru_stime,
                    }
                    self._end_what_is_left_of(pid)
        self._signal_strays()
        self._answer()

    def _end_what_is_left_of(self, pid: int) -> None:
        """End the group of a student that has ended, and wait for its namespace to be empty."""
        self._students.discard(pid)
        _kill_group(pid)
        if (guardian := self._guardians.pop(pid, None)) is not None:
            os.kill(guardian, signal.SIGKILL)
            os.waitpid(guardian, 0)

    def _answer(self) -> None:
        """Tell of each awaited student that has ended, once nothing it started is left."""
        for pid in [pid for pid in self._awaited if pid not in self._students]:
            self._awaited.discard(pid)
            self._kill_strays()
            self.say({"exited": pid, **self._exited.pop(pid, _UNKNOWN)})

    def _kill_strays(self) -> None:
        while strays := self._signal_strays():
            for pid in strays:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def _signal_strays(self) -> list[int]:
        """End processes that daemonised out of a student: as subreaper we are their parent now."""
        ours = {*self._students, *self._guardians.values()}
        strays = [pid for pid in _children() if pid not in ours]
        for pid in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return strays


@contextlib.contextmanager
def _woken_by_children() -> Iterator[socket.socket]:
    """Yield a socket that can be read once a child has ended."""
    wakeup, child_ended = socket.socketpair()
    with wakeup, child_ended:
        wakeup.setblocking(False)
        child_ended.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(child_ended.fileno())
        try:
            yield wakeup
        finally:
            signal.set_wakeup_fd(-1)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _children() -> list[int]:
    """Return this process's children; empty where the kernel does not tell."""
    try:
        text = Path("/proc/thread-self/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(pid) for pid in text.split()]


def _adopt_orphans() -> None:
    """Become the parent of every orphan below, so that nothing can slip away by daemonising."""
    if sys.platform.startswith("linux"):
        libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _threads() -> int:
    """Count this process's threads: a fork with more than one could deadlock the child.

    One that Python has joined may be on its way out of the kernel still, and is waited for: on a
    busy machine that takes a while.
    """
    count = 1
    with contextlib.suppress(OSError):
        for _ in range(_LEAVING_LOOKS):
            count = len(list(_OWN_THREADS.iterdir()))
            if count == 1:
                break
            time.sleep(_LEAVING_SECONDS)
    return count
