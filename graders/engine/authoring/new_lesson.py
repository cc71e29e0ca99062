"""A new lesson: the template of a small, complete one, written to all places of a course.

It is written wholly or not at all. Must not ask, print or grade, nor know what the template checks.
"""

from __future__ import annotations

import keyword
import re
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

import yaml

from graders.engine.authoring.differences import files_in
from graders.engine.content.catalogue import Catalogue
from graders.engine.core.errors import UsageError
from graders.engine.core.places import REPOSITORY
from graders.engine.core.text import quote, visible

TEMPLATE = REPOSITORY / "graders" / "new_lesson"
PLACES = (
    # What stands in the template, and where it goes; the first that fits counts.
    ("tests/numbers.yaml", "tests/numbers/lessonNN.yaml"),
    ("assignment", "assignments/lessonNN"),
    ("grader", "graders/lessonNN"),
    ("solutions", "reference_solutions/lessonNN"),
    ("tests", "tests/lessonNN"),
)
GIVEN = "assignment/store.py"
"""What the assignment gives to students, and each solution has as well."""
_ID = "lessonNN"
_TITLE = "LESSON_TITLE"
_WIDEST = 1_000_000
"""Columns of a line of YAML: none is ever wrapped."""


def checked_id(name: str, catalogue: Catalogue, taken: Collection[str]) -> str:
    """Return the id of a lesson that is not there yet; a UsageError if it cannot be one.

    It is the name of a package of Python too. ``taken`` are words that the command line needs.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]{0,39}", name) or keyword.iskeyword(name):
        raise UsageError(
            f"`{quote(name)}` cannot be the name of a lesson.",
            cure="Use small letters and digits, and begin with a letter: `lesson09`.",
        )
    if name in taken:
        raise UsageError(f"`{name}` is a command, so it cannot be the name of a lesson.")
    if catalogue.has(name):
        there = catalogue.lesson(name)
        raise UsageError(f"There is a lesson `{there.id}` already: {there.title}.")
    return name


def checked_title(text: str) -> str:
    """Return the title of a lesson; a UsageError if it is none."""
    title = text.strip()
    if not title or title != visible(title, one_line=True) or len(title) > 100:
        raise UsageError(
            "The title must be one line of text, at most 100 characters.",
            cure='Say what is taught: "Files and images".',
        )
    return title


def make_lesson(root: Path, lesson_id: str, title: str) -> tuple[Path, ...]:
    """Write the files of a new lesson below ``root``, and return the places where they are.

    A UsageError, and nothing written, if a place is taken or cannot be written to.
    """
    files = files_of_lesson(lesson_id, title)
    places = tuple(root / _named(place, lesson_id) for _, place in PLACES)
    for place in places:
        if place.exists():
            raise UsageError(
                f"{place} is there already, so nothing is written.",
                cure="Move it away, or give the lesson another name.",
            )
    try:
        with tempfile.TemporaryDirectory(dir=root, prefix=".new-") as draft:
            for name, content in files.items():
                file = Path(draft) / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            _put_in_place(Path(draft), root, places)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{root} cannot be written to: {reason}.") from error
    return places


def files_of_lesson(lesson_id: str, title: str) -> Mapping[str, bytes]:
    """Return the files of a new lesson by their place in the course."""
    template = {} if not TEMPLATE.is_dir() else files_in(TEMPLATE)
    if GIVEN not in template:
        raise UsageError(
            "This copy of the grader cannot make lessons: it has no folder `graders/new_lesson`.",
            cure="Make them in the whole project.",
        )
    solutions = {name.split("/")[1] for name in template if name.startswith("solutions/solution")}
    given = {f"solutions/{name}/{Path(GIVEN).name}": template[GIVEN] for name in solutions}
    return {
        _place_of(name, lesson_id): _filled(name, content.decode(), lesson_id, title).encode()
        for name, content in sorted({**given, **template}.items())
    }


def _place_of(name: str, lesson_id: str) -> str:
    fits = ((own, place) for own, place in PLACES if name == own or name.startswith(f"{own}/"))
    own, place = next(fits)
    return _named(place, lesson_id) + name.removeprefix(own)


def _named(place: str, lesson_id: str) -> str:
    return place.replace(_ID, lesson_id)


def _filled(name: str, text: str, lesson_id: str, title: str) -> str:
    # In one go, so that no word of a title is taken for one that stands for another.
    meant = {_ID: lesson_id, _TITLE: title}
    if name.endswith(".yaml"):
        told = yaml.safe_dump({"title": title}, allow_unicode=True, width=_WIDEST)
        meant = {f"title: {_TITLE}\n": told, **meant}
    return re.sub("|".join(meant), lambda found: meant[found[0]], text)


def _put_in_place(draft: Path, root: Path, places: Collection[Path]) -> None:
    """Move what was written to its places; what was moved is removed again where one fails."""
    moved: list[Path] = []
    try:
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
            (draft / place.relative_to(root)).rename(place)
            moved.append(place)
    except BaseException:
        for place in moved:
            _remove(place)
        raise


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink()
