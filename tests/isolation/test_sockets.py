"""A process that may connect to one socket connects to this one, and to nothing else."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from graders.engine.isolation.layers import Layer
from tests.sandbox.wired import Starter, Wired

CONNECT = """
    import socket
    def tried(address, family=socket.AF_UNIX, kind=socket.SOCK_STREAM):
        try:
            with socket.socket(family, kind) as one:
                one.connect(address)
                return one.recv(9).decode() if kind == socket.SOCK_STREAM else "connected"
        except OSError as error:
            return type(error).__name__
"""


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path]]:
    """Yield two folders with a socket each, which greets whoever connects."""
    with ExitStack() as stack:
        found = []
        for word in (b"ours", b"others"):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sockets-")))
            folder.chmod(0o755)
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(folder / "socket"))
            (folder / "socket").chmod(0o777)
            listener.listen()
            _greet(listener, word, stack)
            found.append(folder)
        yield found[0], found[1]


def _greet(listener: socket.socket, word: bytes, stack: ExitStack) -> None:
    """Let a connection be there before it is asked for: what was said to it waits in its socket."""
    import threading

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.sendall(word)
            connection.close()

    greeting = threading.Thread(target=serve)
    greeting.start()
    stack.callback(greeting.join)
    stack.callback(listener.shutdown, socket.SHUT_RDWR)


def asked(student: Wired, call: str) -> object:
    """Return what came of an attempt."""
    return student.ask(f"{CONNECT}\n    answer = {call}")


@pytest.mark.parametrize("cold", [False, True])
def test_it_reaches_its_own_socket_and_no_other(
    students: Starter, folders: tuple[Path, Path], *, cold: bool
) -> None:
    ours, others = folders
    student = students.serve(sockets=(ours,), cold=cold)
    assert Layer.ROOT in student.layers, "this test needs namespaces"
    assert asked(student, f"tried('{ours}/socket')") == "ours"
    assert asked(student, f"tried('{others}/socket')") == "FileNotFoundError"
    for path in ("/run/dbus/system_bus_socket", "/var/run/docker.sock", "/tmp/.X11-unix/X0"):
        assert asked(student, f"tried('{path}')") == "FileNotFoundError"


@contextmanager
def abstract_socket() -> Iterator[str]:
    """Yield the name of a socket that takes connections in this network, and has no file."""
    with socket.socket(socket.AF_UNIX) as listener:
        name = f"chatkit-test-{os.getpid()}"
        listener.bind(f"\0{name}")
        listener.listen()
        yield name


def test_network_and_abstract_sockets_stay_closed(
    students: Starter, folders: tuple[Path, Path]
) -> None:
    student = students.serve(sockets=folders[:1])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        told = asked(student, f"tried(('127.0.0.1', {port}), socket.AF_INET)")
        assert told == "NetworkRefusedError"
        # Past the guard, which only sees what Python does.
        code = f"""
            import ctypes, socket, struct
            address = struct.pack("=HH4s8x", 2, socket.htons({port}), bytes([127, 0, 0, 1]))
            with socket.socket() as one:
                answer = ctypes.CDLL(None).connect(one.fileno(), address, len(address))
        """
        assert student.ask(code) == -1
    with abstract_socket() as name:
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(f"\0{name}")  # who is in its network finds it
        assert asked(student, f"tried('\\0{name}')") == "ConnectionRefusedError"
    for kind in ("SOCK_DGRAM", "SOCK_SEQPACKET"):
        told = asked(student, f"tried('/x', kind=socket.{kind})")
        assert told == "PermissionError"


def test_it_cannot_listen_nor_change_the_folder(
    students: Starter, folders: tuple[Path, Path]
) -> None:
    ours, _ = folders
    student = students.serve(sockets=(ours,))
    code = f"""
        import os, socket
        answer = []
        def bound(path):
            with socket.socket(socket.AF_UNIX) as one:
                one.bind(path)
        for refused in (
            lambda: bound(os.environ["HOME"] + "/mine"),
            lambda: os.unlink("{ours}/socket"),
            lambda: os.rename("{ours}/socket", "{ours}/old"),
            lambda: open("{ours}/new", "w"),
            lambda: os.mkdir("{ours}/new"),
        ):
            try:
                refused()
            except OSError as error:
                answer.append(error.errno)
    """
    told = student.ask(code)
    assert isinstance(told, list)
    assert len(told) == 5


@pytest.mark.parametrize("layer", [Layer.ROOT, Layer.NETWORK])
def test_without_a_root_and_a_network_of_its_own_nothing_is_opened(
    students: Starter, folders: tuple[Path, Path], layer: Layer
) -> None:
    student = students.serve(sockets=folders[:1], without={layer})
    assert asked(student, f"tried('{folders[0]}/socket')") == "PermissionError"
    with abstract_socket() as name:
        assert asked(student, f"tried('\\0{name}')") == "PermissionError"


def test_who_is_given_no_socket_connects_to_none(
    students: Starter, folders: tuple[Path, Path]
) -> None:
    student = students.serve()
    assert asked(student, f"tried('{folders[0]}/socket')") == "PermissionError"
