"""The folders of one student's server: its copy of the submission, its data, home and temp folder.

They outlive the process, so a server that is started again finds what it left there. Must not know
processes, nor what is right to store.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from graders.engine.core.limits import MOST
from graders.engine.sandbox.environment import student_environment
from graders.engine.server.watch.folders import Contents, contents_of, remove

_BESIDE_THE_COPY = ("data", "home", "tmp")


class Workspace:
    """One server's folders below ``root``, which nothing else is in.

    ``copy`` is the server's private copy of the submission, ``data`` its data folder, ``beside``
    are the folders that it may write to outside ``copy``; ``elsewhere`` is where others write for
    it. ``handed_in`` is what they held at first.
    """

    def __init__(self) -> None:
        self.root = _new_root()
        self.copy = self.root / "submission"
        self.data = self.root / "data"
        self.beside = tuple(self.root / name for name in _BESIDE_THE_COPY)
        self.elsewhere: tuple[Path, ...] = ()
        self.handed_in = Contents()

    def fill(self, source: Path, elsewhere: tuple[Path, ...] = ()) -> None:
        """Copy the submission and make the other folders."""
        self.elsewhere = elsewhere
        shutil.copytree(source, self.copy, symlinks=True)
        for folder in self.beside:
            folder.mkdir()
        self.handed_in = contents_of([self.copy, *elsewhere], most_files=MOST)

    @property
    def writable(self) -> tuple[Path, ...]:
        """All folders that the server may write to."""
        return (self.copy, *self.beside)

    @property
    def counted(self) -> tuple[Path, ...]:
        """All folders in which what it stores takes up the disk."""
        return (*self.writable, *self.elsewhere)

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a server; ``{data}`` in a value becomes the data folder."""
        own = {name: value.replace("{data}", str(self.data)) for name, value in variables.items()}
        return student_environment(
            {**own, "CHATKIT_DATA_DIR": str(self.data)},
            home=self.root / "home",
            temp=self.root / "tmp",
        )

    def remove(self) -> None:
        """Remove all of it; more than once does no harm."""
        remove(self.root)


def _new_root() -> Path:
    """Make a folder for all of one server's; where root grades, another user must get through."""
    folder = Path(tempfile.mkdtemp(prefix="chatkit-"))
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        folder.chmod(0o711)
    return folder
