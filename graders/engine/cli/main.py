"""From the words of a command line to an exit code; no exception gets past here.

Must not know what a command does.
"""

from __future__ import annotations

import io
import traceback
from collections.abc import Sequence

from graders.engine.cli.context import CommandContext
from graders.engine.cli.early import starts_servers, with_early_servers
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.core.errors import ContentError, IsolationError, UsageError
from graders.engine.core.text import quote, visible

INTERRUPTED = "Interrupted; all servers are stopped."
NOTHING_STARTED = "Interrupted."


def main(arguments: Sequence[str], context: CommandContext | None = None) -> ExitCode:
    """Run ``grade.py`` with these arguments and return its exit code."""
    surroundings = context or CommandContext()
    _never_fail_to_write(surroundings)
    try:
        with with_early_servers(surroundings, arguments) as with_servers:
            return _run(list(arguments), with_servers)
    except KeyboardInterrupt:
        return _interrupted(surroundings, arguments)
    except UsageError as error:
        return _complain(surroundings, ExitCode.USAGE, error.message, error.cure)
    except IsolationError as error:
        return _complain(surroundings, ExitCode.NOT_ISOLATED, error.message, error.cure)
    except ContentError as error:
        return _complain(surroundings, ExitCode.CONTENT, f"The course is wrong: {error}")
    except Exception as error:  # noqa: BLE001 - a traceback of ours is never shown unasked
        return _broke(surroundings, error, verbose="--verbose" in arguments)


def _run(arguments: list[str], context: CommandContext) -> ExitCode:
    # Only now: servers are being started meanwhile.
    import typer  # noqa: PLC0415

    from graders.engine.cli.commands import COMMAND, with_command  # noqa: PLC0415

    try:
        words = with_command(arguments, context)
        code = COMMAND.main(words, prog_name="grade.py", standalone_mode=False, obj=context)
    except typer.Abort:
        return _interrupted(context, arguments)
    except typer.TyperException as error:
        return _complain(context, ExitCode.USAGE, error.format_message(), "`grade.py --help`.")
    if code == ExitCode.INTERRUPTED:
        return _interrupted(context, arguments)
    return ExitCode(code or 0)


def _interrupted(context: CommandContext, arguments: Sequence[str]) -> ExitCode:
    told = INTERRUPTED if starts_servers(arguments) else NOTHING_STARTED
    print(told, file=context.err)
    return ExitCode.INTERRUPTED


def _complain(context: CommandContext, code: ExitCode, message: str, cure: str = "") -> ExitCode:
    lines = [f"grade.py: {message}", *([f"  try: {cure}"] if cure else [])]
    print(visible("\n".join(lines)), file=context.err)
    return code


def _broke(context: CommandContext, error: Exception, *, verbose: bool) -> ExitCode:
    if verbose:
        print("".join(traceback.format_exception(error)), file=context.err)
    fact = quote(str(error) or type(error).__name__, 200)
    advice = "" if verbose else " Report it with what --verbose shows."
    message = f"The grader broke: {fact}. This is not your fault.{advice}"
    return _complain(context, ExitCode.GRADER_BROKE, message)


def _never_fail_to_write(context: CommandContext) -> None:
    """Let a character that the terminal does not have become `?` instead of a failure."""
    for stream in (context.out, context.err):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
