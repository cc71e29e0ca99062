"""Runs the command line on the miniature course."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from graders.engine.cli.context import CommandContext
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.main import main
from tests.miniature import COURSE, stand_in_servers

SOLUTION = str(COURSE / "reference_solutions" / "greeting" / "solution")
STUB = str(COURSE / "assignments" / "greeting")


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: ExitCode
    out: str
    err: str


def run(
    *words: str,
    servers: object = stand_in_servers,
    root: Path = COURSE,
    environment: Mapping[str, str] | None = None,
    out: io.StringIO | None = None,
) -> Outcome:
    """Run the command line in a course, with no variable of the environment but those given.

    ``out`` is what it prints to, for who reads along.
    """
    out, err = out or io.StringIO(), io.StringIO()
    context = CommandContext(
        root=root,
        servers=servers,  # type: ignore[arg-type]
        out=out,
        err=err,
        environment=environment or {},
    )
    return Outcome(main(words, context), out.getvalue(), err.getvalue())
