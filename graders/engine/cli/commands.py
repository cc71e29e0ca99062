"""The commands as Typer sees them: names, options, help; each hands over to its own module."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graders.engine.cli import exit_codes
from graders.engine.cli.context import CommandContext, command_context
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.plain_help import PlainCommand
from graders.engine.cli.shells import Shell
from graders.engine.content.models import Database
from graders.engine.core.errors import UsageError
from graders.engine.core.results import IsolationLevel
from graders.engine.core.text import quote
from graders.engine.core.version import VERSION
from graders.engine.reports.audience import Audience

if TYPE_CHECKING:
    from graders.engine.content.catalogue import Catalogue

EPILOG = f"""\b
Grade:    python grade.py lesson02 FOLDER
Explain:  python grade.py explain event-order
Try out:  python grade.py serve lesson02 FOLDER
Help:     python grade.py lesson02 --help

\b
Exit codes:
{exit_codes.table()}
"""
FOLDER_HELP = (
    "Your server: its folder, or a .zip, .tar or .tar.gz of it. "
    "[default: the current folder if it holds a server, else the assignment's]"
)
LESSON_HELP = "The lesson: lesson02, or just 2."

app = typer.Typer(
    name="grade.py",
    help="Grade a ChatKit server against the rubric of a lesson.",
    epilog=EPILOG,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
lessons = typer.Typer(
    help="Commands for authors of lessons.",
    short_help="For authors of lessons.",
    rich_markup_mode=None,
)
app.add_typer(lessons, name="lesson")
exports = typer.Typer(
    help="Put the scores of many results into a gradebook.",
    short_help="Scores into a gradebook.",
    rich_markup_mode=None,
)
app.add_typer(exports, name="export")
chapter_quiz = typer.Typer(
    help="The quiz over all lessons: make it, answer it, grade it.",
    short_help="The quiz over all lessons.",
    rich_markup_mode=None,
)
app.add_typer(chapter_quiz, name="chapter-quiz")


def at_least(least: int) -> Callable[[int | None], int | None]:
    """Return a check that an option's number is not below ``least``."""

    def check(number: int | None) -> int | None:
        if number is not None and number < least:
            raise typer.BadParameter(f"{number} is less than {least}.")
        return number

    return check


Lesson = Annotated[str, typer.Argument(help=LESSON_HELP, metavar="LESSON")]
Folder = Annotated[
    Path | None, typer.Argument(help=FOLDER_HELP, metavar="FOLDER", show_default=False)
]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        callback=at_least(0),
        help="Repeat the test data of the run that showed this number.",
    ),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Show more, and the traceback if the grader breaks.")
]
Report = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FORMAT[=FILE]",
        help="Write a report: json, junit, markdown, html, csv, gradescope, prairielearn, "
        "classroom50 or github-classroom; with `-` as FILE in the place of the page. "
        "Can be given several times.",
    ),
]
ForWhom = Annotated[
    Audience,
    typer.Option(
        metavar="WHO",
        help="For whom: student, after_due_date or after_published (students, from then on), or "
        "instructor, who reads everything. [default: student]",
        show_default=False,
    ),
]
CourseOption = Annotated[
    Path | None,
    typer.Option(
        "--course",
        metavar="FILE",
        help="The class: a course.yaml. [default: course.yaml beside grade.py, if there is one]",
        show_default=False,
    ),
]
Gradebook = Annotated[
    Path, typer.Option(metavar="FILE", help="The file that you exported, as it is.")
]
Results = Annotated[
    Path,
    typer.Option(metavar="FOLDER", help="The results: one JSON file for each student."),
]
Practice = Annotated[
    bool, typer.Option("--practice", help="Take scores of practice runs, which do not count, too.")
]
Filled = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The file to write. [default: standard output]",
        show_default=False,
    ),
]
TlsFile = typer.Option(metavar="FILE", help="For an encrypted connection: a PEM file.")
TlsCa = Annotated[str | None, TlsFile]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="The memory of one Dask worker, without the servers that it grades: 2GB. "
        "[default: its share of the machine]",
        show_default=False,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "-j",
        "--jobs",
        metavar="N",
        callback=at_least(1),
        help="How many to grade at once. [default: one for each core]",
        show_default=False,
    ),
]
Require = Annotated[
    IsolationLevel | None,
    typer.Option(
        metavar="LEVEL",
        help="Grade only if the server can be isolated so well: full, strong or practice. "
        "[default: strong in CI, else practice]",
        show_default=False,
    ),
]

