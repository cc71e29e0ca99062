"""The kernel's calls on mounts, as Python functions that raise ``OSError``.

Linux only. Sources of the numbers: ``linux/mount.h``, ``asm/unistd_64.h``,
``asm-generic/unistd.h``.
Must not know what is mounted for what.
"""

from __future__ import annotations

import ctypes
import os
import struct
from enum import IntFlag
from pathlib import Path

from graders.engine.isolation.libc import libc

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_HERE = -100
_OF_DESCRIPTOR, _RECURSIVE = 0x1000, 0x8000
_CLONE = 1
_FROM_DESCRIPTOR = 4
_MS_RECURSIVE, _MS_PRIVATE = 0x4000, 0x40000
_DETACH = 2


class Attribute(IntFlag):
    """What a mount forbids; the older ``mount`` knows these four by the same bits."""

    READ_ONLY = 1
    NO_SUID = 2
    NO_DEVICES = 4
    NO_PROGRAMS = 8


def keep_to_ourselves() -> None:
    """Let no mount of this namespace be seen in the one that it was copied from."""
    _checked(libc().mount(None, b"/", None, _MS_RECURSIVE | _MS_PRIVATE, None), "make / private")


def mount(kind: str, target: str, attributes: Attribute, options: str) -> None:
    """Mount a new file system of ``kind`` on ``target``."""
    name = kind.encode()
    flags = ctypes.c_ulong(attributes)
    done = libc().mount(name, os.fsencode(target), name, flags, options.encode())
    _checked(done, f"mount {kind} on {target}")


def clone(path: Path, attributes: Attribute) -> int:
    """Return a descriptor of a copy of all that is mounted from ``path`` on.

    It hangs nowhere yet.
    """
    flags = _CLONE | os.O_CLOEXEC | _RECURSIVE
    tree = _syscall(_OPEN_TREE, f"clone {path}", _HERE, os.fsencode(path), flags)
    _set(tree, b"", _OF_DESCRIPTOR | _RECURSIVE, attributes)
    return tree


def attach(tree: int, target: str) -> None:
    """Hang a copy that :func:`clone` gave on ``target``, and close its descriptor."""
    try:
        what = f"attach to {target}"
        _syscall(_MOVE_MOUNT, what, tree, b"", _HERE, os.fsencode(target), _FROM_DESCRIPTOR)
    finally:
        os.close(tree)


def close_to_writing(target: str) -> None:
    """Make what is mounted on ``target`` read-only, but not the mounts below it."""
    _set(_HERE, os.fsencode(target), 0, Attribute.READ_ONLY)


def pivot() -> None:
    """Make the mount that is the working folder the root, and let go of the old one."""
    _syscall(_PIVOT_ROOT[os.uname().machine], "pivot_root", b".", b".")
    # The old root lies on top of the new one now.
    _checked(libc().umount2(b".", _DETACH), "leave the old root")
    os.chdir("/")


def _set(descriptor: int, path: bytes, flags: int, attributes: Attribute) -> None:
    wanted = struct.pack("=4Q", attributes, 0, 0, 0)
    what = f"forbid {attributes!r}"
    _syscall(_MOUNT_SETATTR, what, descriptor, path, flags, wanted, len(wanted))


def _syscall(number: int, what: str, *arguments: int | bytes) -> int:
    converted = [
        ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value)
        for value in arguments
    ]
    return _checked(libc().syscall(ctypes.c_long(number), *converted), what)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)} ({what})")
    return result
