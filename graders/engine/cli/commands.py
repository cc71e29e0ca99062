"""The commands as Typer sees them: names, options, help; each hands over to its own module."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from graders.engine.cli import exit_codes
from graders.engine.cli.context import CommandContext, command_context
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.core.errors import UsageError
from graders.engine.core.results import IsolationLevel
from graders.engine.core.text import quote

EPILOG = f"""\b
Exit codes:
{exit_codes.table()}

\b
Grade a lesson:  python grade.py lesson02
Test the grader: python grade.py test
"""
FOLDER_HELP = (
    "The folder of the submission, or a .zip, .tar or .tar.gz of it. "
    "[default: this folder, else the assignment's]"
)

app = typer.Typer(
    name="grade.py",
    help="Grade a ChatKit server against the rubric of a lesson.",
    epilog=EPILOG,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
lessons = typer.Typer(help="For authors of lessons.", rich_markup_mode=None)
app.add_typer(lessons, name="lesson")

Folder = Annotated[Path | None, typer.Argument(help=FOLDER_HELP, show_default=False)]
Seed = Annotated[
    int | None,
    typer.Option(min=0, help="Repeat with the same test data as the run that showed this seed."),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Show more, also the grader's own errors.")
]
Require = Annotated[
    IsolationLevel | None,
    typer.Option(
        help="Grade only if servers are isolated so well. [default: strong in CI, else practice]",
        show_default=False,
    ),
]


@app.command("grade")
def grade_command(  # noqa: PLR0917 - Typer reads the options from here
    context: typer.Context,
    lesson: Annotated[str, typer.Argument(help="The lesson, such as lesson02.")],
    submission: Folder = None,
    seed: Seed = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="CRITERION", help="Only this one and what it needs; repeatable."),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the result as JSON; - for here."),
    ] = None,
    require: Require = None,
    verbose: Verbose = False,
) -> ExitCode:
    """Grade a submission; the word `grade` may be left out."""
    from graders.engine.cli.grading import request_for, run_grade  # noqa: PLC0415 - heavy

    here = command_context(context)
    request = request_for(here, lesson, submission, seed=seed, only=only or (), require=require)
    return run_grade(here, request, json_file=json_file, verbose=verbose)


@app.command("list")
def list_command(context: typer.Context) -> ExitCode:
    """List the lessons."""
    here = command_context(context)
    known = here.catalogue.lessons()
    width = max((len(lesson.id) for lesson in known), default=0)
    for lesson in known:
        typer.echo(f"{lesson.id:<{width}}  {lesson.title}", file=here.out)
    return ExitCode.FULL_MARKS


@app.command("replay")
def replay_command(
    context: typer.Context,
    conversation: Annotated[Path, typer.Argument(help="A conversation script, a .yaml file.")],
    submission: Folder = None,
    seed: Seed = None,
    verbose: Verbose = False,
) -> ExitCode:
    """Play one conversation on a submission and print what happens."""
    from graders.engine.cli.replaying import run_replay  # noqa: PLC0415 - heavy

    del verbose  # read by main(), which shows what went wrong
    return run_replay(command_context(context), conversation, submission, seed)


@app.command("quiz")
def quiz_command(
    context: typer.Context,
    lesson: Annotated[str, typer.Argument(help="The lesson, such as lesson01.")],
    submission: Folder = None,
    again: Annotated[
        bool, typer.Option("--again", help="Ask again what is answered and not right.")
    ] = False,
) -> ExitCode:
    """Ask the questions of a lesson's quiz and keep the answers in quiz.yaml."""
    from graders.engine.cli.quizzing import run_quiz  # noqa: PLC0415 - heavy

    return run_quiz(command_context(context), lesson, submission, again=again)


@lessons.command("check")
def check_command(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[LESSON]...", help="All lessons if left out.")
    ] = None,
    seed: Seed = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "-j", "--jobs", min=1, help="How many to grade at once. [default: one for each core]"
        ),
    ] = None,
    verbose: Verbose = False,
) -> ExitCode:
    """Grade the graders: stub, solutions and mutants against every criterion."""
    from graders.engine.cli.checking import run_check  # noqa: PLC0415 - heavy

    at_once = jobs or os.cpu_count() or 1
    return run_check(command_context(context), names or (), seed, jobs=at_once, verbose=verbose)


@lessons.command("mutant")
def mutant_command(  # noqa: PLR0917 - Typer reads the options from here
    context: typer.Context,
    lesson: Annotated[str, typer.Argument(help="The lesson, such as lesson02.")],
    name: Annotated[str, typer.Argument(help="The mutant's name, such as last-delta-lost.")],
    base: Annotated[
        str, typer.Option("--from", metavar="SOLUTION", help="The solution that is changed.")
    ] = "solution",
    why: Annotated[
        str | None, typer.Option(help="What the mutant does wrong; asked for if left out.")
    ] = None,
    loses: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CRITERION", help="What it must lose; repeatable; asked for if left out."
        ),
    ] = None,
    seed: Seed = None,
    verbose: Verbose = False,
) -> ExitCode:
    """Make a mutant: change a copy of a solution in an editor, and grade it."""
    from graders.engine.cli.mutating import MutantOrder, run_mutant  # noqa: PLC0415 - heavy

    order = MutantOrder(lesson, name, base, why, tuple(loses or ()), seed, verbose)
    return run_mutant(command_context(context), order)


@lessons.command("quiz")
def sheet_command(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[LESSON]...", help="All quizzes if left out.")
    ] = None,
) -> ExitCode:
    """Make the students' sheet of questions from the question bank."""
    from graders.engine.cli.quizzing import run_sheets  # noqa: PLC0415 - heavy

    return run_sheets(command_context(context), names or ())


COMMAND = typer.main.get_command(app)
NAMES = ("grade", "list", "replay", "quiz", "lesson")


def with_command(words: Sequence[str], context: CommandContext) -> list[str]:
    """Return the command line with `grade` put in front if it begins with a lesson."""
    if not words:
        return ["--help"]
    first = words[0]
    if first.startswith("-") or first in NAMES:
        return list(words)
    known = context.catalogue.ids()
    if first in known:
        return ["grade", *words]
    from graders.engine.content.fields import did_you_mean  # noqa: PLC0415 - only to complain

    raise UsageError(
        f"There is no lesson or command `{quote(first)}`.",
        cure=did_you_mean(first, [*known, *NAMES[1:], "test"]),
    )
