"""A strict reader and applier of unified diffs: a hunk fits exactly where it says, or not at all.

Pure Python, so that `lesson check` needs no `patch` program. No fuzz, no offsets, no guessing: a
patch that no longer fits must be made anew by its author, not bent until it means something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from graders.engine.core.errors import ContentError
from graders.engine.core.text import quote

NOWHERE = "/dev/null"
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_NO_NEWLINE = "\\ No newline at end of file"
_PREAMBLE = ("diff ", "index ", "new file", "deleted file", "old mode", "new mode")


@dataclass
class Hunk:
    """Lines of the old file, from line ``start`` (1-based), and what stands in their place."""

    line: int
    start: int
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


@dataclass
class FilePatch:
    """What happens to one file; ``old`` or ``new`` is ``None`` if it is created or removed."""

    line: int
    old: PurePosixPath | None
    new: PurePosixPath | None
    hunks: list[Hunk] = field(default_factory=list)


def apply_patch(patch_file: Path, folder: Path) -> None:
    """Change the files in ``folder`` as ``patch_file`` says; ContentError if it does not fit."""
    for patch in Reader(patch_file).read():
        _apply_to_file(patch, patch_file, folder)


def _apply_to_file(patch: FilePatch, patch_file: Path, folder: Path) -> None:
    old = _read_lines(patch, patch_file, folder)
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
        return _LINE.findall((folder / patch.old).read_bytes().decode())
    except FileNotFoundError:
        raise ContentError(
            patch_file, patch.line, f"There is no `{patch.old}` in the solution that it changes."
        ) from None


def _patched(old: Sequence[str], patch: FilePatch, patch_file: Path) -> Iterator[str]:
    done = 0
    for hunk in patch.hunks:
        begin = max(hunk.start - 1, 0) if hunk.old else hunk.start
        end = begin + len(hunk.old)
        if begin < done:
            raise ContentError(patch_file, hunk.line, "The hunk overlaps the one before.")
        _require_equal(old[begin:end], hunk, patch_file)
        yield from old[done:begin]
        yield from hunk.new
        done = end
    yield from old[done:]


def _require_equal(there: Sequence[str], hunk: Hunk, patch_file: Path) -> None:
    padded = [*there, *[""] * (len(hunk.old) - len(there))]
    for number, (found, wanted) in enumerate(zip(padded, hunk.old, strict=True)):
        if found != wanted:
            raise ContentError(
                patch_file,
                hunk.line,
                f"The hunk does not fit: line {hunk.start + number} is "
                f"{quote(found, 60) or 'not there'}, not {quote(wanted, 60)}.",
                cure="Make the patch anew with `diff -u`.",
            )


class Reader:
    """Reads one patch file, line by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = _LINE.findall(path.read_bytes().decode())
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
        old_left, new_left = (int(count) if count else 1 for count in (match[2], match[3]))
        hunk = Hunk(self._at + 1, int(match[1]))
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
        if self._peek().startswith(_NO_NEWLINE):
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