DatabaseOption = Annotated[
    Database | None,
    typer.Option(
        metavar="NAME",
        help="What the servers store in, where a lesson knows both: sqlite or postgresql. "
        "[default: as the class has it, else sqlite]",
        show_default=False,
    ),
]


def show_version(wanted: bool) -> None:
    """Print the version and end, if it is asked for."""
    if wanted:
        typer.echo(f"grade.py {VERSION}")
        raise typer.Exit


@app.callback()
def options_of_all(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Grade a ChatKit server against the rubric of a lesson."""


@app.command(
    "grade", cls=PlainCommand, short_help="Grade a server; the word `grade` may be left out."
)
def grade_command(  # noqa: PLR0917 - Typer reads the options from here
    context: typer.Context,
    lesson: Lesson,
    submission: Folder = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CRITERION",
            help="Try only this criterion, or all whose ids begin with this word, and what they "
            "need. Can be given several times.",
        ),
    ] = None,
    show: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CRITERION",
            help="Show all details of this criterion. Can be given several times.",
        ),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            help="Show all details of all criteria, and the traceback if the grader breaks.",
        ),
    ] = False,
    seed: Seed = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="FILE",
            help="Write the result as JSON to this file; `-` is standard output.",
        ),
    ] = None,
    report: Report = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Grade again when you save a file, what failed first."),
    ] = False,
    audience: ForWhom = Audience.STUDENT,
    github: Annotated[
        bool | None,
        typer.Option(
            "--github/--no-github",
            help="Tell GitHub Actions: summary, annotations, outputs. [default: yes, where it is]",
            show_default=False,
        ),
    ] = None,
    require: Require = None,
    database: DatabaseOption = None,
    course: CourseOption = None,
) -> ExitCode:
    """Grade a server: say for each criterion what is required, what was seen, and what to try."""
    from graders.engine.cli.grading import (  # noqa: PLC0415 - heavy
        Showing,
        request_for,
        require_no_reports,
        run_grade,
    )

    here = command_context(context, course)
    request = request_for(
        here,
        lesson,
        submission,
        seed=seed,
        only=only or (),
        require=require,
        database=database,
    )
    reports = (*(report or ()), *([f"json={json_file}"] if json_file else []))
    tell = here.environment.get("GITHUB_ACTIONS") == "true" if github is None else github
    output = Showing(reports, tuple(show or ()), verbose, audience, tell)
    if watch:
        from graders.engine.cli.watching import run_watch  # noqa: PLC0415 - only here

        require_no_reports(reports)
        return run_watch(here, request, output.detail)
    return run_grade(here, request, output)


@app.command("show", cls=PlainCommand, short_help="Show a result again, in any format.")
def show_command(
    context: typer.Context,
    result: Annotated[
        Path,
        typer.Argument(help="A file that `--report json` has written.", metavar="FILE"),
    ],
    report: Report = None,
    audience: ForWhom = Audience.STUDENT,
    verbose: Verbose = False,
) -> ExitCode:
    """Show a result that was written as JSON, as a page or in other formats; grade nothing."""
    from graders.engine.cli.showing import run_show  # noqa: PLC0415 - heavy

    here = command_context(context)
    return run_show(here, result, tuple(report or ()), audience, verbose=verbose)


@exports.command("canvas", cls=PlainCommand, short_help="Fill in a gradebook that Canvas exported.")
def export_canvas_command(  # noqa: PLR0917 - Typer reads the options from here
    context: typer.Context,
    gradebook: Gradebook,
    results: Results,
    column: Annotated[
        str, typer.Option(metavar="TITLE", help="The column's title, as it stands in the export.")
    ],
    out: Filled = None,
    practice: Practice = False,
) -> ExitCode:
    """Fill the scores into the gradebook that you exported from Canvas, for import there.

    A result's file has the student's name in Canvas: ID, SIS User ID or SIS Login ID.
    """
    from graders.engine.cli.exporting import export_canvas  # noqa: PLC0415 - heavy

    here = command_context(context)
    return export_canvas(here, gradebook, results, column, out, practice=practice)


@exports.command("moodle", cls=PlainCommand, short_help="Fill in a worksheet that Moodle exported.")
def export_moodle_command(
    context: typer.Context,
    gradebook: Gradebook,
    results: Results,
    out: Filled = None,
    practice: Practice = False,
) -> ExitCode:
    """Fill the scores into the offline grading worksheet of a Moodle assignment.

    A result's file has the student's name in Moodle: the participant's number or e-mail address.
    """
    from graders.engine.cli.exporting import export_moodle  # noqa: PLC0415 - heavy

    here = command_context(context)
    return export_moodle(here, gradebook, results, out, practice=practice)


@exports.command("csv", cls=PlainCommand, short_help="Write a table with a column per criterion.")
def export_csv_command(
    context: typer.Context,
    results: Results,
    out: Filled = None,
) -> ExitCode:
    """Write one line for each result, with a column for each criterion of the lesson."""
    from graders.engine.cli.exporting import export_csv  # noqa: PLC0415 - heavy

    return export_csv(command_context(context), results, out)


@app.command("list", cls=PlainCommand, short_help="List the lessons, or the criteria of one.")
def list_command(
    context: typer.Context,
    lesson: Annotated[
        str | None, typer.Argument(help=LESSON_HELP, metavar="LESSON", show_default=False)
    ] = None,
    course: CourseOption = None,
) -> ExitCode:
    """List the lessons; with a lesson, its criteria with their points and ids."""
    from graders.engine.cli.listing import list_criteria, list_lessons  # noqa: PLC0415 - rich

    here = command_context(context, course)
    if lesson is None:
        list_lessons(here)
    else:
        list_criteria(here, lesson)
    return ExitCode.FULL_MARKS


@app.command("explain", cls=PlainCommand, short_help="Explain a criterion: what it asks, and why.")
def explain_command(
    context: typer.Context,
    criterion: Annotated[
        str, typer.Argument(help="The criterion's id: see `grade.py list`.", metavar="CRITERION")
    ],
    lesson: Annotated[
        str | None,
        typer.Argument(
            help="Its lesson, where several have a criterion of this name.",
            metavar="LESSON",
            show_default=False,
        ),
    ] = None,
    course: CourseOption = None,
) -> ExitCode:
    """Explain a criterion: what it requires, why that matters, and where the README says so."""
    from graders.engine.cli.explaining import run_explain  # noqa: PLC0415 - rich

    return run_explain(command_context(context, course), criterion, lesson)


@app.command("course", cls=PlainCommand, short_help="Check course.yaml, and show what it says.")
def course_command(context: typer.Context, course: CourseOption = None) -> ExitCode:
    """Check the course.yaml of a class, and show what it makes of the lessons."""
    from graders.engine.cli.class_page import show_course  # noqa: PLC0415 - rich

    return show_course(command_context(context, course))


@app.command("env", cls=PlainCommand, short_help="Show what a server may import, or add to it.")
def env_command(
    context: typer.Context,
    action: Annotated[
        str | None,
        typer.Argument(
            help="`add` adds packages for a class, `lock` locks those of course.yaml anew.",
            metavar="ACTION",
            show_default=False,
        ),
    ] = None,
    packages: Annotated[
        list[str] | None,
        typer.Argument(help="Packages, each with a version if needed.", metavar="PACKAGE..."),
    ] = None,
    course: CourseOption = None,
) -> ExitCode:
    """Show which packages a student's server may import, or add some for a class.

    What is added is written into course.yaml, and with its hashes into course.lock.
    """
    here = command_context(context, course)
    if action is None:
        from graders.engine.cli.env_page import show_environment  # noqa: PLC0415 - rich

        return show_environment(here)
    from graders.engine.cli.env_changing import change_packages  # noqa: PLC0415 - only here

    return change_packages(here, action, packages or ())


@app.command("replay", cls=PlainCommand, short_help="Play one sample conversation and show it.")
def replay_command(
    context: typer.Context,
    conversation: Annotated[
        Path,
        typer.Argument(help="A conversation, a .yaml file of the assignment.", metavar="FILE"),
    ],
    submission: Folder = None,
    seed: Seed = None,
    verbose: Verbose = False,
) -> ExitCode:
    """Play one conversation on a server and show what happens."""
    from graders.engine.cli.replaying import run_replay  # noqa: PLC0415 - heavy

    del verbose  # read by main(), which shows what went wrong
    return run_replay(command_context(context), conversation, submission, seed)


@app.command("quiz", cls=PlainCommand, short_help="Answer the quiz of a lesson.")
def quiz_command(
    context: typer.Context,
    lesson: Annotated[
        str, typer.Argument(help="The lesson: lesson01, or just 1.", metavar="LESSON")
    ],
    submission: Annotated[
        Path | None,
        typer.Argument(
            help="The folder with your quiz.yaml. [default: the current folder if it holds a "
            "server or a quiz, else the assignment's]",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Ask again what was answered wrongly.")
    ] = False,
) -> ExitCode:
    """Ask the questions of a lesson's quiz, and keep the answers in quiz.yaml."""
    from graders.engine.cli.quizzing import run_quiz  # noqa: PLC0415 - heavy

    return run_quiz(command_context(context), lesson, submission, again=again)


ExamSeed = Annotated[
    int,
    typer.Option(
        metavar="N",
        callback=at_least(0),
        help="The number of this exam; with the id of a student, it decides the student's quiz.",
    ),
]
ExamRoster = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The class, a CSV file as for `bulk`: each student has another quiz. "
        "[default: one quiz, for nobody in particular]",
        show_default=False,
    ),
]


