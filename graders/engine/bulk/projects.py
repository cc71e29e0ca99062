"""The project inside of what was handed in: at any depth, also in an archive in a folder.

Must not run anything, and follows no link. What was taken, and what else was there, is told.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from graders.engine.content.catalogue import Lesson
from graders.engine.core.results import Problem
from graders.engine.core.text import quote
from graders.engine.submissions.archives import is_archive, unpacked
from graders.engine.submissions.submission import SETTINGS_NAMES
from graders.engine.submissions.submission_copy import SKIPPED_FOLDERS, SubmissionProblem

MOST_FOLDERS = 2_000
"""Folders that are looked into for a project; an honest submission has a few dozen."""
MOST_ARCHIVES = 3
"""Archives within archives."""
_PASSED_OVER = SKIPPED_FOLDERS | {"__MACOSX"}


@dataclass(frozen=True)
class Project:
    """The folder of a project; ``shown`` is its path from the top, empty if it is the top itself.

    ``others`` are the paths of projects that were not taken; ``problem`` is what kept one from
    being found.
    """

    folder: Path
    shown: str = ""
    others: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True)
class ProjectMarks:
    """By which files a project of a lesson is known, and the assignment's own, by their bytes."""

    names: tuple[str, ...]
    stub: dict[str, bytes]

    @classmethod
    def of(cls, lesson: Lesson) -> ProjectMarks:
        """Return what marks a project of this lesson."""
        folder = lesson.assignment_dir
        # Beside a server its folder shows what is whose; files alone are known by their paths.
        names = [name for name in lesson.given_files if not lesson.info.server or "/" not in name]
        marks = (*SETTINGS_NAMES, "server.py", *names)
        stub = {name: (folder / name).read_bytes() for name in names}
        return cls(tuple(dict.fromkeys(marks)), stub)

    def in_folder(self, folder: Path) -> tuple[str, ...]:
        """Return the marks that lie in a folder as files of its own."""
        return tuple(
            name
            for name in self.names
            if (folder / name).is_file() and not (folder / name).is_symlink()
        )

    def is_stub(self, folder: Path) -> bool:
        """Return whether a folder is the assignment as it was given out."""
        found = [name for name in self.in_folder(folder) if name in self.stub]
        return bool(found) and all(
            (folder / name).stat().st_size == len(self.stub[name])
            and (folder / name).read_bytes() == self.stub[name]
            for name in found
        )


@contextmanager
def opened_project(path: Path, marks: ProjectMarks) -> Iterator[Project]:
    """Yield the project in a folder, an archive or a single file, for as long as it is used."""
    with ExitStack() as stack:
        try:
            found = _opened(path, marks, stack, depth=0)
        except SubmissionProblem as error:
            room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chatkit-none-")))
            found = Project(room, problem=error.problem)
        yield found


def _opened(path: Path, marks: ProjectMarks, stack: ExitStack, *, depth: int) -> Project:
    if path.is_dir():
        return _in_folder(path, marks, stack, depth=depth)
    if not is_archive(path):
        return _single_file(path, marks, stack)
    inside = stack.enter_context(unpacked(path))
    found = _in_folder(inside.folder, marks, stack, depth=depth + 1)
    return Project(
        found.folder, found.shown, found.others, (*inside.left_out, *found.left_out), found.problem
    )


def _single_file(path: Path, marks: ProjectMarks, stack: ExitStack) -> Project:
    """Put a file that was handed in alone into a folder; a Python file is the server."""
    room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chatkit-file-")))
    name = "server.py" if path.suffix == ".py" and path.name not in marks.names else path.name
    if path.is_file() and not path.is_symlink():
        shutil.copyfile(path, room / name)
    return Project(room)


def _in_folder(folder: Path, marks: ProjectMarks, stack: ExitStack, *, depth: int) -> Project:
    found, archives = _searched(folder, marks)
    if found:
        taken = found[0]
        others = tuple(_from(folder, other) or "the top folder" for other in found[1:])
        return Project(taken, _from(folder, taken), others)
    for archive in archives if depth < MOST_ARCHIVES else ():
        inner = _opened(archive, marks, stack, depth=depth + 1)
        shown = "/".join(part for part in (_from(folder, archive), inner.shown) if part)
        others = tuple(_from(folder, other) for other in archives if other != archive)
        return Project(inner.folder, shown, (*inner.others, *others), inner.left_out, inner.problem)
    return Project(folder)


def _searched(folder: Path, marks: ProjectMarks) -> tuple[list[Path], list[Path]]:
    """Return the projects below a folder, the best first, and the archives, the newest first.

    The one nearest to the top is the best; of several, one that is not the assignment as it was
    given out, then the newest.
    """
    found: list[Path] = []
    archives: list[Path] = []
    level, looked = [folder], 0
    while level and not found and looked < MOST_FOLDERS:
        looked += len(level)
        found = [each for each in level if marks.in_folder(each)]
        below = [_children(each) for each in level]
        archives += [path for files, _ in below for path in files if is_archive(path)]
        level = [path for _, folders in below for path in folders]
    rest = [each for each in level if marks.in_folder(each)]
    found.sort(key=lambda each: (marks.is_stub(each), -_changed(each, marks), str(each)))
    archives.sort(key=lambda each: (-each.stat().st_mtime, str(each)))
    return found + rest, archives


def _children(folder: Path) -> tuple[list[Path], list[Path]]:
    try:
        inside = sorted(each for each in folder.iterdir() if not each.is_symlink())
    except OSError:
        return [], []
    files = [each for each in inside if each.is_file() and not each.name.startswith(".")]
    folders = [each for each in inside if each.is_dir() and each.name not in _PASSED_OVER]
    return files, folders


def _changed(folder: Path, marks: ProjectMarks) -> float:
    return max((folder / name).stat().st_mtime for name in marks.in_folder(folder))


def _from(top: Path, path: Path) -> str:
    shown = path.relative_to(top).as_posix()
    return "" if shown == "." else quote(shown, 200)
