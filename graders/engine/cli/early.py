"""Starts the fork server before all that this process needs for grading is imported.

Either takes about a second, on a core of its own. Must not import what a command that starts no
server can do without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from graders.engine.cli.context import CommandContext, real_servers

if TYPE_CHECKING:
    from graders.engine.grading.folder import OpenFactory
    from graders.engine.sandbox.process import Launcher

_WITHOUT_SERVERS = frozenset(
    {
        "list",
        "explain",
        "course",
        "quiz",
        "chapter-quiz",
        "show",
        "export",
        "serve",
        "token",
        "test",
        "completion",
        "lesson",
        "bulk",
        "bundle",
        "worker",
        "diff",
        "gradebook",
    }
)
"""The commands that start none in this process; `lesson` and `bulk` start some in others."""
_ASKS_FOR_HELP = frozenset({"-h", "--help"})


@contextmanager
def with_early_servers(
    context: CommandContext, arguments: Sequence[str]
) -> Iterator[CommandContext]:
    """Yield ``context`` with servers whose start goes on meanwhile, if the command needs any."""
    is_needed = starts_servers(arguments) and not _has_only_files(context.root, arguments)
    if context.servers is not real_servers or not is_needed:
        yield context
        return
    from graders.engine.sandbox.launcher import open_launcher  # noqa: PLC0415 - only where it is needed

    with open_launcher() as launcher:
        yield replace(context, servers=lambda: _servers_of(launcher))


def starts_servers(arguments: Sequence[str]) -> bool:
    """Return whether the command line looks like one that starts servers in this process.

    It is not read yet: where it turns out to be wrong, the fork server is ended again.
    """
    first = arguments[0] if arguments else "--help"
    is_option = first.startswith("-") or not _ASKS_FOR_HELP.isdisjoint(arguments)
    return not is_option and first not in _WITHOUT_SERVERS


def _has_only_files(root: Path, arguments: Sequence[str]) -> bool:
    """Return whether the lesson that is named first has no server, as far as that is seen at once.

    What is not seen here is seen later: a fork server was started for nothing then.
    """
    named = arguments[1] if arguments[0] == "grade" and len(arguments) > 1 else arguments[0]
    file = root / "graders" / named / "lesson.yaml"
    return file.is_file() and "\nserver: false\n" in file.read_text(encoding="utf-8")


@contextmanager
def _servers_of(launcher: Launcher) -> Iterator[OpenFactory]:
    from graders.engine.database.databases import Databases  # noqa: PLC0415 - heavy
    from graders.engine.grading.folder import servers_of  # noqa: PLC0415 - heavy

    with closing(Databases()) as databases:
        yield servers_of(launcher, databases)