@chapter_quiz.command("new", cls=PlainCommand, short_help="Make the quiz of each student.")
def new_chapter_quiz_command(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder to make.", metavar="FOLDER")],
    seed: ExamSeed,
    roster: ExamRoster = None,
) -> ExitCode:
    """Draw 50 questions over all lessons from the bank, for each student others.

    What is written holds no answer of any kind: hand each student the folder of the same name.
    """
    from graders.engine.cli.chapter_quizzing import run_new  # noqa: PLC0415 - rich

    return run_new(command_context(context), folder, seed, roster)


@chapter_quiz.command("answer", cls=PlainCommand, short_help="Answer your quiz.")
def answer_chapter_quiz_command(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(
            help="The folder that you got. [default: the current one]",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = Path(),
) -> ExitCode:
    """Ask the questions one by one, and keep the answers in quiz.yaml. Nothing is judged here."""
    from graders.engine.cli.chapter_quizzing import run_answer  # noqa: PLC0415 - rich

    return run_answer(command_context(context), folder)


@chapter_quiz.command("grade", cls=PlainCommand, short_help="Grade the answers that came back.")
def grade_chapter_quiz_command(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(
            help="What came back: with a roster, a folder or file for each student, else the one "
            "folder of a quiz.",
            metavar="FOLDER",
        ),
    ],
    seed: ExamSeed,
    roster: ExamRoster = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write a result for each student into this new folder: see `export` and `show`.",
            show_default=False,
        ),
    ] = None,
) -> ExitCode:
    """Grade the answers: how many are right in each lesson, and which sections to read again."""
    from graders.engine.cli.chapter_quizzing import run_grade  # noqa: PLC0415 - rich

    return run_grade(command_context(context), folder, seed, roster, out)


