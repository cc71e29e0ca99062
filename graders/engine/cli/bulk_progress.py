"""Live progress of a run over many submissions; plain lines where there is no terminal.

Must not know how they are graded. Its clock is for the reader only.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from graders.engine.bulk.records import ResultRecord
from graders.engine.bulk.run import Finished
from graders.engine.core.text import quote

LAST = 5
STARTING = "Starting the workers ..."


@dataclass
class BulkProgress:
    """Tells of each submission as it is done."""

    console: Console
    count: int
    verbose: bool = False
    live: Live | None = None
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    graded: int = 0
    kept: int = 0
    _began: float = 0.0
    _last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST))

    def __post_init__(self) -> None:
        self._began = self.clock()

    def __call__(self, finished: Finished, log: str) -> None:
        """Count it, and show it; what is known from before is only counted."""
        if self.verbose and log:
            self.console.print(Text(log), soft_wrap=True)
        if finished.graded:
            self.tell(finished.entry.student, told(finished.record))
        else:
            self.done += 1
            self.kept += 1
            self._refresh()

    def tell(self, student: str, what: str) -> None:
        """Count one grading, and show what came of it."""
        self.done += 1
        self.graded += 1
        self._last.append(f"{quote(student, 40)}: {what}")
        if self.live is None:
            line = Text(f"[{self.done}/{self.count}] {self._last[-1]}")
            self.console.print(line, soft_wrap=True)
        self._refresh()

    def _refresh(self) -> None:
        if self.live is not None:
            self.live.update(self.page(), refresh=True)

    def page(self) -> Table:
        """Return what stands on the terminal."""
        left = self.count - self.done
        parts = [f"{self.done} of {self.count} done", f"{left} left"]
        seconds = self.clock() - self._began
        if self.graded and seconds > 0:
            rate = self.graded / seconds
            parts += [f"{60 * rate:.0f} a minute", f"about {_span(left / rate)} to go"]
        bar = ProgressBar(total=max(self.count, 1), completed=self.done, width=40)
        # In a table: a bar by itself ends no line.
        page = Table.grid()
        page.add_row(bar)
        for line in (", ".join(parts), *(f"  {each}" for each in self._last)):
            page.add_row(Text(line, "dim" if line.startswith(" ") else ""))
        return page


def told(record: ResultRecord) -> str:
    """Return in a few words what came of a submission."""
    if record.error:
        return f"error of the grader, no score ({quote(record.error, 200)})"
    problem = f" ({quote(record.problem, 120)})" if record.problem else ""
    return f"{record.score}/{record.max_score}{problem}"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3600:.1f} h"


@contextmanager
def bulk_watched(
    console: Console, count: int, *, verbose: bool = False, starting: str = STARTING
) -> Iterator[BulkProgress]:
    """Yield a progress display, which is gone from a terminal afterwards."""
    if not console.is_terminal:
        console.print(Text(starting), soft_wrap=True)
        yield BulkProgress(console, count, verbose)
        return
    with Live(Text(starting), console=console, auto_refresh=False, transient=True) as live:
        yield BulkProgress(console, count, verbose, live)
