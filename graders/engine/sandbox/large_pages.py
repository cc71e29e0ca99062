"""Puts what the fork server has loaded into large pages, which makes each fork cheaper.

A fork copies one entry of the page table for each page in memory, and a server is started by two
forks: with pages of 4 KiB that is a third of what a start costs. A page of 2 MiB has one entry, and
is taken apart only where the child writes to it. Only Linux 6.1 and newer can be asked for it;
where it is refused, everything works as it does without. Must not know a student.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator
from pathlib import Path

from graders.engine.isolation.libc import libc

_MADV_COLLAPSE = 25
"""``linux/mman.h``: make large pages of this memory now, whatever the system does by itself."""
_LARGE = 2 * 1024 * 1024
_OWN_MEMORY = Path("/proc/self/maps")


def gather_memory() -> None:
    """Ask the kernel to hold this process's own memory in large pages."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError):
        for start, end in [*_own_memory(_OWN_MEMORY.read_text(encoding="ascii", errors="replace"))]:
            libc().madvise(
                ctypes.c_void_p(start), ctypes.c_size_t(end - start), ctypes.c_int(_MADV_COLLAPSE)
            )


def _own_memory(maps: str) -> Iterator[tuple[int, int]]:
    """Yield where the large pages of each range would begin and end that no file stands behind."""
    for line in maps.splitlines():
        addresses, access, _, _, inode, *name = line.split()
        if access != "rw-p" or inode != "0" or name not in ([], ["[heap]"]):
            continue
        start, end = (int(address, 16) for address in addresses.split("-"))
        start, end = -(-start // _LARGE) * _LARGE, end // _LARGE * _LARGE
        if start < end:
            yield start, end
