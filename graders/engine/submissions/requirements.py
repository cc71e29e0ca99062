"""The packages that a submission names in `requirements.txt` or `pyproject.toml`, read as data.

Nothing is installed from them. Whatever is in the files, only names, versions and lines come out;
what cannot be read as a requirement is passed over. Must not know what is installed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

FILES = ("requirements.txt", "pyproject.toml")
MOST_BYTES = 32 * 1024
LONGEST_LINE = 400
"""Of a project: `tomllib` takes a minute for a key of 60,000 characters."""
MOST_NAMED = 500
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class NamedPackage(NamedTuple):
    """One package that a file names: ``wanted`` is the versions that it asks for, empty for any."""

    file: str
    line: int
    name: str
    wanted: str

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"`{self.file}`, line {self.line}"

    def fits(self, version: str) -> bool:
        """Return whether ``version`` is one of those that are asked for."""
        return SpecifierSet(self.wanted).contains(version, prereleases=True)


def named_packages(root: Path) -> tuple[NamedPackage, ...]:
    """Return the packages that the files of the submission in ``root`` name for this system."""
    found = chain(_of_requirements(root / FILES[0]), _of_project(root / FILES[1]))
    return tuple(islice(found, MOST_NAMED))


def _of_requirements(path: Path) -> Iterator[NamedPackage]:
    for number, line in enumerate(_text(path).splitlines(), start=1):
        # A `#` within an address is no comment: such a line names no package of ours anyway.
        yield from _named(path.name, number, line.partition(" #")[0].partition("\t#")[0])


def _of_project(path: Path) -> Iterator[NamedPackage]:
    text = _text(path)
    lines = text.splitlines()
    if max(map(len, lines), default=0) > LONGEST_LINE:
        return
    try:
        project = tomllib.loads(text)
    except (ValueError, RecursionError):
        return
    for told in _dependencies(project):
        line = next((number for number, each in enumerate(lines, start=1) if told in each), 1)
        yield from _named(path.name, line, told)


def _dependencies(project: dict[str, object]) -> Iterable[str]:
    """Yield the texts of `[project] dependencies` and the names of `[tool.poetry.dependencies]`."""
    match project:
        case {"project": {"dependencies": [*told]}}:
            yield from (each for each in told if isinstance(each, str))
    match project:
        case {"tool": {"poetry": {"dependencies": dict(named)}}}:
            # Poetry writes versions in a way of its own, which is passed over.
            yield from (name for name in named if name != "python")


def _named(file: str, line: int, text: str) -> Iterator[NamedPackage]:
    # What `pip-compile` writes goes on in the next line with the hashes.
    plain = text.partition(" --hash")[0].rstrip(" \t\\")
    try:
        found = Requirement(plain)
        here = found.marker is None or found.marker.evaluate()
    except (InvalidRequirement, ValueError, RecursionError):
        return
    if here and len(found.name) <= 100:
        wanted = "" if found.url else str(found.specifier)
        yield NamedPackage(file, line, found.name, wanted)


def _text(path: Path) -> str:
    """Return what is in a regular file, empty if it is not there or is no text."""
    if path.is_symlink() or not path.is_file():
        return ""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES)
        # `pip freeze > requirements.txt` in an older PowerShell writes UTF-16.
        return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