@app.command("serve", cls=PlainCommand, short_help="Run your server to try it out by hand.")
def serve_command(  # noqa: PLR0917 - Typer reads the options from here
    context: typer.Context,
    lesson: Lesson,
    submission: Annotated[
        Path | None,
        typer.Argument(
            help="The folder of your server. [default: the current folder if it holds a server, "
            "else the assignment's]",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option(metavar="N", help="The port to listen at.")] = 8000,
    host: Annotated[
        str, typer.Option(metavar="NAME", help="The address to listen at.")
    ] = "127.0.0.1",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Keep CHATKIT_DATA_DIR here. [default: a new folder, removed at the end]",
            show_default=False,
        ),
    ] = None,
    database: DatabaseOption = None,
) -> ExitCode:
    """Run your server with uvicorn and the lesson's variables; it starts again when you save.

    Without OPENAI_API_KEY the model is a scripted one, which repeats what you say. The server runs
    as you, without isolation: serve your own code only.
    """
    from graders.engine.cli.serving import ServeOptions, run_serve  # noqa: PLC0415 - heavy

    options = ServeOptions(host, port, data)
    return run_serve(command_context(context), lesson, submission, options, database)


@app.command("token", cls=PlainCommand, short_help="Print a token for a user, for curl.")
def token_command(
    context: typer.Context,
    user: Annotated[str, typer.Argument(help="The user's id: alice.", metavar="USER")],
    lesson: Annotated[
        str | None,
        typer.Option(
            metavar="LESSON", help="The lesson whose JWT_SECRET signs it, if several have one."
        ),
    ] = None,
    minutes: Annotated[
        int, typer.Option(metavar="N", help="How long it is good, in minutes.")
    ] = 60,
) -> ExitCode:
    """Print a token with which a user signs in at a server that `serve` runs.

    It is signed with JWT_SECRET if that is set, else with the lesson's.
    """
    from graders.engine.cli.serving import run_token  # noqa: PLC0415 - heavy

    return run_token(command_context(context), user, lesson, minutes=minutes)


