"""What one attack is, and the Python that a submission runs to try it.

Must not know how an attack is run: in a process of its own, or as a whole submission.
"""

from __future__ import annotations

import functools
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Targets = Mapping[str, Any]
"""What attacks aim at, by the names in capitals that their code has for them."""


@dataclass(frozen=True)
class Ending:
    """How the grading of an attack ends: as if there were no attack, where nothing is said.

    ``problem`` is the kind of the problem that keeps the server from being graded, ``finding`` a
    pattern in what each failed criterion says.
    """

    problem: str = ""
    finding: str = ""


HARMLESS = Ending()


@dataclass(frozen=True)
class Attack:
    """One thing that a submission may want, and how it goes about it.

    ``tries`` is code that goes through if it ends, and is stopped if it raises an error of the
    system. ``does`` is code that may end as it likes: what counts is how the grading ends. Either
    may define ``app``, which then answers in the honest server's place. ``files`` and ``links``
    (symbolic ones) lie in the submission. ``stopped_by_grader`` says that it fails with all layers
    of isolation off as well; else it goes through then, unless the system itself refuses it: if
    it ``needs_root``, to all but root with all rights; if it ``needs_namespaces``, where the user
    gets none.
    ``limits`` are lowered, so that little is enough to reach them.
    """

    name: str
    wants: str
    tries: str = ""
    does: str = ""
    at: Literal["import", "request"] = "request"
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    ends: Ending = HARMLESS
    stopped_by_grader: bool = False
    needs_root: bool = False
    needs_namespaces: bool = False
    limits: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def is_refused_by_the_system(self) -> bool:
        """Whether it fails here even with all layers of isolation off."""
        return (self.needs_root and not _is_root_with_all_rights()) or (
            self.needs_namespaces and not _gets_user_namespaces()
        )


@functools.cache
def _is_root_with_all_rights() -> bool:
    """Return whether this is root of the machine, and not one of a container, who may do less."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    rights = int(status.split("CapEff:")[1].split()[0], 16)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii"))
    users = Path("/proc/self/uid_map").read_text(encoding="ascii").split()
    return rights == 2 ** (last + 1) - 1 and users == ["0", "0", str(2**32 - 1)]


@functools.cache
def _gets_user_namespaces() -> bool:
    code = "import ctypes; exit(ctypes.CDLL(None).unshare(0x10000000) != 0)"
    return subprocess.run([sys.executable, "-S", "-c", code], check=False).returncode == 0


PRELUDE = """
import asyncio, ctypes, errno, gc, json, mmap, os, pathlib, signal, socket, struct, subprocess
import sys, threading, time

libc = ctypes.CDLL(None, use_errno=True)

def checked(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result

def call(name, *arguments):
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    return checked(libc.syscall(ctypes.c_long(CALLS[name]), *words))

# Not by Python's own functions, which the guard watches.
def loopback(function, port):
    end = socket.socket()
    address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, b"\\x7f\\0\\0\\1")
    checked(function(end.fileno(), address, len(address)))

def put_on_the_wire(data):
    os.set_blocking(3, True)
    while data:
        data = data[os.write(3, data):]

# Not by Python's own functions either: they are watched as well.
def spawn(path):
    child = ctypes.c_int()
    arguments = (ctypes.c_char_p * 2)(path, None)
    number = libc.posix_spawn(ctypes.byref(child), path, None, None, arguments, None)
    if number:
        raise OSError(number, os.strerror(number))
    os.waitpid(child.value, 0)

def fork():
    return checked(libc.fork())

# So that the grader has time to look.
async def wait_to_be_seen(scope, receive, send):
    await asyncio.Event().wait()

def found(kind):
    for thing in gc.get_objects():
        if type(thing).__name__ == kind:
            return thing
    raise LookupError(kind)

def nothing_found():
    raise FileNotFoundError(errno.ENOENT, "nothing found")
"""

_TRY = """
try:
{tries}
    outcome = "succeeded"
except MemoryError:
    outcome = "MemoryError"
except OSError as error:
    outcome = errno.errorcode.get(error.errno, "an error of the system")
except RuntimeError as error:
    if "start new thread" not in str(error):
        raise
    outcome = "no thread"
"""


def program(attack: Attack, targets: Targets) -> str:
    """Return the Python of ``attack``: it leaves an ``outcome`` if there is something to try."""
    aims = "".join(f"{name} = {value!r}\n" for name, value in targets.items())
    tries = textwrap.indent(textwrap.dedent(attack.tries).strip(), "    ")
    return "\n".join(
        [aims, PRELUDE, textwrap.dedent(attack.does), _TRY.format(tries=tries) if tries else ""]
    )
