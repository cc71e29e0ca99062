"""What attacks aim at: files, processes and sockets of ours, all harmless and thrown away."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graders.engine.core.places import REPOSITORY
from graders.engine.isolation import syscalls
from graders.engine.isolation.seccomp import MACHINES

# Runs until it is told to end; lets itself be traced even where the system forbids that.
_VICTIM = """
import ctypes, sys
secret = ctypes.create_string_buffer(b"secret")
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)
print(ctypes.addressof(secret), flush=True)
sys.stdin.read()
"""
# Calls that attacks use and no table denies.
_OTHER_CALLS = {"shmctl": (31, 195), "msgctl": (71, 187), "name_to_handle_at": (303, 264)}


class StandIn:
    """A process that may be ended in the place of one of ours."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The number of the process; a new one where an attack has ended the last."""
        if self._process is None or self._process.poll() is not None:
            self.end()
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE
            )
        return self._process.pid

    def end(self) -> None:
        """End it for good."""
        if self._process is not None:
            with self._process as process:
                process.kill()


@dataclass(frozen=True)
class Bystanders:
    """Processes and sockets beside a student's process, for any number of attacks."""

    told: Mapping[str, Any]
    victim: subprocess.Popen[bytes]
    stand_in: StandIn

    def unharmed(self) -> bool:
        """Return whether the victim still runs."""
        return self.victim.poll() is None

    def around(self, folder: Path, *, grader: int = 0, fork_server: int = 0) -> dict[str, Any]:
        """Make what must not be touched in ``folder``; return all targets.

        ``grader`` and ``fork_server`` are processes, or 0 for a stand-in.
        """
        folder.mkdir()
        return {
            **self.told,
            **_folders(folder),
            "GRADER": grader or self.stand_in.pid,
            "FORK_SERVER": fork_server or self.stand_in.pid,
        }


@contextmanager
def bystanders() -> Iterator[Bystanders]:
    """Start the processes and open the sockets, and end them with the block."""
    with ExitStack() as stack:
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ck-")))
        victim, told = _victim(stack)
        stand_in = StandIn()
        stack.callback(stand_in.end)
        shared = stack.enter_context(
            tempfile.NamedTemporaryFile(dir="/dev/shm", prefix="chatkit-test-")
        )
        told |= {"SHARED_NAME": Path(shared.name).name}
        told |= {"PROJECT": str(REPOSITORY), "CALLS": _calls(), **_listeners(stack, sockets)}
        yield Bystanders(told, victim, stand_in)


def _folders(folder: Path) -> dict[str, str]:
    names = ("other", "results", "graders_folder", "shared", "site")
    for name in names:
        (folder / name).mkdir()
    for name in ("server.py", "spare", "moved", "emptied"):
        (folder / "other" / name).write_text("secret = 1\n", encoding="utf-8")
    with closing(sqlite3.connect(folder / "other" / "other.db")) as base, base:
        base.execute("create table t (secret)")
    (folder / "results" / "result.json").write_text('{"score": 0}\n', encoding="utf-8")
    return {name.upper(): str(folder / name) for name in names}


def _calls() -> dict[str, int]:
    column = MACHINES[os.uname().machine].column
    tables = (syscalls.DENIED, syscalls.IGNORED, syscalls.CONDITIONAL, _OTHER_CALLS)
    return {
        name: number
        for table in tables
        for name, numbers in table.items()
        if (number := numbers[column]) is not None
    }


def _victim(stack: ExitStack) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    victim = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-c", _VICTIM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"SECRET": "secret"},
            start_new_session=True,
        )
    )
    stack.callback(victim.kill)
    assert victim.stdout is not None
    return victim, {"PID": victim.pid, "ADDRESS": int(victim.stdout.readline())}


def _listeners(stack: ExitStack, folder: Path) -> dict[str, Any]:
    def bound(family: int, kind: int, address: Any) -> socket.socket:
        end = stack.enter_context(closing(socket.socket(family, kind)))
        end.bind(address)
        if kind == socket.SOCK_STREAM:
            end.listen()
        return end

    path, datagrams, abstract = str(folder / "s"), str(folder / "d"), f"\0{folder}"
    bound(socket.AF_UNIX, socket.SOCK_STREAM, path)
    bound(socket.AF_UNIX, socket.SOCK_STREAM, abstract)
    bound(socket.AF_UNIX, socket.SOCK_DGRAM, datagrams)
    tcp = bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))
    udp = bound(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))
    return {
        "TCP_PORT": tcp.getsockname()[1],
        "UDP_PORT": udp.getsockname()[1],
        "UNIX_PATH": path,
        "UNIX_DATAGRAM_PATH": datagrams,
        "ABSTRACT": abstract,
    }
