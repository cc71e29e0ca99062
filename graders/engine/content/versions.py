"""Which version of the course's own files a score comes from: one digest for each kind.

Must not import what it reads. A cache of results asks for the same digests: where they are equal,
grading again would find the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from graders.engine.content.catalogue import ENGINE_FOLDER, Lesson
from graders.engine.content.models import Database
from graders.engine.core.digests import digest_of, digest_of_all

LOCK_NAMES = ("uv.lock", "course.lock")
_MUTANTS = "mutants"
_CACHE = "__pycache__"


def digest_of_grader(root: Path) -> str:
    """Return the digest of the engine in the repository ``root``."""
    return _digest(root, [root / "graders" / ENGINE_FOLDER])


def digest_of_lesson(lesson: Lesson) -> str:
    """Return the digest of all that decides a verdict in one lesson.

    These are its rubric and checks, its quiz, and its solutions: some scenarios are played on one.
    """
    root = lesson.grader_dir.parents[1]
    quiz = root / "fixtures" / "quiz" / f"{lesson.id}.yaml"
    solutions = [each for each in _inside(lesson.solutions_dir) if each.name != _MUTANTS]
    return _digest(root, [lesson.grader_dir, quiz, *solutions])


def digest_of_bank(folder: Path) -> str:
    """Return the digest of all questions in ``folder``, which decide a quiz over all lessons."""
    return _digest(folder, [folder])


def digest_of_course(lesson: Lesson) -> str:
    """Return the digest of what the course changes in one lesson; empty if it changes nothing."""
    changes = lesson.course.changes_of(lesson.id) if lesson.course else {}
    parts = {name: digest_of([each.model_dump_json().encode()]) for name, each in changes.items()}
    if lesson.database is not Database.SQLITE:
        # No criterion is called so.
        parts[" database"] = digest_of([lesson.database.encode()])
    return digest_of_all(parts) if parts else ""


def digest_of_lock(root: Path) -> str:
    """Return the digest of the lock, and of what a class adds: what servers can import."""
    return _digest(root, [root / name for name in LOCK_NAMES])


def digest_of_grader_lock(root: Path) -> str:
    """Return the digest of the grader's own lock alone, which a class adds to."""
    return _digest(root, [root / LOCK_NAMES[0]])


def _digest(root: Path, places: Iterable[Path]) -> str:
    files = (file for place in places for file in _files(place))
    return digest_of_all(
        {file.relative_to(root).as_posix(): digest_of([file.read_bytes()]) for file in files}
    )


def _files(place: Path) -> list[Path]:
    """Return the file, or the files below the folder; none where there is no such place."""
    found = [place, *place.rglob("*")]
    return [each for each in found if each.is_file() and _CACHE not in each.parts]


def _inside(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
