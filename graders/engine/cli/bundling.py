"""``grade.py bundle``: write a copy for students, or a grader for a classroom.

Must not choose what is in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from graders.engine.bundles import kinds
from graders.engine.bundles.files import Files, write_folder, write_zip
from graders.engine.cli.context import CommandContext
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.core.errors import UsageError
from graders.engine.core.results import IsolationLevel

_NEXT = {
    "student": "commit it as a template repository",
    "classroom50": "upload it as CLASSROOM/autograders/ASSIGNMENT of your classroom50 repository",
    "gradescope": "upload it as the autograder of a programming assignment",
    "prairielearn": "copy it into your course's folder, and build the image of its Dockerfile",
}


def run_bundle(
    context: CommandContext,
    names: Sequence[str],
    wanted: Mapping[str, Path | None],
    require: IsolationLevel,
) -> ExitCode:
    """Write one bundle; ``wanted`` has the place of each kind, of which one is named."""
    places = {kind: place for kind, place in wanted.items() if place is not None}
    if len(places) != 1:
        options = ", ".join(f"--{kind}" for kind in wanted)
        raise UsageError(
            f"Give just one of {options}; you gave {len(places) or 'none'}.",
            cure="`python grade.py bundle lesson06 --student OUT`.",
        )
    ((kind, place),) = places.items()
    files = _files(context, kind, names, require)
    (write_zip if kind == "gradescope" else write_folder)(files, place)
    print(f"{len(files)} files written to {place}: {_NEXT[kind]}.", file=context.out)
    return ExitCode.FULL_MARKS


def _files(
    context: CommandContext, kind: str, names: Sequence[str], require: IsolationLevel
) -> Files:
    found = {lesson.id: lesson for lesson in map(context.catalogue.lesson, names)}
    lessons = [found[name] for name in sorted(found)]
    if kind == "student":
        return kinds.student(context.root, lessons)
    make = {
        "classroom50": kinds.classroom50,
        "gradescope": kinds.gradescope,
        "prairielearn": kinds.prairielearn,
    }
    return make[kind](context.root, lessons, require)
