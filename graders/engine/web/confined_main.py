"""What becomes a program that handles a student's web code: a bundler, a browser, Node.

A fresh interpreter, whose settings come as JSON on standard input; one of them is the descriptor
of a socket to the grader; another one may stay for the program. It moves to namespaces of its own,
opens the ports that the program may reach and hands them over, shuts itself in, and becomes the
program. Must not import the trusted
side.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from graders.engine.isolation import namespaces, own_root, own_user, privileges, reachable
from graders.engine.isolation.layers import Layer

_SET_FLAGS = 0x8914
_UP = 0x1
_LOOPBACK = "127.0.0.1"
_WAITING = 100
_NOT_A_PROGRAM = 126
_PLACES = (3, 4)
_ABOVE = 10


def main() -> NoReturn:
    """Shut this process in and become the program; never returns."""
    privileges.end_with_parent()
    settings: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    held: list[str] = [*namespaces.enter(settings["without"])]
    listeners = _listeners(settings["ports"], own_network=Layer.NETWORK in held)
    command = [_with_ports(each, settings["ports"], listeners) for each in settings["program"]]
    held += _shut_in(settings, held)
    _hand_over(settings["control"], listeners, held)
    _limit(settings["limits"])
    if settings["spoken"] is not None:
        _lay_out(settings["spoken"])
    os.chdir(settings["folder"])
    os.environ.clear()
    try:
        os.execve(command[0], command, settings["environment"])  # noqa: S606
    except OSError as error:
        os.write(2, f"{command[0]} cannot be run: {error}\n".encode())
        os._exit(_NOT_A_PROGRAM)


def _listeners(ports: Sequence[int], *, own_network: bool) -> list[socket.socket]:
    """Open the ports: by their numbers in a network of our own, else by any that are free."""
    if own_network:
        _bring_loopback_up()
    return [_listener(port if own_network else 0) for port in ports]


def _with_ports(text: str, wanted: Sequence[int], listeners: Sequence[socket.socket]) -> str:
    """Write the numbers that ports really have in the place of ``{port N}``."""
    for port, listener in zip(wanted, listeners, strict=True):
        text = text.replace(f"{{port {port}}}", str(listener.getsockname()[1]))
    return text


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, _SET_FLAGS, struct.pack("16sH14x", b"lo", _UP))


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((_LOOPBACK, port))
    listener.listen(_WAITING)
    return listener


def _shut_in(settings: dict[str, Any], held: Sequence[str]) -> list[str]:
    """Apply what needs a privilege, then give up all privileges."""
    layers: list[str] = []
    writable = [Path(folder) for folder in settings["writable"]]
    if Layer.PROCESSES in held:
        namespaces.unshare(namespaces.NamespaceKind.IPC)
        own_root.enter(
            tuple(path for name in settings["readable"] if (path := Path(name)).exists()),
            writable,
            megabytes=settings["limits"]["shared_mb"],
            files=settings["limits"]["shared_files"],
        )
        layers += [Layer.IPC, Layer.ROOT]
    within_reach = Layer.PROCESSES in held or _is_within_reach_of_others(settings)
    if settings["uid"] is not None and Layer.USERS not in held and within_reach:
        own_user.become(settings["uid"], writable)
        layers.append(Layer.UID)
    layers += privileges.end_with_parent()
    layers += privileges.refuse_new_privileges()
    layers += privileges.drop_capabilities()
    return layers


def _is_within_reach_of_others(settings: dict[str, Any]) -> bool:
    """Return whether another user finds what the program needs, without a root of its own."""
    names = [settings["program"][0], *settings["readable"], *settings["writable"]]
    return all(reachable.may_be_passed(Path(name)) for name in names if Path(name).exists())


def _hand_over(control_fd: int, listeners: Sequence[socket.socket], held: Sequence[str]) -> None:
    """Give the ports to the grader, which alone answers there, and keep none."""
    with socket.socket(fileno=control_fd) as control:
        told = {"held": held, "ports": [each.getsockname()[1] for each in listeners]}
        data = json.dumps(told).encode() + b"\n"
        socket.send_fds(control, [data], [each.fileno() for each in listeners])
    for listener in listeners:
        listener.close()


def _lay_out(spoken: int) -> None:
    """Let the program have the socket as its descriptors 3 and 4, where browsers expect it."""
    # First elsewhere: it may be one of the two.
    kept = fcntl.fcntl(spoken, fcntl.F_DUPFD_CLOEXEC, _ABOVE)
    os.close(spoken)
    for place in _PLACES:
        os.dup2(kept, place)


def _limit(limits: dict[str, Any]) -> None:
    for name, value in limits["resources"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
