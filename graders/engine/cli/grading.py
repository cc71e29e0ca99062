"""``grade.py LESSON``: grade a submission, show the page, write the JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.folders import default_folder, require_something
from graders.engine.cli.pictures import write_pictures
from graders.engine.cli.progress import watched
from graders.engine.cli.reporting import (
    WantedReport,
    require_all_writable,
    takes_the_page,
    tell_github,
    wanted_reports,
    write_reports,
)
from graders.engine.content.canaries import new_seed
from graders.engine.content.catalogue import Lesson
from graders.engine.content.fields import did_you_mean
from graders.engine.content.models import Database, ids_meant
from graders.engine.core.errors import UsageError
from graders.engine.core.results import IsolationLevel, Result
from graders.engine.core.text import quote
from graders.engine.grading.folder import grade_folder
from graders.engine.grading.optional_parts import hands_in_front_end
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.required import required_level
from graders.engine.reports import terminal
from graders.engine.reports.audience import Audience, seen_by
from graders.engine.reports.glyphs import glyphs_for
from graders.engine.web.packages import PackagesMissingError, web_packages


@dataclass(frozen=True)
class Showing:
    """Where the result goes, and how much of it is shown.

    ``reports`` are as the command line has them, `FORMAT` or `FORMAT=FILE`.
    """

    reports: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    verbose: bool = False
    audience: Audience = Audience.STUDENT
    github: bool = False

    @property
    def detail(self) -> terminal.Detail:
        """What is told in full on the page."""
        return terminal.Detail(show=self.show, everything=self.verbose)


def request_for(
    context: CommandContext,
    lesson_name: str,
    submission: Path | None,
    *,
    seed: int | None,
    only: Iterable[str],
    require: IsolationLevel | None,
    database: Database | None = None,
) -> GradingRequest:
    """Return what the command line asked for; what it left out is filled in."""
    lesson, folder = context.catalogue.named(lesson_name)
    lesson = lesson.on(database)
    request = GradingRequest(
        lesson=lesson,
        submission=submission or folder or default_folder(context, lesson),
        seed=new_seed() if seed is None else seed,
        only=tuple(only),
        require=required_level(require, context.environment),
    )
    require_known(lesson, request.only, or_begins=True)
    require_something(request.submission)
    return request


def require_known(lesson: Lesson, criteria: Iterable[str], *, or_begins: bool = False) -> None:
    """Raise a UsageError if one of ``criteria`` is none of the lesson's.

    With ``or_begins``, the word with which several begin is good as well.
    """
    known = lesson.rubric.visible_ids
    for name in criteria:
        meant = ids_meant(name, lesson.rubric.ids)
        if not (meant if or_begins else name in meant):
            raise UsageError(
                f"There is no criterion `{quote(name)}` in {lesson.id}.",
                cure=f"{did_you_mean(name, known)} `python grade.py list {lesson.id}` lists all.",
            )


def require_no_reports(reports: Sequence[str]) -> None:
    """Raise a UsageError if there are reports beside ``--watch``, which grades without end."""
    if reports:
        raise UsageError(
            "--watch writes no reports.", cure="Leave --watch away when you want a report."
        )


def run_grade(context: CommandContext, request: GradingRequest, output: Showing) -> ExitCode:
    """Grade, show, and say by the exit code how it went.

    What is wrong with the command line is told before anything is started.
    """
    require_known(request.lesson, output.show)
    wanted = _wanted(output)
    if request.lesson.info.draft:
        draft = f"{request.lesson.id} is a draft: its verdicts may still be wrong."
        context.stderr().print(Text(draft))
    if request.lesson.info.web or _may_run_web_code(request):
        _install_web_packages(context.stderr())
    lesson = request.lesson
    with (
        context.servers_for(lesson) as open_factory,
        watched(context.stderr(), output.audience, server=lesson.info.server) as progress,
    ):
        result = grade_folder(request, open_factory, on_event=progress)
    show(context, result, wanted, title=request.lesson.title, output=output)
    if output.verbose:
        show_logs(context.stderr(), result, progress.logs)
    return code_for(result)


def show(
    context: CommandContext,
    result: Result,
    wanted: Sequence[WantedReport],
    *,
    title: str,
    output: Showing,
) -> None:
    """Write the reports, print the page unless one of them takes its place, and tell GitHub."""
    if not takes_the_page(wanted):
        console = context.stdout()
        shown = seen_by(output.audience, result)
        page = terminal.render(shown, glyphs_for(console), title=title, detail=output.detail)
        print_page(console, page)
        _show_pictures(console, shown, output)
    write_reports(context, result, wanted, output.audience)
    if output.github:
        tell_github(context, result)


def _may_run_web_code(request: GradingRequest) -> bool:
    """Return whether a front end is taken and there; what is in an archive is seen later."""
    takes_one = any(each.optional is not None for each in request.lesson.rubric.criteria)
    return takes_one and request.submission.is_dir() and hands_in_front_end(request.submission)


def _install_web_packages(stderr: Console) -> None:
    """Install them with a word about it, if they are not there; why not, the result says."""
    with suppress(PackagesMissingError):
        web_packages(lambda text: stderr.print(Text(text)))


def _show_pictures(console: Console, shown: Result, output: Showing) -> None:
    """Write the pictures of what is told in full to files, and say where they are."""
    ids = {row.id for row in shown.criteria if output.verbose or row.id in output.show}
    written = write_pictures(shown, ids)
    if written:
        console.print(Text("\nPictures of the page", style="bold"))
    for of, path in written:
        console.print(Text(f" - {of}\n   {path}"), soft_wrap=True)


def _wanted(output: Showing) -> tuple[WantedReport, ...]:
    wanted = wanted_reports(output.reports)
    require_all_writable(wanted)
    return wanted


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
