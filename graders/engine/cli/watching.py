"""``grade.py LESSON --watch``: grade again when a file is saved, what failed first.

The fork server stays warm, so that a save is judged at once. Must not judge, nor know a report.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text
from watchfiles import watch

from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.keys import ReadKey, pressed_keys
from graders.engine.cli.progress import watched
from graders.engine.core.errors import UsageError
from graders.engine.core.results import Result, Status
from graders.engine.core.text import visible
from graders.engine.grading.folder import OpenFactory, grade_folder
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.score import total
from graders.engine.reports import changes, terminal
from graders.engine.reports.audience import Audience, seen_by
from graders.engine.reports.glyphs import glyphs_for
from graders.engine.submissions.submission_copy import SKIPPED_FOLDERS

POLL_MS = 100
"""How often keys are looked for while no file is saved."""
SETTLE_MS = 50
"""Saves that come so soon after one another are one: editors write a file in several steps."""
WAITING = "Waiting for you to save a file. Keys: r grades again, a grades all, q ends."

Saves = Callable[[Path], Generator[bool]]
"""Yields for ever whether something in a folder was saved since the last time."""


def saves_in(folder: Path) -> Generator[bool]:
    """Yield whether a file of the submission was saved; several times a second."""
    found = watch(
        folder,
        watch_filter=lambda _change, path: not SKIPPED_FOLDERS & set(Path(path).parts),
        debounce=SETTLE_MS,
        rust_timeout=POLL_MS,
        yield_on_timeout=True,
        raise_interrupt=True,
    )
    for saved in found:
        yield bool(saved)


@dataclass
class Watch:
    """One submission that is graded again and again.

    ``last`` has the newest verdict on every criterion, also on those that the last run left out.
    """

    context: CommandContext
    request: GradingRequest
    open_factory: OpenFactory
    detail: terminal.Detail
    last: Result | None = None

    def all(self) -> None:
        """Grade everything and show the page."""
        self._show(self._graded(self.request))

    def failed_first(self) -> None:
        """Grade what failed; if it is right now, everything."""
        failed = self._failed_before()
        if not failed:
            self.all()
            return
        result = self._graded(replace(self.request, only=failed))
        still = [row for row in result.criteria if row.id in failed]
        if all(row.status is Status.PASSED for row in still):
            self.all()
        else:
            self._show(result)

    def _failed_before(self) -> tuple[str, ...]:
        rows = self.last.criteria if self.last is not None else ()
        return tuple(row.id for row in rows if row.status is Status.FAILED)

    def _graded(self, request: GradingRequest) -> Result:
        server = request.lesson.info.server
        with watched(self.context.stderr(), server=server) as progress:
            return grade_folder(request, self.open_factory, on_event=progress)

    def _show(self, result: Result) -> None:
        console = self.context.stdout()
        title = self.request.lesson.title
        shown = seen_by(Audience.STUDENT, result)
        page = terminal.render(shown, glyphs_for(console), title=title, detail=self.detail)
        print_page(console, page)
        if self.last is not None:
            before = seen_by(Audience.STUDENT, self.last)
            for line in changes.told(changes.between(before, shown)):
                console.print(Text(visible(line), style="bold"))
        self.last = joined(self.last, result)


def joined(before: Result | None, after: Result) -> Result:
    """Return ``after``, with the older verdicts on what it did not try, and their points."""
    # A row that has other points by now, since a front end has come or gone, says nothing any more.
    old = {(row.id, row.max_score): row for row in (before.criteria if before is not None else ())}
    rows = tuple(
        old.get((row.id, row.max_score), row) if row.status is Status.NOT_RUN else row
        for row in after.criteria
    )
    score, _ = total(rows)
    return after.model_copy(update={"criteria": rows, "score": score})


def run_watch(
    context: CommandContext,
    request: GradingRequest,
    detail: terminal.Detail,
    *,
    saves: Saves = saves_in,
    keys: ReadKey | None = None,
) -> ExitCode:
    """Grade now and after each save, until `q` or Ctrl-C; the exit code is the last run's."""
    if not request.submission.is_dir():
        raise UsageError(
            f"{request.submission} is not a folder.", cure="Watch the folder that you work in."
        )
    servers = context.servers_for(request.lesson)
    with servers as open_factory, pressed_keys(sys.stdin) as read_key:
        watch_of = Watch(context, request, open_factory, detail)
        watch_of.all()
        console = context.stderr()
        _say(console, WAITING)
        with closing(saves(request.submission)) as saved:
            _go_on(watch_of, saved, keys or read_key, console)
    last = watch_of.last
    return ExitCode.FULL_MARKS if last and last.full_marks else ExitCode.NOT_FULL_MARKS


def _go_on(watch_of: Watch, saved: Iterator[bool], read_key: ReadKey, console: Console) -> None:
    for was_saved in saved:
        match read_key():
            case "q":
                return
            case "a":
                watch_of.all()
            case "r":
                watch_of.failed_first()
            case _ if was_saved:
                watch_of.failed_first()
            case _:
                continue
        _say(console, WAITING)


def _say(console: Console, text: str) -> None:
    console.print(Text(text, style="dim"))
