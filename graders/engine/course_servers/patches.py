"""A strict reader and applier of unified diffs: a hunk is found by its old text, not by its number.

The old lines of a hunk (context and removed lines) must occur in the file exactly once, and after
those of the hunk before. So a line that is added elsewhere in a solution breaks no mutant. The line
numbers after `@@` are not looked at; the counts are, strictly. There is no fuzz and no guessing: a
patch that no longer fits must be made anew by its author, not bent until it means something else.
Pure Python, so that `lesson check` needs no `patch` program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from graders.engine.core.errors import ContentError
from graders.engine.core.text import quote

NOWHERE = "/dev/null"
NO_NEWLINE = "\\ No newline at end of file"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_PREAMBLE = ("diff ", "index ", "new file", "deleted file", "old mode", "new mode")
_NEW_PATCH = "Make the patch anew, as `grade.py lesson mutant` does."
_MORE_CONTEXT = "Give the hunk more lines of context."
_PLACES_SHOWN = 5


@dataclass
class Hunk:
    """Lines of the old file, and what comes in their place; ``line`` is where it is written."""

    line: int
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


@dataclass
class FilePatch:
    """What happens to one file; ``old`` or ``new`` is ``None`` if it is created or removed."""

    line: int
    old: PurePosixPath | None
    new: PurePosixPath | None
    hunks: list[Hunk] = field(default_factory=list)


def lines_of(text: str) -> list[str]:
    """Return the lines of ``text`` with their ends; only a line feed ends a line."""
    return _LINE.findall(text)


def places_of(wanted: Sequence[str], lines: Sequence[str]) -> list[int]:
    """Return all indexes at which the lines ``wanted`` occur in ``lines``, overlapping or not."""
    last = len(lines) - len(wanted)
    return [at for at in range(last + 1) if list(lines[at : at + len(wanted)]) == list(wanted)]


def apply_patch(patch_file: Path, folder: Path) -> None:
    """Change the files in ``folder`` as ``patch_file`` says; ContentError if it does not fit."""
    for patch in Reader(patch_file).read():
        try:
            _apply_to_file(patch, patch_file, folder)
        except OSError as error:  # such as a folder where a file should be
            reason = error.strerror or str(error)
            raise ContentError(patch_file, patch.line, f"cannot be applied: {reason}.") from error


def _apply_to_file(patch: FilePatch, patch_file: Path, folder: Path) -> None:
    old = _read_lines(patch, patch_file, folder)
    if patch.new is not None and patch.new != patch.old and (folder / patch.new).exists():
        raise ContentError(
            patch_file,
            patch.line,
            f"creates `{patch.new}`, which the solution has already.",
            cure="Name it after `---` as well.",
        )
    new = "".join(_patched(old, patch, patch_file))
    if patch.old is not None and patch.old != patch.new:
        (folder / patch.old).unlink()
    if patch.new is not None:
        target = folder / patch.new
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(new.encode())
    elif new:
        raise ContentError(patch_file, patch.line, "removes a file but leaves lines of it.")


def _read_lines(patch: FilePatch, patch_file: Path, folder: Path) -> list[str]:
    if patch.old is None:
        return []
    try:
        return lines_of((folder / patch.old).read_bytes().decode())
    except FileNotFoundError:
        raise ContentError(
            patch_file, patch.line, f"There is no `{patch.old}` in the solution that it changes."
        ) from None
    except UnicodeDecodeError:
        raise ContentError(
            patch_file,
            patch.line,
            f"`{patch.old}` is not UTF-8, so no patch can change it.",
            cure="Replace the file by one in `files/`.",
        ) from None


def _patched(old: Sequence[str], patch: FilePatch, patch_file: Path) -> Iterator[str]:
    done = 0
    for hunk in patch.hunks:
        begin = _only_place(hunk, old, patch_file)
        if begin < done:
            raise ContentError(
                patch_file,
                hunk.line,
                f"The hunk overlaps the one before or belongs above it: it fits line {begin + 1}.",
                cure="Put the hunks in the order of the file.",
            )
        yield from old[done:begin]
        yield from hunk.new
        done = begin + len(hunk.old)
    yield from old[done:]


def _only_place(hunk: Hunk, lines: Sequence[str], patch_file: Path) -> int:
    """Return the index in ``lines`` at which the hunk fits; a ContentError if there is not one."""
    if not hunk.old and lines:
        raise ContentError(
            patch_file,
            hunk.line,
            "The hunk only adds lines and does not say where: it has no line of the file.",
            cure=_MORE_CONTEXT,
        )
    places = places_of(hunk.old, lines)
    if not places:
        raise ContentError(patch_file, hunk.line, _misfit(hunk.old, lines), cure=_NEW_PATCH)
    if len(places) > 1:
        shown = ", ".join(str(place + 1) for place in places[:_PLACES_SHOWN])
        more = ", ..." if len(places) > _PLACES_SHOWN else ""
        raise ContentError(
            patch_file,
            hunk.line,
            f"The old lines of the hunk occur {len(places)} times, at lines {shown}{more}.",
            cure=_MORE_CONTEXT,
        )
    return places[0]


def _misfit(wanted: Sequence[str], lines: Sequence[str]) -> str:
    """Say what differs at the place where most of the lines ``wanted`` are as they should be."""
    places = range(1 - len(wanted), len(lines))
    alike = {at: sum(map(str.__eq__, wanted, _window(lines, at, len(wanted)))) for at in places}
    best = max(places, key=lambda at: (alike[at], -at), default=0)
    if not alike.get(best):
        return (
            f"The hunk does not fit: none of its old lines is there, such as {_shown(wanted[0])}."
        )
    there = _window(lines, best, len(wanted))
    first = next(index for index, line in enumerate(wanted) if line != there[index])
    missing = _shown(wanted[first])
    if not there[first]:
        return f"The hunk does not fit: where it fits best, the line {missing} is missing."
    found = f"line {best + first + 1} is {_shown(there[first])}"
    return f"The hunk does not fit: where it fits best, {found}, not {missing}."


def _window(lines: Sequence[str], at: int, count: int) -> list[str]:
    """Return ``count`` lines from index ``at``, which may be negative; "" where there is none."""
    return [lines[index] if 0 <= index < len(lines) else "" for index in range(at, at + count)]


def _shown(line: str) -> str:
    return f"`{quote(line, 60)}`"


class Reader:
    """Reads one patch file, line by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._lines = lines_of(path.read_bytes().decode())
        except UnicodeDecodeError as error:
            raise ContentError(path, None, "is not UTF-8.", cure="Save it as UTF-8.") from error
        self._at = 0

    def read(self) -> list[FilePatch]:
        """Return what the file says; a ContentError that names the line where it is no diff."""
        patches = []
        while self._at < len(self._lines):
            if self._peek().startswith("--- "):
                patches.append(self._file())
            elif self._peek().startswith(_PREAMBLE) or not self._peek().strip():
                self._at += 1
            else:
                raise self._wrong("is not a line of a unified diff.")
        if not patches:
            raise ContentError(self._path, None, "changes nothing.")
        return patches

    def _file(self) -> FilePatch:
        line = self._at + 1
        old = self._name("--- ")
        new = self._name("+++ ")
        patch = FilePatch(line, old, new)
        while self._peek().startswith("@@ "):
            patch.hunks.append(self._hunk())
        if not patch.hunks:
            raise self._wrong("has no hunk (`@@ ... @@`) where one must stand.")
        return patch

    def _name(self, prefix: str) -> PurePosixPath | None:
        if not self._peek().startswith(prefix):
            raise self._wrong(f"must begin with `{prefix.strip()}`.")
        name = self._peek().removeprefix(prefix).rstrip("\n").partition("\t")[0].strip()
        path = PurePosixPath(re.sub(r"^[ab]/", "", name))
        if name != NOWHERE and (path.is_absolute() or ".." in path.parts or not path.parts):
            raise self._wrong(f"names `{quote(name)}`, which is not inside the submission.")
        self._at += 1
        return None if name == NOWHERE else path

    def _hunk(self) -> Hunk:
        match = _HUNK.match(self._peek())
        if match is None:
            raise self._wrong("is not a hunk's first line.")
        old_left, new_left = (int(count) if count else 1 for count in (match[1], match[2]))
        hunk = Hunk(self._at + 1)
        self._at += 1
        while len(hunk.old) < old_left or len(hunk.new) < new_left:
            self._hunk_line(hunk)
        if len(hunk.old) != old_left or len(hunk.new) != new_left:
            raise self._wrong("comes after a hunk that is longer than it says.")
        return hunk

    def _hunk_line(self, hunk: Hunk) -> None:
        line = self._peek()
        sign, text = (line[0], line[1:]) if line.strip("\n") else (" ", line)
        if sign not in " -+" or not line:
            raise self._wrong("is not a line of a hunk (` `, `-` or `+`), but the hunk goes on.")
        self._at += 1
        if self._peek().startswith(NO_NEWLINE):
            text = text.removesuffix("\n")
            self._at += 1
        if sign in " -":
            hunk.old.append(text)
        if sign in " +":
            hunk.new.append(text)

    def _peek(self) -> str:
        return self._lines[self._at] if self._at < len(self._lines) else ""

    def _wrong(self, message: str) -> ContentError:
        return ContentError(self._path, self._at + 1, f"This line {message}")
