"""Refuses network connections from Python code, with an error that names the host and the reason.

An audit hook cannot be taken off again, but native code can pass it by: this is for honest code
that calls a real service by mistake. What shuts a hostile process in is ``sandbox``.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

from graders.engine.host.connection import HostConnection
from graders.engine.wire.frames import Refused

_REASON = "the grader gives a submission no network; only calls to the model are answered"

# Sending to an address without a connection, as UDP does.
_SENDS = frozenset({"socket.sendto", "socket.sendmsg"})
_LOOK_UPS = frozenset({"socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})


class NetworkRefusedError(ConnectionRefusedError):
    """Raised in the student's code that tried to use the network."""


def install_guard(connection: HostConnection) -> None:
    """Refuse connections, name look-ups and listening sockets from now on, and report each."""

    def refuse(what: Any, target: str) -> None:
        connection.send(Refused(what=what, target=target[:500]))
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

    sys.addaudithook(hook)


def _is_internet(sock: socket.socket) -> bool:
    return sock.family in {socket.AF_INET, socket.AF_INET6}


def _address(address: object) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{address[0]}:{address[1]}"
    return str(address)
