"""Refuses network connections and new processes from Python code, with an error that says why.

An audit hook cannot be taken off again, but native code can pass it by: this is for honest code
that does by mistake what a submission may not do, and for the words about it. What shuts a hostile
process in is ``sandbox``.
"""

from __future__ import annotations

import errno
import os
import shlex
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graders.engine.host.connection import HostConnection
from graders.engine.host.tracebacks import sendable
from graders.engine.wire.frames import Refused

_REASON = "the grader gives a submission no network; only calls to the model are answered"
_ONE_PROCESS = "a submission must do all in one process"
_TARGET_CHARACTERS = 500

# Sending to an address without a connection, as UDP does.
_SENDS = frozenset({"socket.sendto", "socket.sendmsg"})
_LOOK_UPS = frozenset({"socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})
_OF_THE_NETWORK = (
    frozenset({"socket.connect", "socket.bind", "socket.getaddrinfo"}) | _SENDS | _LOOK_UPS
)
# By audit event: what is to be run, as far as it is said.
Starts = Mapping[str, Callable[[tuple[Any, ...]], str]]
_STARTS: Starts = {
    "subprocess.Popen": lambda arguments: _command(arguments[1]),
    "os.exec": lambda arguments: _command(arguments[1]),
    "os.posix_spawn": lambda arguments: _command(arguments[1]),
    "os.spawn": lambda arguments: _command(arguments[2]),
    "os.startfile": lambda arguments: _command(arguments[0]),
    "pty.spawn": lambda arguments: _command(arguments[0]),
    "os.fork": lambda _: "fork",
    "os.forkpty": lambda _: "fork",
}


class NetworkRefusedError(ConnectionRefusedError):
    """Raised in the student's code that tried to use the network."""


class ProcessRefusedError(PermissionError):
    """Raised in the student's code that tried to start a program or another process.

    The same kind of error, with the same number, as the system's own refusal.
    """


StrOrBytesPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Reporter = Callable[[Any, str], None]
"""Reports what was refused, and its target."""


def install_guard(connection: HostConnection, *, one_process: bool) -> None:
    """Refuse connections, name look-ups and listening sockets from now on, and report each.

    With ``one_process`` also new processes.
    """

    def report(what: Any, target: str) -> None:
        shown = sendable(target)[:_TARGET_CHARACTERS]
        connection.send(Refused(what=what, target=shown))

    # One hook for all: Python calls each for thousands of events a second.
    sys.addaudithook(_hook(report, _STARTS if one_process else {}))
    if one_process:
        os.system = _system(report)  # type: ignore[assignment] # named arguments are seldom used


def _hook(report: Reporter, starts: Starts) -> Callable[[str, tuple[Any, ...]], None]:
    of_the_network = _network_hook(report)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _OF_THE_NETWORK:
            of_the_network(event, arguments)
        elif event in starts:
            target = starts[event](arguments)
            report("start", target)
            raise ProcessRefusedError(errno.EPERM, f"{target[:200]}: {_ONE_PROCESS}")

    return hook


def _network_hook(report: Reporter) -> Callable[[str, tuple[Any, ...]], None]:
    def refuse(what: str, target: str) -> None:
        report(what, target)
        raise NetworkRefusedError(f"{what} {target}: {_REASON}")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and _is_internet(arguments[0]):
            refuse("connect", _address(arguments[1]))
        elif event == "socket.bind" and _is_internet(arguments[0]):
            refuse("listen", _address(arguments[1]))
        elif event in _SENDS and arguments[1] is not None and _is_internet(arguments[0]):
            refuse("connect", _address(arguments[1]))
        elif event == "socket.getaddrinfo":
            refuse("resolve", f"{arguments[0]!s}:{arguments[1]!s}")
        elif event in _LOOK_UPS:
            refuse("resolve", _address(arguments[0]))

    return hook


def _system(report: Reporter) -> Callable[[StrOrBytesPath], int]:
    """Return an ``os.system`` that fails as the real one does, which raises nothing."""

    def system(command: StrOrBytesPath) -> int:
        report("start", _command(command))
        return -1

    return system


def _command(arguments: object) -> str:
    """Tell a command, given as one text or as a list of words, each of them a text or bytes."""
    if isinstance(arguments, (str, bytes, os.PathLike)) or not isinstance(arguments, Iterable):
        return _word(arguments)
    return shlex.join(map(_word, arguments))


def _word(word: object) -> str:
    try:
        return os.fsdecode(word)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(word)


def _is_internet(sock: socket.socket) -> bool:
    return sock.family in {socket.AF_INET, socket.AF_INET6}


def _address(address: object) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{address[0]}:{address[1]}"
    return str(address)
