"""The fork server's memory: in large pages where the kernel can be asked, untouched by it."""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path

import pytest

from graders.engine.isolation.libc import libc
from graders.engine.sandbox import large_pages
from graders.engine.sandbox.large_pages import gather_memory

_LARGE = 2 * 1024 * 1024
_MAPS = """\
5581e0000000-5581e0500000 rw-p 00000000 00:00 0                          [heap]
7f0000100000-7f0000700000 rw-p 00000000 00:00 0
7f0001000000-7f0001100000 rw-p 00000000 00:00 0
7f0002000000-7f0003000000 r--p 00000000 00:00 0
7f0004000000-7f0005000000 rw-s 00000000 00:00 0
7f0006000000-7f0007000000 rw-p 00001000 fe:01 4711                       /usr/lib/libpython.so
7ffe00000000-7ffe01000000 rw-p 00000000 00:00 0                          [stack]
"""


def test_only_own_memory_is_gathered_in_whole_large_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "maps").write_text(_MAPS, encoding="ascii")
    asked: list[tuple[int, int, int]] = []

    class Library:
        @staticmethod
        def madvise(start: ctypes.c_void_p, size: ctypes.c_size_t, advice: ctypes.c_int) -> int:
            asked.append((start.value or 0, size.value, advice.value))
            return -1

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(large_pages, "_OWN_MEMORY", tmp_path / "maps")
    monkeypatch.setattr(large_pages, "libc", Library)

    gather_memory()

    assert asked == [
        (0x5581E0000000, 2 * _LARGE, 25),
        (0x7F0000200000, 2 * _LARGE, 25),
    ]


def test_memory_is_in_large_pages_where_the_kernel_can_be_asked_and_holds_what_it_held() -> None:
    if not sys.platform.startswith("linux"):
        gather_memory()
        return
    with mmap.mmap(-1, 4 * _LARGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        written = bytes(range(256)) * (4 * _LARGE // 256)
        memory[:] = written
        taken = _is_taken(memory)
        before = _in_large_pages()

        gather_memory()

        assert memory[:] == written
        assert not taken or _in_large_pages() > before


def _is_taken(memory: mmap.mmap) -> bool:
    """Ask for the first large page in ``memory`` alone; return whether the kernel made it."""
    view = ctypes.c_char.from_buffer(memory)
    start = -(-ctypes.addressof(view) // _LARGE) * _LARGE
    del view
    answer: int = libc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(_LARGE), ctypes.c_int(25))
    return answer == 0


def _in_large_pages() -> int:
    """Return how many KiB of this process are in large pages."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages"))
