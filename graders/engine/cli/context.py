"""What every command works with: where the course is, where to write, what starts servers."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO, cast

from graders.engine.core.places import REPOSITORY

if TYPE_CHECKING:
    import typer
    from rich.console import Console, RenderableType

    from graders.engine.content.catalogue import Catalogue, Lesson
    from graders.engine.content.course import Course
    from graders.engine.grading.folder import OpenFactory

WIDEST = 100
"""Columns beyond which a page is harder to read, not easier."""


@contextmanager
def real_servers() -> Iterator[OpenFactory]:
    """Open the real thing; imported only now, because it is heavy."""
    from graders.engine.grading.folder import open_servers  # noqa: PLC0415

    with open_servers() as open_factory:
        yield open_factory


@dataclass(frozen=True)
class CommandContext:
    """The surroundings of a command; tests give it others."""

    root: Path = REPOSITORY
    servers: Callable[[], AbstractContextManager[OpenFactory]] = real_servers
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    course_file: Path | None = None
    """What ``--course`` names, if it was given."""

    def servers_for(self, lesson: Lesson) -> AbstractContextManager[OpenFactory]:
        """Open what starts the servers of a lesson: nothing where it only has files."""
        if lesson.info.server:
            return self.servers()
        from graders.engine.grading.folder import no_servers  # noqa: PLC0415 - heavy

        return no_servers()

    @property
    def course(self) -> Course | None:
        """The class that lessons are graded for, if there is a ``course.yaml``.

        A ContentError if its packages are not locked: they would not be installed.
        """
        from graders.engine.content.course import find_course  # noqa: PLC0415 - not for --help
        from graders.engine.content.course_packages import require_locked  # noqa: PLC0415

        course = find_course(self.root, self.course_file)
        require_locked(course, self.root)
        return course

    @property
    def catalogue(self) -> Catalogue:
        """The lessons of the course, as ``course.yaml`` has them if there is one."""
        from graders.engine.content.catalogue import Catalogue  # noqa: PLC0415 - not for --help

        return Catalogue(self.root, self.course)

    @property
    def lessons_as_written(self) -> Catalogue:
        """All lessons as their authors wrote them, whatever a course makes of them."""
        from graders.engine.content.catalogue import Catalogue  # noqa: PLC0415 - not for --help

        return Catalogue(self.root)

    def stdout(self) -> Console:
        """Return the console for what was asked for."""
        return _console(self.out)

    def stderr(self) -> Console:
        """Return the console for progress and remarks, so that output can be piped."""
        return _console(self.err)


def print_page(console: Console, page: RenderableType) -> None:
    """Print; what goes to a file or a pipe has no blanks at the ends of its lines."""
    with _no_commands_of_a_workflow(console.file):
        if console.is_terminal:
            console.print(page)
            return
        with console.capture() as capture:
            console.print(page)
        lines = (line.rstrip() for line in capture.get().split("\n"))
        console.file.write("\n".join(lines))


@contextmanager
def _no_commands_of_a_workflow(file: IO[str]) -> Iterator[None]:
    """Let GitHub Actions obey no line that is printed meanwhile: a page quotes what students say.

    Who reads the log sees the two lines as well; nobody can know the word between them before.
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    word = secrets.token_hex(16)
    file.write(f"::stop-commands::{word}\n")
    try:
        yield
    finally:
        file.write(f"\n::{word}::\n")


def _console(file: TextIO) -> Console:
    from rich.console import Console  # noqa: PLC0415 - not for a command that fails at once

    console = Console(file=file, highlight=False, soft_wrap=False, emoji=False)
    console.width = min(console.width, WIDEST)
    return console


def command_context(context: typer.Context, course: Path | None = None) -> CommandContext:
    """Return the context that :func:`.main.main` gave, for the ``course`` that was asked for."""
    given = cast("CommandContext", context.obj)
    return given if course is None else replace(given, course_file=course)
