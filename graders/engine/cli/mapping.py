"""``grade.py lesson coverage``: make the page that maps the course's requirements to their checks.

What is looked up and written is in ``authoring.coverage``. Must not grade anything.
"""

from __future__ import annotations

from graders.engine.authoring.coverage import PAGE, load_map, render_map
from graders.engine.cli.context import CommandContext
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.reports.files import write_whole


def run_coverage(context: CommandContext) -> ExitCode:
    """Write the page, and list what nobody checks; the exit code says whether there is any."""
    course = load_map(context.lessons_as_written)
    write_whole(context.root / PAGE, render_map(course))
    for hole in course.holes:
        print(f"missing: {hole}", file=context.out)
    count = sum(map(len, course.parts.values()))
    print(f"{count} requirements, {len(course.holes)} missing: {PAGE.as_posix()}", file=context.out)
    return ExitCode.CONTENT if course.holes else ExitCode.FULL_MARKS
