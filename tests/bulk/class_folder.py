"""Submissions of the miniature course, written on the spot."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from graders.engine.content.catalogue import Lesson
from graders.engine.grading.folder import OpenFactory
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.submissions.submission import Submission
from tests.miniature import COURSE, stand_in_servers

SOLUTION = COURSE / "reference_solutions" / "greeting" / "solution"
STUB = COURSE / "assignments" / "greeting"
RIGHT = (SOLUTION / "server.py").read_text(encoding="utf-8")
RUDE = RIGHT.replace('"hello": "hello"', '"hello": "HELLO"')
POISON = RIGHT + "\n# ends the process that grades it\n"
GREEDY = RIGHT + "\n# takes all memory of the process that grades it\n"
MUCH = 300_000_000


def hand_in(folder: Path, text: str = RIGHT, name: str = "server.py") -> Path:
    """Write a submission with one file; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """Return a zip of files."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def tarred(folder: Path, target: Path) -> None:
    """Pack a folder."""
    with tarfile.open(target, "w:gz") as archive:
        archive.add(folder, arcname=folder.name)


def a_class(folder: Path) -> Path:
    """Write a class of five: right, the stub, empty, zipped, and a damaged zip."""
    hand_in(folder / "ada")
    shutil.copytree(STUB, folder / "bob")
    (folder / "cyd").mkdir()
    (folder / "dee.zip").write_bytes(zipped({"mine/server.py": RIGHT}))
    (folder / "eve.zip").write_bytes(b"PK no zip at all")
    return folder


@contextmanager
def fragile_servers() -> Iterator[OpenFactory]:
    """Yield stand-ins that end this process for a poisoned submission."""
    with stand_in_servers() as open_factory:

        def opened(lesson: Lesson, submission: Submission) -> AbstractContextManager[ServerFactory]:
            server = submission.root / "server.py"
            if server.is_file() and server.read_text(encoding="utf-8") == POISON:
                os._exit(3)
            return open_factory(lesson, submission)

        yield opened


@contextmanager
def greedy_servers() -> Iterator[OpenFactory]:
    """Yield stand-ins that hold much memory, until they are ended, for a greedy submission."""
    with stand_in_servers() as open_factory:

        def opened(lesson: Lesson, submission: Submission) -> AbstractContextManager[ServerFactory]:
            server = submission.root / "server.py"
            if server.is_file() and server.read_text(encoding="utf-8") == GREEDY:
                held = b"x" * MUCH
                threading.Event().wait(timeout=60)
                assert len(held) == MUCH
            return open_factory(lesson, submission)

        yield opened