@app.command("test", cls=PlainCommand, short_help="Run the project's own tests.")
def test_command() -> ExitCode:
    """Run the project's own tests; what follows goes to pytest."""
    # `grade.py` itself runs them, before anything of the engine is imported.
    raise UsageError(
        "The tests are run by `python grade.py test`.", cure="write `test` as the first word."
    )


@app.command("completion", cls=PlainCommand, short_help="Print a script for completion with Tab.")
def completion_command(
    context: typer.Context,
    shell: Annotated[
        Shell,
        typer.Argument(help="The shell that you type in: bash, zsh or fish.", metavar="SHELL"),
    ],
    words: Annotated[
        list[str] | None, typer.Argument(hidden=True, metavar="WORD...", help="What is typed.")
    ] = None,
) -> ExitCode:
    """Print a script that makes a command `grade` with completion; load it with `eval`."""
    from graders.engine.cli.completing import candidates, script  # noqa: PLC0415 - only here

    here = command_context(context)
    if words is None:
        here.out.write(script(shell, here.root / "grade.py"))
    else:
        here.out.writelines(f"{each}\n" for each in candidates(COMMAND, here.catalogue, words))
    return ExitCode.FULL_MARKS


@lessons.command("new", cls=PlainCommand, short_help="Make a small, complete lesson.")
def new_command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name, such as lesson09.", metavar="LESSON")],
    title: Annotated[
        str, typer.Argument(help='Its title, such as "Files and images".', metavar="TITLE")
    ],
) -> ExitCode:
    """Make a lesson that is small and complete, to be changed.

    It has two criteria, a stub, two solutions, two mutants, a conversation and tests.
    """
    from graders.engine.cli.lesson_making import run_new  # noqa: PLC0415 - only here

    return run_new(command_context(context), name, title, NAMES)


@lessons.command(
    "check", cls=PlainCommand, short_help="Grade stub, solutions and mutants of lessons."
)
def check_command(  # noqa: PLR0917 - Typer reads the options from here
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="LESSON...", help="All lessons if left out.")
    ] = None,
    seed: Seed = None,
    jobs: Jobs = None,
    verbose: Verbose = False,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole",
            help="Grade each mutant on all criteria, whatever part `graded_on` names. It takes "
            "several times as long: use it before a release, and after a change of a grader that "
            "others borrow.",
        ),
    ] = False,
    rows: Annotated[
        list[str] | None,
        typer.Option(
            "--row",
            metavar="NAME",
            help="Grade this one only: `stub`, a solution, a mutant, or a pattern such as "
            "`spec-*`. May be repeated.",
        ),
    ] = None,
) -> ExitCode:
    """Check that stub, solutions and mutants of a lesson get exactly the points they must.

    A mutant that names a part of the criteria (`graded_on`) is graded on that part only, and what
    it says of other criteria is compared with `--whole`.
    """
    from graders.engine.authoring.check import Choice  # noqa: PLC0415 - heavy
    from graders.engine.cli.checking import CheckOrder, run_check  # noqa: PLC0415 - heavy

    choice = Choice(tuple(rows or ()), whole)
    order = CheckOrder(names or (), seed, jobs or os.cpu_count() or 1, verbose, choice)
    return run_check(command_context(context), order)


