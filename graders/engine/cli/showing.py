"""``grade.py show``: a result that was written as JSON, as a page or in other formats.

Must not grade: what it prints is what the file says, whoever wrote it.
"""

from __future__ import annotations

from pathlib import Path

from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.reporting import (
    read_result,
    require_all_writable,
    takes_the_page,
    wanted_reports,
    write_reports,
)
from graders.engine.reports import terminal
from graders.engine.reports.audience import Audience, seen_by
from graders.engine.reports.glyphs import glyphs_for


def run_show(
    context: CommandContext,
    file: Path,
    reports: tuple[str, ...],
    audience: Audience,
    *,
    verbose: bool,
) -> ExitCode:
    """Write the reports that are wanted; without any, print the page."""
    wanted = wanted_reports(reports)
    require_all_writable(wanted)
    result = read_result(file)
    if not wanted or (verbose and not takes_the_page(wanted)):
        console = context.stdout()
        shown = seen_by(audience, result)
        detail = terminal.Detail(everything=verbose)
        print_page(console, terminal.render(shown, glyphs_for(console), detail=detail))
    write_reports(context, result, wanted, audience)
    return ExitCode.FULL_MARKS
