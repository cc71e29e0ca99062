"""``grade.py serve``: run a student's server with uvicorn; ``grade.py token``: sign a user in."""

from __future__ import annotations

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.folders import default_folder
from graders.engine.content.catalogue import Lesson
from graders.engine.content.models import Database
from graders.engine.core.errors import UsageError
from graders.engine.core.text import quote, visible
from graders.engine.harness.tokens import SECRET_VARIABLE, Tokens
from graders.engine.reports.terminal import problem_page
from graders.engine.serving.order import KEY_VARIABLE, SCRIPTED, SETTING, ServeOrder
from graders.engine.submissions.submission import (
    Submission,
    SubmissionProblem,
    find_submission,
)

MOST_PORTS = 65_535
URL_VARIABLE = "DATABASE_URL"
STOPPED = {0, -signal.SIGINT, 128 + signal.SIGINT}
"""The exit codes of uvicorn when it was stopped with Ctrl-C."""
_HELLO = (
    '{"type":"threads.create","params":{"input":{"content":[{"type":"input_text","text":"Hello"}],'
    '"attachments":[],"inference_options":{}}}}'
)
_SIGNED_IN = ' -H "Authorization: Bearer $(python grade.py token alice)"'


@dataclass(frozen=True)
class ServeOptions:
    """What the command line said; 0 is any free port, and no ``data`` a folder for this time."""

    host: str
    port: int
    data: Path | None = None


def run_serve(
    context: CommandContext,
    name: str,
    folder: Path | None,
    options: ServeOptions,
    database: Database | None = None,
) -> ExitCode:
    """Run the server until Ctrl-C, with another database than the lesson's if one is named."""
    lesson, named = context.catalogue.named(name)
    lesson = lesson.on(database)
    place = folder or named or default_folder(context, lesson)
    page = context.stdout()
    try:
        submission = _found(place, lesson)
    except SubmissionProblem as error:
        print_page(page, problem_page(error.problem, "The server cannot be started."))
        return ExitCode.NOT_FULL_MARKS
    options = replace(options, port=_free_port(options))
    scripted = not context.environment.get(KEY_VARIABLE)
    order = ServeOrder(context.root.resolve(), submission.root, submission.app, scripted)
    with ExitStack() as stack:
        data = options.data or Path(stack.enter_context(_data_folder()))
        data.mkdir(parents=True, exist_ok=True)
        own = {key: value for key, value in context.environment.items() if value}
        of_lesson = {**lesson.info.env, **stack.enter_context(_database(lesson, own))}
        added = order.variables(of_lesson, own, data.resolve())
        url = f"http://{options.host}:{options.port}{submission.endpoint}"
        _announce(page, submission, url, order, added)
        return _run(order, options, {**own, **added, SETTING: order.to_text()})


def _found(place: Path, lesson: Lesson) -> Submission:
    if place.is_file():
        raise UsageError(
            f"`{quote(str(place))}` is a file, and only a folder can be served.",
            cure="Unpack it, and give the folder.",
        )
    return find_submission(place, endpoint=lesson.info.endpoint)


@contextmanager
def _database(lesson: Lesson, own: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Yield the variable that leads to an empty database, as long as there is to be one.

    Somebody who has set it has a database already.
    """
    if lesson.database is Database.SQLITE or URL_VARIABLE in own:
        yield {}
        return
    from graders.engine.database.databases import Databases  # noqa: PLC0415 - heavy

    with closing(Databases()) as databases:
        yield {URL_VARIABLE: databases.new().url}


def _data_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="chatkit-data-", ignore_cleanup_errors=True)


def _free_port(options: ServeOptions) -> int:
    """Return the port, or a UsageError now if uvicorn could not listen there."""
    if not 0 <= options.port <= MOST_PORTS:
        raise UsageError(
            f"`--port {options.port}` is no port.", cure=f"Give a number up to {MOST_PORTS:,}."
        )
    try:
        with socket.create_server((options.host, options.port)) as tried:
            port: int = tried.getsockname()[1]
            return port
    except OSError as error:
        raise UsageError(
            f"Nothing can listen at {options.host}:{options.port}: {error}.",
            cure=f"Give another port: `--port {options.port % 60_000 + 1}`.",
        ) from error


def _announce(
    page: Console, submission: Submission, url: str, order: ServeOrder, added: Mapping[str, str]
) -> None:
    """Say what is run, with what, and how to talk to it; lines are left whole, to be copied."""
    model = "the provider of your own OPENAI_API_KEY"
    if order.scripted:
        model = "scripted, as OPENAI_API_KEY is not set: it repeats what you say"
    told = {
        "Server": f"{submission.root} ({submission.app})",
        "Address": url,
        "Model": model,
        **{name: value for name, value in added.items() if name not in SCRIPTED},
    }
    width = max(map(len, told))
    for label, text in told.items():
        line = Text.assemble((f"{label:<{width}}", "dim"), f"  {visible(text)}")
        page.print(line, soft_wrap=True)
    signed_in = _SIGNED_IN * (SECRET_VARIABLE in added)
    hello = f"curl -N {url}{signed_in} -H \"Content-Type: application/json\" -d '{_HELLO}'"
    page.print(Text(f"\nSay hello from another terminal:\n{hello}\n"), soft_wrap=True)
    page.print(Text("It starts again when you save a file. Stop it with Ctrl-C.\n", style="dim"))
    page.file.flush()


def _run(order: ServeOrder, options: ServeOptions, environment: dict[str, str]) -> ExitCode:
    command = order.command(options.host, options.port)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is uvicorn's to answer
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            command, cwd=order.folder, env=environment, check=False
        )
    finally:
        signal.signal(signal.SIGINT, before)
    return ExitCode.FULL_MARKS if done.returncode in STOPPED else ExitCode.NOT_FULL_MARKS


def run_token(context: CommandContext, user: str, lesson: str | None, *, minutes: int) -> ExitCode:
    """Print a token that the server of the lesson accepts."""
    secret = context.environment.get(SECRET_VARIABLE) or _secret_of(context, lesson)
    token = Tokens(secret, time.time).good(user, lifetime=minutes * 60)
    print(token, file=context.out)
    return ExitCode.FULL_MARKS


def _secret_of(context: CommandContext, name: str | None) -> str:
    lessons = context.catalogue.lessons() if name is None else [context.catalogue.lesson(name)]
    secrets = (lesson.info.env.get(SECRET_VARIABLE) for lesson in lessons)
    found = next((secret for secret in secrets if secret), None)
    if found is None:
        where = "No lesson" if name is None else lessons[0].id
        raise UsageError(
            f"{where} has tokens: {SECRET_VARIABLE} is not one of its variables.",
            cure=f"Set {SECRET_VARIABLE} to your own secret.",
        )
    return found