@lessons.command("coverage", cls=PlainCommand, short_help="Map what the course asks to its checks.")
def coverage_command(context: typer.Context) -> ExitCode:
    """Make docs/coverage.md of docs/coverage.yaml, and list what nobody checks."""
    from graders.engine.cli.mapping import run_coverage  # noqa: PLC0415 - only here

    return run_coverage(command_context(context))


@lessons.command(
    "mutant", cls=PlainCommand, short_help="Make a mutant: a solution with one mistake."
)
def mutant_command(  # noqa: PLR0917 - Typer reads the options from here
    context: typer.Context,
    lesson: Lesson,
    name: Annotated[
        str, typer.Argument(help="The mutant's name, such as last-delta-lost.", metavar="NAME")
    ],
    base: Annotated[
        str, typer.Option("--from", metavar="SOLUTION", help="The solution that is changed.")
    ] = "solution",
    why: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What the mutant does wrong; asked for if left out."),
    ] = None,
    loses: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CRITERION",
            help="The criterion that it must lose. Can be given several times; "
            "asked for if left out.",
        ),
    ] = None,
    seed: Seed = None,
    verbose: Verbose = False,
) -> ExitCode:
    """Make a mutant: change a copy of a solution in an editor, and grade it."""
    from graders.engine.cli.mutating import MutantOrder, run_mutant  # noqa: PLC0415 - heavy

    order = MutantOrder(lesson, name, base, why, tuple(loses or ()), seed, verbose)
    return run_mutant(command_context(context), order)


@lessons.command(
    "scenarios", cls=PlainCommand, short_help="Show which scenario notices which broken server."
)
def scenarios_command(
    context: typer.Context,
    lesson: Lesson,
    specification: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="[default: `spec.yaml` of the solution]", show_default=False
        ),
    ] = None,
    seed: Seed = None,
) -> ExitCode:
    """Play all scenarios of a specification on all broken servers of a lesson."""
    from graders.engine.cli.scenarios import run_scenarios  # noqa: PLC0415 - heavy

    return run_scenarios(command_context(context), lesson, specification, seed)


@lessons.command("quiz", cls=PlainCommand, short_help="Make the students' sheet of a quiz.")
def sheet_command(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="LESSON...", help="All quizzes if left out.")
    ] = None,
) -> ExitCode:
    """Make the students' sheet of questions from the question bank."""
    from graders.engine.cli.quizzing import run_sheets  # noqa: PLC0415 - heavy

    return run_sheets(command_context(context), names or ())


