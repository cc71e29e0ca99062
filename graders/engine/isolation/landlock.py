"""Landlock: the kernel lets this process open the files that are named, and no others.

Needs no privilege. What it handles grows with the kernel's ABI version, so it is asked for as much
as this kernel knows. It does not hide names (``stat``) nor forbid changing modes: see ``syscalls``.
Source of the numbers: ``include/uapi/linux/landlock.h``. Must not know what the folders are.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from stat import S_ISDIR

from graders.engine.isolation.layers import Layer
from graders.engine.isolation.libc import libc

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_IOCTL_DEV = 1 << 15
_TRUNCATE = 1 << 14
_MAKE_DEVICES = 1 << 6 | 1 << 11
_READ = _READ_FILE | _READ_DIR
# Of what a ruleset can say of one file, not of a folder.
_OF_FILES = 1 << 0 | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
# How many rights on files each ABI knows; they are the lowest bits.
_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
_RIGHTS_NOW = 16
# Running a program is in no rule: nobody may.
_WRITE = ((1 << 15) - 1) & ~(1 << 0 | _MAKE_DEVICES)
_TCP = 1 << 0 | 1 << 1
_SCOPES = 1 << 0 | 1 << 1

TRUNCATION_ABI = 3
"""Since this version (Linux 6.2) a file outside cannot be emptied either."""


def abi() -> int:
    """Return the version of Landlock that this kernel has; 0 where it has none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(_syscall(_CREATE_RULESET, None, 0, _ASK_VERSION), 0)


def restrict_files(readable: Iterable[Path], writable: Iterable[Path]) -> tuple[str, ...]:
    """Leave this process, which must have one thread, nothing but ``readable`` and ``writable``.

    Paths that do not exist are passed over. Returns the layer's name if all of it was applied; an
    older kernel keeps files from being read, but gives nothing.
    """
    version = abi()
    if not version:
        return ()
    handled = (1 << _RIGHTS_OF_ABI.get(version, _RIGHTS_NOW)) - 1
    ruleset = _create_ruleset(version, handled)
    if ruleset < 0:
        return ()
    try:
        for path in readable:
            _allow(ruleset, path, _READ)
        for path in writable:
            _allow(ruleset, path, _WRITE & handled)
        held = _syscall(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)
    return (Layer.FILES,) if held and version >= TRUNCATION_ABI else ()


def _create_ruleset(version: int, handled: int) -> int:
    fields = [handled]
    if version >= 4:
        fields.append(_TCP)
    if version >= 6:
        fields.append(_SCOPES)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    return _syscall(_CREATE_RULESET, attributes, len(attributes), 0)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, descriptor)
        if _syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0) != 0:
            raise OSError(ctypes.get_errno(), f"no Landlock rule could be made for {path}")
    finally:
        os.close(descriptor)


def _syscall(number: int, *arguments: int | bytes | None) -> int:
    converted = [
        ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value)
        for value in arguments
    ]
    return int(libc().syscall(ctypes.c_long(number), *converted))
