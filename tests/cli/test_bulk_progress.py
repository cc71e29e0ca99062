"""What stands on the terminal while many submissions are graded."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.console import Console

from graders.engine.bulk.deliveries import Delivery, Entry
from graders.engine.bulk.run import Finished
from graders.engine.cli.bulk_progress import BulkProgress
from tests.bulk.test_journal import record


def shown(progress: BulkProgress) -> list[str]:
    """Return the lines of the display, as a terminal of 80 columns has them."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(progress.page())
    return [line.rstrip() for line in captured.get().splitlines()]


def finished(student: str, *, graded: bool = True) -> Finished:
    """Return what came of one submission."""
    delivery = Delivery(called=student, people=((student,),), place=_nowhere, shown=student)
    result = record(student, score=70).model_copy(update={"max_score": 100})
    entry = Entry(student, student, delivery)
    return Finished(entry, result, None, graded=graded)


def _nowhere() -> AbstractContextManager[Path]:
    return nullcontext(Path())


def test_bar_rate_time_to_go_and_the_last_names_have_lines_of_their_own() -> None:
    clock = iter([0.0, 30.0])
    progress = BulkProgress(Console(file=io.StringIO()), 300, clock=lambda: next(clock))
    progress(finished("known", graded=False), "")
    for number in range(7):
        progress(finished(f"student{number}"), "")
    bar, told, *last = shown(progress)
    assert set(bar) <= set("━╸╺ ")
    assert told == "8 of 300 done, 292 left, 14 a minute, about 21 min to go"
    assert last == [f"  student{number}: 70/100" for number in range(2, 7)]
