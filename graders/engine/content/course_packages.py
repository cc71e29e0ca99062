"""The packages that a class adds: in `course.yaml` by name, in `course.lock` with their hashes.

Texts in, texts out: must not resolve or install anything. `course.lock` is a requirements file,
which uv and pip install from; comments at its top say what it was made for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from graders.engine.content.binding import bind
from graders.engine.content.course import COURSE_NAME, Course, CourseFile
from graders.engine.content.locked_packages import COURSE_LOCK_NAME
from graders.engine.content.nodes import MappingNode, SequenceNode
from graders.engine.content.strict_yaml import parse
from graders.engine.content.versions import digest_of_grader_lock
from graders.engine.core.errors import ContentError, UsageError

LOCK_AGAIN = "`python grade.py env lock` makes it anew."
_LIST = re.compile(r"packages:[ ]*\[(?P<told>[^\]]*)\][ ]*(?P<comment>#.*)?")


class HashedPin(NamedTuple):
    """One package of one version with the hashes of its files; ``where`` is a marker or empty."""

    name: str
    version: str
    where: str
    hashes: tuple[str, ...]


def with_packages(text: str, added: Sequence[str], path: Path) -> str:
    """Return the text of a `course.yaml` with packages added; the rest stays as it is.

    A ContentError if the text is wrong, a UsageError if it has a form that is not understood here.
    """
    before = bind(parse(text, path), CourseFile, path).packages if text.strip() else ()
    wanted = tuple(dict.fromkeys((*before, *added)))
    changed = _with_lines(text, [each for each in wanted if each not in before], path)
    try:
        after = bind(parse(changed, path), CourseFile, path).packages
    except ContentError:
        after = ()
    if after != wanted:
        raise UsageError(
            f"{path} has a form that is not changed here.",
            cure=f"Add {', '.join(added)} to `packages` yourself, then {LOCK_AGAIN}",
        )
    return changed


def _with_lines(text: str, added: Sequence[str], path: Path) -> str:
    if not added:
        return text
    lines = text.splitlines()
    node = parse(text, path) if text.strip() else None
    told = node.fields.get("packages") if isinstance(node, MappingNode) else None
    if not isinstance(told, SequenceNode):
        ends = [""] if lines and lines[-1].strip() else []
        return "\n".join(
            [*lines, *ends, "packages:", *(f"  - {quoted(each)}" for each in added), ""]
        )
    last = told.items[-1].line if told.items else told.line
    if flow := _LIST.fullmatch(lines[last - 1].strip()):
        names = [each for each in (flow["told"].strip(),) if each]
        inside = ", ".join([*names, *map(quoted, added)])
        lines[last - 1] = f"packages: [{inside}]" + (
            f"  {flow['comment']}" if flow["comment"] else ""
        )
    else:
        indent = lines[last - 1][: len(lines[last - 1]) - len(lines[last - 1].lstrip())]
        lines[last:last] = [f"{indent}- {quoted(each)}" for each in added]
    return "\n".join([*lines, ""])


def quoted(package: str) -> str:
    """Return a package as it is written in YAML: in quotes where it holds more than a name."""
    return package if re.fullmatch(r"[A-Za-z0-9._-]+", package) else f'"{package}"'


def lock_text(packages: Sequence[str], pins: Iterable[HashedPin], root: Path, made_on: str) -> str:
    """Return `course.lock`; ``made_on`` says for which systems it is good."""
    head = (
        f"# The packages that {COURSE_NAME} adds, beside those of the grader.\n"
        "# Written by `python grade.py env add` and `python grade.py env lock`.\n"
        f"# packages: {', '.join(packages)}\n"
        f"# beside: {digest_of_grader_lock(root)}\n"
        f"# good for: {made_on}\n"
    )
    return head + "".join(map(_pinned, sorted(pins)))


def _pinned(pin: HashedPin) -> str:
    where = f" ; {pin.where}" if pin.where else ""
    hashes = " \\\n".join(f"    --hash={each}" for each in sorted(pin.hashes))
    return f"{pin.name}=={pin.version}{where} \\\n{hashes}\n"


def require_locked(course: Course | None, root: Path) -> None:
    """Raise a ContentError unless `course.lock` is of the packages that the class has now."""
    path = root / COURSE_LOCK_NAME
    packages = course.told.packages if course is not None else ()
    if not path.is_file():
        if packages:
            raise ContentError(
                path,
                None,
                f"is missing, and {COURSE_NAME} adds {', '.join(packages)}.",
                cure=LOCK_AGAIN,
            )
        return
    told = _told(path.read_text(encoding="utf-8"))
    if told.get("packages") != ", ".join(packages):
        raise ContentError(
            path,
            None,
            f"is of other packages ({told.get('packages') or 'none'}) than {COURSE_NAME} has "
            f"({', '.join(packages) or 'none'}).",
            cure=LOCK_AGAIN,
        )
    if told.get("beside") != digest_of_grader_lock(root):
        raise ContentError(path, None, "was made beside another grader.", cure=LOCK_AGAIN)


def _told(text: str) -> Mapping[str, str]:
    """Return what the comments at the top say."""
    lines = (line.removeprefix("# ") for line in text.splitlines() if line.startswith("# "))
    return dict(each.split(": ", 1) for each in lines if ": " in each)
