"""Which folder a command works on: what was named, else the current one, else the assignment's.

A folder outside of the course is never replaced by another one. Must not decide what is wrong with
a submission.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from pathlib import Path

from graders.engine.cli.context import CommandContext
from graders.engine.content.catalogue import Lesson
from graders.engine.core.errors import UsageError
from graders.engine.submissions.submission import (
    SETTINGS_NAMES,
    SubmissionProblem,
    find_submission,
)


def default_folder(context: CommandContext, lesson: Lesson) -> Path:
    """Return the folder to work on where none was named.

    The current folder if it looks like a submission; the assignment's if the current folder is
    another one of the course. Anywhere else a UsageError says how to name one.
    """
    here, course = Path.cwd(), context.root.resolve()
    if _is_of_another_lesson(here, lesson):
        raise UsageError(
            f"This folder is the assignment of {here.name}, and you asked for {lesson.id}: {here}",
            cure=f"`python grade.py {here.name}`, or name it: `python grade.py {lesson.id} .`",
        )
    if _looks_handed_in(here, lesson):
        return here
    if here.is_relative_to(course):
        return lesson.assignment_dir
    raise UsageError(
        f"You named no submission, and the current folder does not look like one: {here}",
        cure=f"{_what_is_here(here, lesson)} The assignment's own folder is "
        f"{lesson.assignment_dir}.",
    )


def require_something(submission: Path) -> None:
    """Raise a UsageError if there is nothing at ``submission``; what is there is judged later."""
    if submission.is_file():
        return
    with suppress(SubmissionProblem):
        find_submission(submission)


def _is_of_another_lesson(here: Path, lesson: Lesson) -> bool:
    assignments = lesson.assignment_dir.resolve().parent
    return here.parent == assignments and here.name != lesson.id


def _looks_handed_in(here: Path, lesson: Lesson) -> bool:
    """Return whether a file is here that every submission of the lesson has."""
    own = [] if lesson.info.server else lesson.given_files
    return any((here / name).exists() for name in ("server.py", *SETTINGS_NAMES, *own))


def _what_is_here(here: Path, lesson: Lesson) -> str:
    """Return the command that fits what is here, as far as that can be told."""
    if not lesson.info.server:
        files = " or ".join(f"`{name}`" for name in lesson.given_files[:3])
        return f"name the folder that holds {files}: `python grade.py {lesson.id} FOLDER`."
    with suppress(OSError):
        for name in ("main.py", "app.py"):
            if (here / name).is_file():
                return (
                    f"if `{name}` is your server, write `app: {name[:-3]}:app` into a file "
                    f"`submission.yaml` beside it, or name the folder that holds your `server.py`: "
                    f"`python grade.py {lesson.id} FOLDER`."
                )
        if servers := sorted(path.parent.name for path in here.glob("*/server.py")):
            others = f" There are {len(servers)} such folders." if len(servers) > 1 else ""
            return (
                f"`{servers[0]}` holds a `server.py`: `python grade.py {lesson.id} "
                f"{shlex.quote(servers[0])}`.{others}"
            )
    return f"name the folder that holds your `server.py`: `python grade.py {lesson.id} FOLDER`."
