"""What Landlock is asked for on kernels of each version; what one does is in ``tests/hostile``."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest

from graders.engine.isolation import landlock
from graders.engine.isolation.layers import Layer

TRUNCATE, IOCTL_DEV, EXECUTE = 1 << 14, 1 << 15, 1 << 0


class Kernel:
    """Stands in for a kernel of Landlock version ``abi``: notes what it is asked for."""

    def __init__(self, abi: int, *, holds: bool = True) -> None:
        self._abi = abi
        self._holds = holds
        self.handled: tuple[int, ...] = ()
        self.rules: list[int] = []

    def __call__(self, number: int, *arguments: Any) -> int:
        """Answer system call ``number``."""
        if number == 446:
            return 0 if self._holds else -1
        if number == 445:
            self.rules.append(struct.unpack("=Qi", arguments[2])[0])
            return 0
        if arguments[0] is None:
            return self._abi
        self.handled = struct.unpack(f"={arguments[1] // 8}Q", arguments[0])
        return os.open("/dev/null", os.O_RDONLY)


def offered(kernel: Kernel, monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[str, ...]:
    """Shut in for show: read ``folder`` and a file in it, write ``folder``."""
    monkeypatch.setattr(landlock, "_syscall", kernel)
    (folder / "file").touch()
    return landlock.restrict_files([folder, folder / "file", folder / "gone"], [folder])


@pytest.mark.parametrize(
    ("abi", "rights", "more"),
    [(1, 13, ()), (2, 14, ()), (3, 15, ()), (4, 15, (3,)), (5, 16, (3,)), (6, 16, (3, 3))],
)
def test_each_version_is_asked_for_all_that_it_knows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, abi: int, rights: int, more: tuple[int, ...]
) -> None:
    kernel = Kernel(abi)
    offered(kernel, monkeypatch, tmp_path)
    assert kernel.handled == ((1 << rights) - 1, *more)
    for allowed in kernel.rules:
        assert allowed & ~kernel.handled[0] == 0


def test_rules_are_reading_for_folder_and_file_and_writing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kernel = Kernel(7)
    offered(kernel, monkeypatch, tmp_path)
    folder, file, own = kernel.rules
    assert (folder, file) == (1 << 2 | 1 << 3, 1 << 2)
    assert own & TRUNCATE
    assert not own & (EXECUTE | IOCTL_DEV)


@pytest.mark.parametrize(("abi", "held"), [(0, ()), (1, ()), (2, ()), (3, (Layer.FILES,))])
def test_layer_is_reported_where_it_keeps_files_from_being_emptied_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, abi: int, held: tuple[str, ...]
) -> None:
    assert offered(Kernel(abi), monkeypatch, tmp_path) == held


def test_layer_that_the_kernel_refuses_is_not_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert offered(Kernel(7, holds=False), monkeypatch, tmp_path) == ()
