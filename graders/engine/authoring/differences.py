"""What differs between two folders: as a patch, and as whole files where a patch cannot say it.

The counterpart of :mod:`.patches`: what is written here fits there, because each hunk gets as much
context as makes its old text occur once. Must not know what a mutant is.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import count
from pathlib import Path

from graders.engine.core.errors import UsageError
from graders.engine.core.text import quote
from graders.engine.course_servers.patches import NO_NEWLINE, NOWHERE, lines_of, places_of

LEFT_BEHIND = ("__pycache__", ".*_cache", "*~", ".*.sw?", ".DS_Store", ".idea", ".vscode")
"""What editors and tools leave in a folder; it is no part of a change."""
_CONTEXT = 3


@dataclass(frozen=True)
class Change:
    """The names of the files that differ, the patch of texts, and the other files as they are."""

    names: tuple[str, ...]
    patch: str
    files: Mapping[str, bytes]


def change_between(old: Path, new: Path) -> Change:
    """Return what turns the files of ``old`` into those of ``new``; a UsageError if nothing can."""
    before, after = files_in(old), files_in(new)
    names = [name for name in sorted(before | after) if before.get(name) != after.get(name)]
    patches: list[str] = []
    files: dict[str, bytes] = {}
    for name in names:
        _require_plain(name)
        was, content = before.get(name), after.get(name)
        if _has_patch(was, content):
            patches.append(_patch(name, was, content))
        elif content is not None:
            files[name] = content
        else:
            raise UsageError(
                f"`{name}` was removed, but it is empty or no text, and a patch cannot say that.",
                cure="Keep the file, and change what uses it.",
            )
    return Change(tuple(names), "".join(patches), files)


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the contents of all files below ``folder``, but for what tools leave behind."""
    paths = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {
        name.as_posix(): path.read_bytes()
        for name, path in paths.items()
        if not any(fnmatch(part, pattern) for part in name.parts for pattern in LEFT_BEHIND)
    }


def _require_plain(name: str) -> None:
    if quote(name, len(name)) != name or name != name.strip():
        raise UsageError(
            f"`{quote(name)}` is a file's name that a patch cannot hold.",
            cure="Use letters, digits, `-`, `_` and `.`.",
        )


def _has_patch(old: bytes | None, new: bytes | None) -> bool:
    """Return whether both are texts, and one has a line: else there is nothing for a hunk."""
    return bool(old or new) and all(_is_text(each) for each in (old or b"", new or b""))


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _patch(name: str, old: bytes | None, new: bytes | None) -> str:
    before, after = lines_of((old or b"").decode()), lines_of((new or b"").decode())
    written = difflib.unified_diff(
        before,
        after,
        NOWHERE if old is None else f"a/{name}",
        NOWHERE if new is None else f"b/{name}",
        n=_context(before, after),
    )
    return "".join(_ended(written))


def _context(before: Sequence[str], after: Sequence[str]) -> int:
    """Return the least context, from three lines on, with which each hunk has only one place.

    There is one: with the whole file as context, the only hunk is the whole file.
    """
    for context in count(_CONTEXT):
        # A matcher each time: it keeps what it has once cut off.
        groups = difflib.SequenceMatcher(None, before, after).get_grouped_opcodes(context)
        spans = [(group[0][1], group[-1][2]) for group in groups]
        if all(places_of(before[begin:end], before) == [begin] for begin, end in spans):
            break
    return context


def _ended(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}\n"
