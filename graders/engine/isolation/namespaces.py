"""Namespaces: what a process does not see, it cannot reach.

The fork server enters them once, for all that it starts: network, processes, mounts, and a user
namespace where it is not root. Most containers and some distributions refuse them, so all of it is
tried before in a process that is thrown away. Then each student gets a pid namespace of its own.
Numbers: ``linux/sched.h``. Must not know what a student is.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from enum import IntFlag
from pathlib import Path

from graders.engine.isolation import mounts, own_root, privileges
from graders.engine.isolation.layers import Layer
from graders.engine.isolation.libc import libc
from graders.engine.isolation.reachable import readable

_NO_SUID_DEVICES_PROGRAMS = (
    mounts.Attribute.NO_SUID | mounts.Attribute.NO_DEVICES | mounts.Attribute.NO_PROGRAMS
)


class NamespaceKind(IntFlag):
    """The kinds of namespaces."""

    MOUNTS = 0x00020000
    IPC = 0x08000000
    USERS = 0x10000000
    PROCESSES = 0x20000000
    NETWORK = 0x40000000


def enter(without: Collection[str] = ()) -> tuple[Layer, ...]:
    """Move this process, which must have one thread, to namespaces of its own; say of which kinds.

    Where they are available, the caller goes on as another process, the first of its pid namespace,
    and the one that called ends with it. Else nothing but the network is left, if even that.
    """
    if Layer.PROCESSES in without or not _are_available():
        return leave_network() if Layer.NETWORK not in without else ()
    kinds = NamespaceKind.MOUNTS | NamespaceKind.PROCESSES
    if Layer.NETWORK not in without:
        kinds |= NamespaceKind.NETWORK
    users = _unshare_as_root_or_user(kinds)
    _go_on_as_first_process()
    network = (Layer.NETWORK,) if Layer.NETWORK not in without else ()
    return (*network, Layer.PROCESSES, *users)


def leave_network() -> tuple[Layer, ...]:
    """Move this process, which must have one thread, to an empty network namespace.

    Returns the names of the layers that were applied.
    """
    if not sys.platform.startswith("linux"):
        return ()
    try:
        return (Layer.NETWORK, *_unshare_as_root_or_user(NamespaceKind.NETWORK))
    except OSError:
        return ()


def unshare(kinds: NamespaceKind) -> None:
    """Move this process to new namespaces of ``kinds``; raises ``OSError``."""
    if libc().unshare(kinds.value) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)} ({kinds!r})")


@contextmanager
def new_pid_namespace() -> Iterator[int]:
    """Let the children that are started in the block be processes of a namespace of their own.

    Gives the number of its first process, which does nothing: when it is killed, all others of the
    namespace are. Without it the student would be the first, to which the kernel gives no signal
    that it does not handle, not even the one that says that its CPU time is used up.
    """
    with _open_namespace("pid") as ours:
        unshare(NamespaceKind.PROCESSES)
        try:
            yield _fork(_wait_to_be_killed)
        finally:
            if libc().setns(ours, NamespaceKind.PROCESSES.value) != 0:
                raise OSError(ctypes.get_errno(), "could not return to the own pid namespace")


@contextmanager
def _open_namespace(name: str) -> Iterator[int]:
    descriptor = os.open(f"/proc/self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _are_available() -> bool:
    """Do all of it once, as it will be done, in a process that is thrown away."""
    if not sys.platform.startswith("linux"):
        return False
    return os.waitpid(_fork(_try), 0)[1] == 0


def _try() -> None:
    # Not in the fork server: `tempfile` would remember its folder for every student.
    with tempfile.TemporaryDirectory(prefix="chatkit-probe-") as folder:
        status = os.waitpid(_fork(lambda: _try_in(Path(folder))), 0)[1]
    os._exit(1 if status else 0)


def _try_in(folder: Path) -> None:
    _unshare_as_root_or_user(NamespaceKind.MOUNTS | NamespaceKind.PROCESSES | NamespaceKind.NETWORK)
    _go_on_as_first_process()
    with new_pid_namespace() as first:
        student = _fork(lambda: _enter_root(folder))
    status = os.waitpid(student, 0)[1]
    os.kill(first, signal.SIGKILL)
    os._exit(1 if status else 0)


def _enter_root(folder: Path) -> None:
    unshare(NamespaceKind.MOUNTS | NamespaceKind.IPC)
    own_root.enter(readable(), [folder], megabytes=1, files=16)


def _unshare_as_root_or_user(kinds: NamespaceKind) -> tuple[Layer, ...]:
    """Do it as it is, or in a user namespace where only its owner exists."""
    with contextlib.suppress(PermissionError):
        unshare(kinds)
        return ()
    uid, gid = os.getuid(), os.getgid()
    unshare(kinds | NamespaceKind.USERS)
    _keep_identity(uid, gid)
    return (Layer.USERS,)


def _keep_identity(uid: int, gid: int) -> None:
    """Stay the same user inside the new user namespace, so that files remain readable."""
    own = Path("/proc/self")
    with contextlib.suppress(OSError):
        (own / "setgroups").write_text("deny", encoding="ascii")
    (own / "uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
    (own / "gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")


def _go_on_as_first_process() -> None:
    """Return in a child, which sees only its own children; end with it as it ended."""
    child = os.fork()
    if child:
        privileges.hide_memory()
        # The control socket among them: that it closes must say that the child has gone.
        os.closerange(3, 65_536)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    privileges.end_with_parent()
    mounts.keep_to_ourselves()
    mounts.mount("proc", "/proc", _NO_SUID_DEVICES_PROGRAMS, "")


def _wait_to_be_killed() -> None:
    """Be the first process of a namespace: bury whoever is left there, and end with the parent."""
    privileges.end_with_parent()
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.closerange(0, 65_536)
    privileges.drop_capabilities()
    while True:
        signal.pause()


def _fork(work: Callable[[], None]) -> int:
    """Do ``work`` in a child, which exits with 0 if nothing was raised; return its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except OSError:
        # Told by the code: what is refused here is refused everywhere, and no error.
        pass
    finally:
        os._exit(code)
