"""What the name of a handed-in file or folder says: who it is from, and which attempt it is.

Pure: knows how Canvas, Moodle, Gradescope and clones of repositories are named, and no file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from graders.engine.submissions.archives import ENDINGS

_MOODLE = re.compile(
    # The shortest name: what follows `file_` is the student's own, and may look like all of it.
    r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<rest>.*)",
    re.DOTALL,
)
_CANVAS = re.compile(
    r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<user>\d+)_(?P<upload>\d+)_(?P<rest>.+)", re.DOTALL
)
_CANVAS_ATTEMPT = re.compile(r"-(\d{1,3})(?=\.|$)")
_GRADESCOPE = re.compile(r"submission_\d+")
_SEPARATED = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class NameRead:
    """What one name says.

    ``people`` are the names that the student may have elsewhere, the surest first. ``together`` is
    equal for files that one student handed in at once; ``file`` is what the student called it.
    """

    people: tuple[str, ...]
    together: str
    file: str
    attempt: int = 0
    late: bool = False
    platform: str = ""


def read_name(name: str) -> NameRead:
    """Return what the name of a file or folder says."""
    if found := _MOODLE.fullmatch(name):
        people = (found["number"], found["name"])
        return NameRead(people, found["number"], found["rest"], platform="Moodle")
    if found := _CANVAS.fullmatch(name):
        attempt = _CANVAS_ATTEMPT.findall(found["rest"])
        return NameRead(
            people=(found["user"], found["name"]),
            together=found["user"],
            file=_CANVAS_ATTEMPT.sub("", found["rest"], count=1) if attempt else found["rest"],
            attempt=int(attempt[0]) if attempt else 0,
            late=bool(found["late"]),
            platform="Canvas",
        )
    stem = without_ending(name)
    return NameRead((stem,), stem, name)


def is_of_gradescope(name: str) -> bool:
    """Return whether a folder is named as Gradescope names one."""
    return bool(_GRADESCOPE.fullmatch(name))


def without_ending(name: str) -> str:
    """Return the name of an archive without ``.zip`` and the like."""
    lower = name.lower()
    ends = [each for each in ENDINGS if lower.endswith(each)]
    return name[: -max(map(len, ends))] if ends else name


def shared_start(names: Sequence[str], lesson: str, *, clones: bool) -> str:
    """Return what the names of clones begin with: ``<classroom>-<assignment>-``, or nothing.

    Only a start that names the lesson is taken, or any where all are ``clones``: `anna-b` and
    `anna-c` are two students.
    """
    if len(names) < 2:
        return ""
    first, last = min(names), max(names)
    length = next(
        (at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other),
        min(len(first), len(last)),
    )
    start = first[: first.rfind("-", 0, length) + 1]
    plain = re.sub(r"[-_ ]", "", start).casefold()
    return start if start and (clones or lesson in plain) else ""


def names_of_clone(name: str, start: str) -> tuple[str, ...]:
    """Return what the student of a clone may be called, if all clones begin with ``start``.

    That is what follows it or, where students' names begin alike, more. Never less: who is called
    `eve-ada` is not `ada`.
    """
    parts = name.split("-")
    tails = ["-".join(parts[at:]) for at in reversed(range(len(parts)))]
    return tuple(each for each in tails if each and len(each) >= len(name.removeprefix(start)))


def key_of(name: str) -> str:
    """Return the name as it is compared: without capitals, accents, order and separators.

    `Doe, Jané` and `jane doe` are the same; Canvas writes `doejane`, see :func:`joined`.
    """
    return " ".join(sorted(_words(name)))


def joined(name: str) -> tuple[str, str]:
    """Return the words of a name in one, as they stand and with the last one first.

    Canvas writes so: of `Doe, Jane` and of `Jane Doe` it makes `doejane`.
    """
    words = _words(name)
    return "".join(words), "".join([*words[-1:], *words[:-1]])


def _words(name: str) -> list[str]:
    apart = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(each for each in apart if not unicodedata.combining(each))
    return [word for word in _SEPARATED.split(plain) if word]


def file_name(student: str, taken: set[str]) -> str:
    """Return a name for the files of a student, which no other in ``taken`` has; adds it there.

    Also on a system that knows no capitals, and whatever a stranger has called himself.
    """
    plain = re.sub(r"[^\w.@+-]+", "-", unicodedata.normalize("NFC", student)).strip(".-")[:80]
    name, number = plain or "student", 2
    while name.casefold() in taken:
        name, number = f"{plain or 'student'}-{number}", number + 1
    taken.add(name.casefold())
    return name
