"""What a server asks of the machine it runs on, answered alike at every level of isolation.

A process that has a root folder and a user of its own finds no entry for that user in the list of
users, no name of the machine in the list of hosts, and no place for locks between processes. Where
it is less isolated, it would find the machine's. So a server that says `getpass.getuser()` would
start on one machine and not on the other. Here each of them is answered in Python: one user, named
:data:`USER`, whose home is ``HOME``; the machine's own names, which are this machine. Nothing of
the machine's own lists is read. Must not know which layers of isolation hold.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

USER = "student"
_ROOT = 0
_SHELL = "/bin/sh"
_LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
# As the C library lists them where no type is asked for.
_KINDS = (
    (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    (socket.SOCK_RAW, socket.IPPROTO_IP),
)


def answer_for_the_machine() -> None:
    """Answer in this process for the lists of users, groups and hosts, from now on."""
    _answer_for_users()
    _answer_for_names()


# --- users and groups -----------------------------------------------------------------------------


def _answer_for_users() -> None:
    try:
        import grp  # noqa: PLC0415 - not on Windows
        import pwd  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    uid, gid = os.getuid(), os.getgid()
    home = os.environ.get("HOME", "/")
    # Whoever looks for a number finds the first: where the server is root, that is its own entry.
    users = [
        pwd.struct_passwd((USER, "x", uid, gid, "", home, _SHELL)),
        pwd.struct_passwd(("root", "x", _ROOT, _ROOT, "root", "/root", _SHELL)),
    ]
    groups = [
        grp.struct_group((USER, "x", gid, [])),
        grp.struct_group(("root", "x", _ROOT, [])),
        *(grp.struct_group((f"group{other}", "x", other, [USER])) for other in os.getgroups()),
    ]
    _answer(pwd, users, by_number=("getpwuid", "pw_uid", "uid"), by_name=("getpwnam", "pw_name"))
    _answer(grp, groups, by_number=("getgrgid", "gr_gid", "gid"), by_name=("getgrnam", "gr_name"))
    pwd.getpwall = lambda: list(users)
    grp.getgrall = lambda: list(groups)
    os.getlogin = lambda: USER


def _answer(
    module: ModuleType,
    entries: Sequence[Any],
    *,
    by_number: tuple[str, str, str],
    by_name: tuple[str, str],
) -> None:
    """Replace the two functions of ``module`` that look an entry up, errors included."""
    numbered, number_field, told = by_number
    named, name_field = by_name

    def find_by_number(number: int, /) -> Any:
        for entry in entries:
            if getattr(entry, number_field) == number:
                return entry
        raise KeyError(f"{numbered}(): {told} not found: {number}")

    def find_by_name(name: str, /) -> Any:
        for entry in entries:
            if getattr(entry, name_field) == name:
                return entry
        raise KeyError(f"{named}(): name not found: {name!r}")

    setattr(module, numbered, find_by_number)
    setattr(module, named, find_by_name)


# --- names of this machine ------------------------------------------------------------------------


def _answer_for_names() -> None:
    """Answer look-ups of this machine's own names; all others go on to what refuses them."""
    by_name, by_name_ex, by_address = (
        socket.gethostbyname,
        socket.gethostbyname_ex,
        socket.gethostbyaddr,
    )

    def gethostbyname(hostname: str, /) -> str:
        return _LOOPBACK[socket.AF_INET] if _is_here(hostname) else by_name(hostname)

    def gethostbyname_ex(hostname: str, /) -> tuple[str, list[str], list[str]]:
        if not _is_here(hostname):
            return by_name_ex(hostname)
        return hostname, [], [_LOOPBACK[socket.AF_INET]]

    def gethostbyaddr(address: str, /) -> tuple[str, list[str], list[str]]:
        if not _is_here(address):
            return by_address(address)
        name = "localhost" if address in _LOOPBACK.values() else address
        return name, [], [_LOOPBACK[socket.AF_INET]]

    socket.gethostbyname = gethostbyname
    socket.gethostbyname_ex = gethostbyname_ex
    socket.gethostbyaddr = gethostbyaddr
    socket.getaddrinfo = _getaddrinfo(socket.getaddrinfo)


def _getaddrinfo(original: Callable[..., Any]) -> Callable[..., Any]:
    def getaddrinfo(  # noqa: PLR0917 - as the original is called
        host: Any,
        port: Any,
        family: int = 0,
        type: int = 0,  # noqa: A002 - its name there
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        number = _port(port)
        families = _families(host, family)
        if number is None or not families:
            return original(host, port, family, type, proto, flags)
        return [
            (each, kind, protocol, "", (_LOOPBACK[each], number, *_FLOW.get(each, ())))
            for each in families
            for kind, protocol in _KINDS
            if type in {0, kind} and proto in {0, protocol}
        ]

    return getaddrinfo


_FLOW = {socket.AF_INET6: (0, 0)}


def _families(host: object, family: int) -> list[socket.AddressFamily]:
    """Return the kinds of addresses that a name of this machine has; none for any other name."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not isinstance(name, str) or not _is_here(name):
        return []
    own = [kind for kind, address in _LOOPBACK.items() if address == name]
    wanted = [kind for kind in own or (socket.AF_INET,) if family in {0, kind}]
    by_name = not own and family == socket.AF_INET6
    return [socket.AF_INET6] if by_name else wanted


def _port(port: object) -> int | None:
    """Return a port's number; ``None`` for the name of a service."""
    if port is None:
        return 0
    try:
        return int(port)  # type: ignore[call-overload,no-any-return] # what it cannot read, it says
    except (TypeError, ValueError):
        return None


def _is_here(name: object) -> bool:
    return name in {"localhost", socket.gethostname(), *_LOOPBACK.values()}