@app.command("bulk", cls=PlainCommand, short_help="Grade the submissions of a whole class.")
def bulk_command(  # noqa: PLR0917 - Typer reads the options from here
    context: typer.Context,
    submissions: Annotated[
        Path,
        typer.Argument(
            help="A folder with a folder or an archive for each student, the download of Canvas, "
            "Moodle or Gradescope as it is, or a .csv or .txt list of paths and git URLs.",
            metavar="SUBMISSIONS",
        ),
    ],
    lesson: Annotated[str, typer.Option(metavar="LESSON", help=LESSON_HELP)],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the results go. A run that was interrupted goes on from what is there.",
            show_default=False,
        ),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The students of the class, a CSV file: an id, and other names; see docs/bulk.md.",
            show_default=False,
        ),
    ] = None,
    due: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"],
            help="Of git repositories, grade the last commit before this: 2026-11-30T23:59.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be graded, and grade nothing.")
    ] = False,
    jobs: Jobs = None,
    force: Annotated[
        bool, typer.Option("--force", help="Grade all again, also what has not changed.")
    ] = False,
    only_errors: Annotated[
        bool,
        typer.Option("--only-errors", help="Grade only what has no score yet: errors of ours."),
    ] = False,
    changed: Annotated[
        bool,
        typer.Option(
            "--changed", help="Grade only submissions that have changed, whatever else has."
        ),
    ] = False,
    seed: Seed = None,
    require: Annotated[
        IsolationLevel | None,
        typer.Option(
            metavar="LEVEL",
            help="Grade only if the servers can be isolated so well: full, strong or practice. "
            "[default: strong]",
            show_default=False,
        ),
    ] = None,
    audit: Annotated[
        int,
        typer.Option(
            metavar="N",
            callback=at_least(0),
            help="Grade N random submissions twice more, with other seeds and on cold "
            "interpreters, and tell what differs.",
            show_default=False,
        ),
    ] = 0,
    database: DatabaseOption = None,
    similarity: Annotated[
        bool,
        typer.Option(
            "--similarity",
            help="Write a page of pairs of submissions that share code, as a place to look.",
        ),
    ] = False,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Grade on a Dask cluster: the scheduler's address, or `local` for one here.",
            show_default=False,
        ),
    ] = None,
    memory_limit: MemoryLimit = None,
    tls_ca: TlsCa = None,
    tls_cert: TlsCa = None,
    tls_key: TlsCa = None,
    course: CourseOption = None,
    verbose: Verbose = False,
) -> ExitCode:
    """Grade many submissions, and write a result for each, a table and a page of the class.

    Known results are kept where neither the submission nor the grader has changed.
    """
    from graders.engine.bulk.cluster import Tls, memory_limit_of  # noqa: PLC0415 - only here
    from graders.engine.bulk.run import Again  # noqa: PLC0415 - heavy
    from graders.engine.cli.bulking import BulkOrder, run_bulk  # noqa: PLC0415 - heavy

    wanted = {Again.ALL: force, Again.ERRORS: only_errors, Again.CHANGED: changed}
    chosen = [again for again, given in wanted.items() if given]
    if len(chosen) > 1:
        raise UsageError(
            "--force, --only-errors and --changed do not go together.", cure="Give one of them."
        )
    if memory_limit is not None and dask != "local":
        raise UsageError(
            "--memory-limit is for the workers that `--dask local` makes.",
            cure="Leave it out; on other machines, give it to `grade.py worker`.",
        )
    order = BulkOrder(
        submissions=submissions,
        lesson=lesson,
        database=database,
        out=out,
        roster=roster,
        due=due.astimezone().isoformat() if due else None,
        dry_run=dry_run,
        jobs=jobs or os.cpu_count() or 1,
        seed=seed,
        again=chosen[0] if chosen else Again.STALE,
        require=require,
        verbose=verbose,
        audit=audit,
        similarity=similarity,
        dask=dask,
        tls=Tls(tls_ca, tls_cert, tls_key),
        memory_limit=memory_limit_of(memory_limit),
    )
    return run_bulk(command_context(context, course), order)


@app.command("bundle", cls=PlainCommand, short_help="Make a copy for students or a classroom.")
def bundle_command(  # noqa: PLR0917 - Typer reads the options from here
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(help=LESSON_HELP, metavar="LESSON")],
    student: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write a template repository for students."),
    ] = None,
    classroom50: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write an autograder for Classroom 50."),
    ] = None,
    gradescope: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the .zip of an autograder for Gradescope."),
    ] = None,
    prairielearn: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write questions and a grader for PrairieLearn."),
    ] = None,
    require: Annotated[
        IsolationLevel,
        typer.Option(
            metavar="LEVEL",
            help="How well servers must be isolated there: full, strong or practice. "
            "[default: strong]",
            show_default=False,
        ),
    ] = IsolationLevel.STRONG,
    course: CourseOption = None,
) -> ExitCode:
    """Make what a class gets: a copy for students, or a grader for a classroom.

    A copy that students can read has no solution, no mutant, no answer and no hidden check.
    """
    from graders.engine.cli.bundling import run_bundle  # noqa: PLC0415 - only here

    places = {
        "student": student,
        "classroom50": classroom50,
        "gradescope": gradescope,
        "prairielearn": prairielearn,
    }
    return run_bundle(command_context(context, course), names, places, require)


