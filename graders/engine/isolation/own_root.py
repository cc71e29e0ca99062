"""A root folder of the student's own, which holds what it may reach and nothing else.

A small tmpfs, closed to writing once it stands, into which are hung: the files that may be read,
the process's own folders, the few devices, a /proc of its own and a limited /dev/shm. The process
must have a mount namespace of its own, and the right to mount in it. Must not know what may be
read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from graders.engine.isolation import mounts
from graders.engine.isolation.mounts import Attribute
from graders.engine.isolation.reachable import DEVICES

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a tmpfs of its own, not the machine's
"""Where locks of ``multiprocessing`` lie; its size is limited."""

_OWN = Attribute.NO_SUID | Attribute.NO_DEVICES
_OF_SOCKETS = _OWN | Attribute.READ_ONLY | Attribute.NO_PROGRAMS
_LINKS = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
_TREE_OPTIONS = "size=1m,nr_inodes=4k,mode=755"


class Layout(NamedTuple):
    """What the root holds beside the process's own folders: copies of places, and links."""

    copied: tuple[Path, ...]
    links: tuple[tuple[Path, Path], ...]


def enter(
    readable: tuple[Path, ...],
    writable: Sequence[Path],
    sockets: Iterable[Path] = (),
    *,
    megabytes: int,
    files: int,
) -> None:
    """Build the root and move into it; raises ``OSError``.

    It is built over the first of ``writable``. ``sockets`` are folders with sockets, which can be
    connected to and not changed. ``megabytes`` and ``files`` limit what shared memory holds.
    """
    layout = layout_of(readable)
    copies = [(path, mounts.clone(path, _forbidden(path))) for path in layout.copied]
    copies += [(path, mounts.clone(path, Attribute.NO_SUID)) for path in DEVICES if path.exists()]
    copies += [(path, mounts.clone(path, _OF_SOCKETS)) for path in sockets]
    own = [(path, mounts.clone(path, _OWN)) for path in _outermost(writable)]
    mounts.mount("tmpfs", str(writable[0]), _OWN, _TREE_OPTIONS)
    os.chdir(writable[0])
    before = os.umask(0o022)
    try:
        for path, tree in copies:
            _attach(tree, path)
        _make_links(layout.links)
        _make_system_folders(f"size={megabytes}m,nr_inodes={files},mode=1777")
        # Last: from here on, a name may lie in one of these.
        for path, tree in own:
            _attach(tree, path)
    finally:
        os.umask(before)
    mounts.close_to_writing(".")
    mounts.pivot()


@cache
def layout_of(readable: tuple[Path, ...]) -> Layout:
    """Say what to copy and what to link for ``readable``, each under its name and its real one."""
    wanted = [path for path in readable if not path.is_relative_to("/proc")]
    links = {path: path.resolve() for path in wanted if path.is_symlink()}
    named = [path for path in wanted if not _within(path, links)]
    copied = _outermost([*named, *(path.resolve() for path in wanted)])
    outside = {link: target for link, target in links.items() if not _within(link, copied)}
    return Layout(copied, tuple(outside.items()))


def _outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Leave out what lies in another of ``paths``."""
    found: list[Path] = []
    for path in sorted(set(paths), key=lambda path: len(path.parts)):
        if not _within(path, found):
            found.append(path)
    return tuple(found)


def _within(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _forbidden(path: Path) -> Attribute:
    closed = Attribute.READ_ONLY | Attribute.NO_SUID
    return closed if path.is_char_device() else closed | Attribute.NO_DEVICES


def _attach(tree: int, path: Path) -> None:
    place = _place(path)
    if stat.S_ISDIR(os.fstat(tree).st_mode):
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    mounts.attach(tree, str(place))


def _place(path: Path) -> Path:
    """Return where ``path`` will be, from the root that is being built."""
    return Path(".", *path.parts[1:])


def _make_links(links: Iterable[tuple[Path, Path]]) -> None:
    for link, target in links:
        place = _place(link)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)


def _make_system_folders(shared_memory: str) -> None:
    shared, own_processes = _place(SHARED_MEMORY), Path("proc")
    shared.mkdir(parents=True, exist_ok=True)
    own_processes.mkdir(exist_ok=True)
    mounts.mount("tmpfs", str(shared), _OWN | Attribute.NO_PROGRAMS, shared_memory)
    mounts.mount("proc", str(own_processes), _OWN | Attribute.NO_PROGRAMS, "subset=pid")
    for name, end in _LINKS.items():
        Path("dev", name).symlink_to(f"/proc/self/fd{end}")
