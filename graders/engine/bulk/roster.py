"""The students of a class, as a CSV file names them: `--roster students.csv`.

The first row is the heading. The id is the column `student`, `id`, `username` or what else stands
in :data:`ID_TITLES`, else the first; `name` and `group` are what they say; every other column is
one more name that the student may have in a download. Must not know what was handed in.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graders.engine.bulk.names import joined, key_of
from graders.engine.core.errors import UsageError
from graders.engine.core.text import quote

ID_TITLES = ("student", "id", "student id", "username", "login", "sis login id", "sis user id")
NAME_TITLES = ("name", "full name")
GROUP_TITLES = ("group", "team")
MAX_BYTES = 8 << 20


@dataclass(frozen=True)
class Enrolment:
    """One student: ``id`` names the files, ``names`` are all by which a submission may go."""

    id: str
    name: str = ""
    group: str = ""
    names: tuple[str, ...] = ()


class Roster:
    """The students of a class, found by any of their names."""

    def __init__(self, students: Sequence[Enrolment] = ()) -> None:
        self.students = tuple(students)
        keys = [(key, each) for each in students for key in sorted(set(_keys(each)))]
        count = Counter(key for key, _ in keys)
        # A name that two students have is nobody's, however it is written.
        self._of_two = {key for key, number in count.items() if number > 1}
        self._by_key = {key: student for key, student in keys if key not in self._of_two}
        # A group hands in as one: whichever of them is found, all are meant.
        groups = [(key, each) for each in students if each.group for key in _forms(each.group)]
        self._by_key = {**dict(groups), **self._by_key}

    def __bool__(self) -> bool:
        return bool(self.students)

    def named(self, names: Iterable[str]) -> Enrolment | None:
        """Return the student whom the first fitting of ``names`` means."""
        for name in names:
            forms = list(_forms(name))
            found = next((self._by_key[key] for key in forms if key in self._by_key), None)
            if found is not None and self._of_two.isdisjoint(forms):
                return found
        return None

    def ending(self, name: str) -> Enrolment | None:
        """Return the student whose name ends ``name`` after a hyphen: `class-lesson06-ada`."""
        parts = name.split("-")
        tails = ("-".join(parts[at:]) for at in range(1, len(parts)))
        return next((found for tail in tails if (found := self.named([tail]))), None)

    def group(self, student: Enrolment) -> tuple[Enrolment, ...]:
        """Return all who hand in together with this student, who is one of them."""
        if not student.group:
            return (student,)
        return tuple(each for each in self.students if each.group == student.group)


def read_roster(path: Path) -> Roster:
    """Return the students of a CSV file; a UsageError names what is wrong, and the line."""
    rows = list(read_table(path))
    if not rows:
        raise UsageError(
            f"{path} names no student.", cure="Write a heading, and a line for each student."
        )
    students, lines = [], dict[str, int]()
    for line, row in rows:
        student = _student(row)
        if not student.id:
            raise UsageError(f"{path}, line {line}: the student has no id.", cure="Write one.")
        if (before := lines.setdefault(student.id.casefold(), line)) != line:
            raise UsageError(
                f"{path}, line {line}: `{quote(student.id)}` stands in line {before} already.",
                cure="Each student needs an id of its own.",
            )
        students.append(student)
    return Roster(students)


def read_table(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each row of a CSV file by its columns' titles in small letters, with its line."""
    reader = csv.reader(io.StringIO(_text(path)))
    heading: list[str] = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not heading:
                heading = [cell.casefold().replace("_", " ") for cell in cells]
                _require_heading(path, heading)
                continue
            if len(cells) != len(heading):
                raise UsageError(
                    f"{path}, line {reader.line_num}: there are {len(cells)} cells, and "
                    f"{len(heading)} in the heading.",
                    cure="Put a cell that contains a comma into quotes.",
                )
            yield reader.line_num, dict(zip(heading, cells, strict=True))
    except csv.Error as error:
        place = f"{path}, line {reader.line_num}"
        raise UsageError(f"{place}: {error}.", cure="Save it again.") from error


def _require_heading(path: Path, heading: Sequence[str]) -> None:
    twice = [title for title, count in Counter(heading).items() if count > 1 and title]
    if twice:
        raise UsageError(
            f"{path}: two columns are called `{quote(twice[0])}`.", cure="Rename one of them."
        )


def _text(path: Path) -> str:
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{path} cannot be read: {reason}.", cure="Give a CSV file.") from error
    if data is None:
        raise UsageError(f"{path} is too large for a list.", cure="Give a CSV file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{path}, line {line}: this is not UTF-8.", cure="Save it as “CSV UTF-8”."
        ) from error


def _student(row: Mapping[str, str]) -> Enrolment:
    first = next(iter(row))
    number = next((row[title] for title in ID_TITLES if row.get(title)), row[first])
    name = next((row[title] for title in NAME_TITLES if row.get(title)), "")
    group = next((row[title] for title in GROUP_TITLES if row.get(title)), "")
    names = tuple(cell for title, cell in row.items() if cell and title not in GROUP_TITLES)
    return Enrolment(number, name, group, names)


def _keys(student: Enrolment) -> Iterator[str]:
    for name in (student.id, *student.names):
        yield from _forms(name)


def _forms(name: str) -> Iterator[str]:
    """Yield the forms in which a name is compared; an e-mail address also without its host."""
    yield key_of(name)
    yield from joined(name)
    before, at, _ = name.partition("@")
    if at:
        yield key_of(before)
