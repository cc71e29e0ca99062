"""``grade.py lesson new``: make a small, complete lesson, and say how to go on.

What is written and where is in ``authoring.new_lesson``. Must not grade anything.
"""

from __future__ import annotations

from collections.abc import Collection

from graders.engine.authoring.new_lesson import checked_id, checked_title, make_lesson
from graders.engine.cli.context import CommandContext
from graders.engine.cli.exit_codes import ExitCode


def run_new(context: CommandContext, name: str, title: str, taken: Collection[str]) -> ExitCode:
    """Make the lesson; ``taken`` are the names that commands have."""
    lesson_id = checked_id(name, context.lessons_as_written, taken)
    places = make_lesson(context.root, lesson_id, checked_title(title))
    lines = [
        f"{lesson_id} is there, complete and small: two criteria, two solutions, two mutants.",
        *(f"  {place.relative_to(context.root).as_posix()}" for place in sorted(places)),
        f"Check it:  python grade.py lesson check {lesson_id}",
        "Then graders/AUTHORING.md says how to make it yours.",
    ]
    print("\n".join(lines), file=context.out)
    return ExitCode.FULL_MARKS