@app.command("worker", cls=PlainCommand, short_help="Grade for `bulk --dask` on this machine.")
def worker_command(  # noqa: PLR0917 - Typer reads the options from here
    context: typer.Context,
    address: Annotated[
        str, typer.Argument(help="The scheduler's address: tcp://HOST:8786.", metavar="ADDRESS")
    ],
    jobs: Jobs = None,
    memory_limit: MemoryLimit = None,
    tls_ca: TlsCa = None,
    tls_cert: TlsCa = None,
    tls_key: TlsCa = None,
) -> ExitCode:
    """Work for a Dask scheduler, until it ends or Ctrl-C.

    Whoever reaches a scheduler can run code on its workers: encrypt, or use a network of your own.
    """
    from graders.engine.bulk.cluster import Tls, memory_limit_of, run_workers  # noqa: PLC0415 - only here

    at_once, tls = jobs or os.cpu_count() or 1, Tls(tls_ca, tls_cert, tls_key)
    limit = memory_limit_of(memory_limit)
    print(f"{at_once} workers for {quote(address)}", file=command_context(context).err)
    run_workers(address, jobs=at_once, tls=tls, memory_limit=limit)
    return ExitCode.FULL_MARKS


@app.command("diff", cls=PlainCommand, short_help="Show which scores changed between two runs.")
def diff_command(
    context: typer.Context,
    old: Annotated[
        Path, typer.Argument(help="A folder that `bulk --out` has written.", metavar="OLD")
    ],
    new: Annotated[Path, typer.Argument(help="Another one.", metavar="NEW")],
) -> ExitCode:
    """Show which scores changed between two runs of `bulk`, by criterion, and why."""
    from graders.engine.cli.bulk_changes import run_diff  # noqa: PLC0415 - heavy

    return run_diff(command_context(context), old, new)


@app.command("gradebook", cls=PlainCommand, short_help="Join several lessons into one table.")
def gradebook_command(
    context: typer.Context,
    results: Annotated[
        list[Path] | None,
        typer.Argument(
            help="What `bulk --out` has written: one folder for each lesson.", metavar="FOLDER..."
        ),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The class: as for `bulk`.", show_default=False),
    ] = None,
    out: Filled = None,
    course: CourseOption = None,
) -> ExitCode:
    """Join the results of several lessons into one table, with late work and weighted totals.

    What late work costs, and what a lesson weighs, stands in course.yaml.
    """
    from graders.engine.cli.joining import run_gradebook  # noqa: PLC0415 - heavy

    return run_gradebook(command_context(context, course), results or (), roster, out)


COMMAND = typer.main.get_command(app)
NAMES = (
    *("grade", "show", "list", "explain", "course", "env", "replay", "quiz", "serve", "token"),
    *("test", "completion", "bulk", "bundle", "worker", "diff", "gradebook"),
    *("lesson", "export", "chapter-quiz"),
)


def with_command(words: Sequence[str], context: CommandContext) -> list[str]:
    """Return the command line with `grade` put in front if it begins with a lesson."""
    if not words:
        return ["--help"]
    first = words[0]
    if first == "lesson" and len(words) > 1 and context.catalogue.has(f"lesson{words[1]}"):
        return ["grade", *words[1:]]  # `lesson 6`
    if first.startswith("-") or first in NAMES:
        return list(words)
    if context.catalogue.has(first):
        return ["grade", *words]
    raise _no_such_command(words, context.catalogue)


def _no_such_command(words: Sequence[str], catalogue: Catalogue) -> UsageError:
    from graders.engine.content.fields import did_you_mean  # noqa: PLC0415 - only to complain

    first = Path(words[0])
    if first.exists():
        folder = first.parent if first.suffix == ".py" else first
        lesson = (
            words[1] if len(words) > 1 and catalogue.has(words[1]) else _lesson_in(first, catalogue)
        )
        return UsageError(
            f"`{quote(words[0], 1_000)}` is a file or folder, and no lesson or command.",
            cure=f"the lesson comes first: `python grade.py {lesson} {quote(str(folder), 1_000)}`",
        )
    return UsageError(
        f"There is no lesson or command `{quote(words[0])}`.",
        cure=did_you_mean(words[0], [*catalogue.ids(), *NAMES[1:]]),
    )


def _lesson_in(path: Path, catalogue: Catalogue) -> str:
    """Return the lesson that a folder of the path is named like, else a word that stands for it."""
    known = catalogue.ids()
    return next((part for part in reversed(path.resolve().parts) if part in known), "LESSON")
