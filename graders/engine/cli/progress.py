"""Live progress of a run: one line that moves on a terminal, plain lines elsewhere.

Listens to grading events; knows nothing of pytest or servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.text import Text

from graders.engine.core.text import visible
from graders.engine.grading.events import (
    CaseFinished,
    CheckWentOn,
    CriterionFinished,
    CriterionStarted,
    GradingEvent,
    Noticed,
    RunStarted,
)
from graders.engine.reports.audience import UNNAMED, Audience, shown_row
from graders.engine.reports.glyphs import Glyphs, glyphs_for

STARTING = "Starting the server ..."
READING = "Reading the files ..."


@dataclass
class Progress:
    """Shows what is going on; keeps the logs of our own errors for ``--verbose``.

    What the ``audience`` may not read is not shown: students read the logs of a run.
    """

    console: Console
    audience: Audience = Audience.STUDENT
    live: Live | None = None
    count: int = 0
    done: int = 0
    now: str = ""
    logs: list[str] = field(default_factory=list)

    def __call__(self, event: GradingEvent) -> None:
        """Show the event, if it is one that a reader cares for."""
        if isinstance(event, Noticed):
            self.console.print(Text(visible(event.text), style="yellow"))
        elif isinstance(event, RunStarted):
            self.count = len(event.criteria)
        elif isinstance(event, CriterionStarted):
            self.done += 1
            title = event.title if self.audience.sees(event.levels.title) else UNNAMED
            self.now = f"[{self.done}/{self.count}] {title}"
            self.show(self.now)
        elif isinstance(event, CheckWentOn):
            self.show(f"{self.now} ({event.done} of {event.parts})")
        elif isinstance(event, CaseFinished) and event.log:
            self.logs.append(event.log)
        elif isinstance(event, CriterionFinished) and self.live is None:
            self._line(event, glyphs_for(self.console))

    def show(self, what: str) -> None:
        """Say on the moving line what is being done now."""
        if self.live is not None:
            text = Text(what, style="dim", no_wrap=True, overflow="ellipsis")
            self.live.update(text, refresh=True)

    def _line(self, event: CriterionFinished, glyphs: Glyphs) -> None:
        row = shown_row(self.audience, event.result)
        mark = glyphs.mark(row.status)
        self.console.print(Text(" ").append_text(mark).append(f" {row.title}"))


@contextmanager
def watched(
    console: Console, audience: Audience = Audience.STUDENT, *, server: bool = True
) -> Iterator[Progress]:
    """Yield a progress display, which is gone from a terminal afterwards."""
    begins = STARTING if server else READING
    if not console.is_terminal:
        console.print(begins)
        yield Progress(console, audience)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        progress = Progress(console, audience, live)
        progress.show(begins)
        yield progress
