"""``grade.py LESSON``: grade a submission, show the page, write the JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.progress import watched
from graders.engine.content.canaries import new_seed
from graders.engine.core.results import IsolationLevel, Result
from graders.engine.grading.folder import grade_folder
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.required import required_level
from graders.engine.reports import json_report, terminal
from graders.engine.reports.files import write_whole
from graders.engine.reports.glyphs import glyphs_for

SIGNS_OF_A_SUBMISSION = ("server.py", "submission.yaml", "submission.yml")
STANDARD_OUTPUT = Path("-")


def request_for(
    context: CommandContext,
    lesson_id: str,
    submission: Path | None,
    *,
    seed: int | None,
    only: Iterable[str],
    require: IsolationLevel | None,
) -> GradingRequest:
    """Return what the command line asked for; what it left out is filled in."""
    lesson = context.catalogue.lesson(lesson_id)
    return GradingRequest(
        lesson=lesson,
        submission=submission or default_folder(lesson.assignment_dir),
        seed=new_seed() if seed is None else seed,
        only=tuple(only),
        require=required_level(require, context.environment),
    )


def run_grade(
    context: CommandContext, request: GradingRequest, *, json_file: Path | None, verbose: bool
) -> ExitCode:
    """Grade, show, and say by the exit code how it went."""
    with context.servers() as open_factory, watched(context.stderr()) as progress:
        result = grade_folder(request, open_factory, on_event=progress)
    show(context, result, title=request.lesson.title, json_file=json_file)
    if verbose:
        show_logs(context.stderr(), result, progress.logs)
    return code_for(result)


def default_folder(assignment: Path) -> Path:
    """Return the current folder if it looks like a submission, else the assignment's."""
    here = Path.cwd()
    return here if any((here / name).exists() for name in SIGNS_OF_A_SUBMISSION) else assignment


def show(context: CommandContext, result: Result, *, title: str, json_file: Path | None) -> None:
    """Write the JSON where it is wanted, and the page unless JSON takes its place."""
    if json_file == STANDARD_OUTPUT:
        context.out.write(json_report.render(result))
        return
    page = context.stdout()
    print_page(page, terminal.render(result, glyphs_for(page), title=title))
    if json_file is not None:
        write_whole(json_file, json_report.render(result))


def show_logs(stderr: Console, result: Result, logs: Sequence[str]) -> None:
    """Show what ``--verbose`` adds: isolation, time, and our own errors."""
    isolation = result.isolation
    stderr.print(Text(f"Isolation: {isolation.level} ({', '.join(isolation.layers) or 'none'})"))
    for sentence in isolation.missing:
        stderr.print(Text(f"  missing: {sentence}"))
    stderr.print(Text(f"Graded in {result.duration_ms / 1000:.1f} s"))
    for log in logs:
        stderr.print(Text(f"\n{log}"), soft_wrap=True)


def code_for(result: Result) -> ExitCode:
    """Return the exit code that a result stands for."""
    if result.grader_failed:
        return ExitCode.GRADER_BROKE
    return ExitCode.FULL_MARKS if result.full_marks else ExitCode.NOT_FULL_MARKS
