"""A list of submissions: a text file with a path or git URL a line, or a CSV file.

A line of text may end in ` @ COMMIT`. A CSV file has the column `submission`, and as it likes
`student`, `commit` and `handed in`, a time with its zone. Must not open what is listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from graders.engine.bulk.repositories import is_repository
from graders.engine.bulk.roster import read_table
from graders.engine.content.course import time_in_zone
from graders.engine.core.errors import UsageError
from graders.engine.core.text import quote

ENDS = (".csv", ".txt")
TITLES = ("submission", "path", "url", "repository")
_URL = re.compile(r"(?:https|ssh|file|git)://.+|[\w.-]+@[\w.-]+:.+")
_COMMIT = re.compile(r"[0-9A-Za-z][\w./-]*")


@dataclass(frozen=True)
class ListedSubmission:
    """One line: the path or URL, at which commit, and whose it is, if that is said."""

    source: str
    line: int
    commit: str = ""
    student: str = ""
    is_git: bool = False
    handed_in: datetime | None = None


def is_list(path: Path) -> bool:
    """Return whether a file is named like a list."""
    return path.suffix.lower() in ENDS


def read_list(path: Path) -> list[ListedSubmission]:
    """Return what a list names; a UsageError names the line of what is wrong."""
    rows = _of_table(path) if path.suffix.lower() == ".csv" else _of_text(path)
    return [_checked(path, each) for each in rows]


def _of_table(path: Path) -> Iterator[ListedSubmission]:
    for line, row in read_table(path):
        source = next((row[title] for title in TITLES if row.get(title)), "")
        if not source:
            raise UsageError(
                f"{path}, line {line}: no submission is named.",
                cure=f"Name its path or git URL in the column `{TITLES[0]}`.",
            )
        yield ListedSubmission(
            source=source,
            line=line,
            commit=row.get("commit", ""),
            student=row.get("student", ""),
            handed_in=_time(path, line, row.get("handed in", "")),
        )


def _time(path: Path, line: int, text: str) -> datetime | None:
    if not text:
        return None
    moment = time_in_zone(text)
    if moment is None:
        raise UsageError(
            f"{path}, line {line}: `{quote(text)}` is not a time.",
            cure="Write date, time and time zone: 2027-03-14T23:59:00+01:00",
        )
    return moment


def _of_text(path: Path) -> Iterator[ListedSubmission]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", cure="Save it as UTF-8.") from error
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text and not text.startswith("#"):
            source, _, commit = text.partition(" @ ")
            yield ListedSubmission(source.strip(), number, commit.strip())


def _checked(path: Path, listed: ListedSubmission) -> ListedSubmission:
    """Return the line with a path from where the list is; a UsageError if nothing is there."""
    place = f"{path}, line {listed.line}"
    if listed.commit and not _COMMIT.fullmatch(listed.commit):
        raise UsageError(
            f"{place}: `{quote(listed.commit)}` is no commit.", cure="Give its hash or a tag."
        )
    if _URL.fullmatch(listed.source):
        return replace(listed, is_git=True)
    found = path.parent / listed.source
    if not found.exists():
        raise UsageError(
            f"{place}: there is no `{quote(listed.source, 200)}`.",
            cure="Give a path from the list's own folder, or a git URL: https://, ssh://, git@.",
        )
    is_git = is_repository(found)
    if listed.commit and not is_git:
        raise UsageError(
            f"{place}: `{quote(listed.source, 200)}` is no git repository.",
            cure="Leave the commit out.",
        )
    return replace(listed, source=str(found), is_git=is_git)
