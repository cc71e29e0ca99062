"""A picture of one conversation: who did what after what, as inline SVG.

Pure. Lines go from left to right in the order in which things happened, which the grader decides by
waiting for each one: so buffering shows as many marks of the model before the first of the server,
a doubled call as a second request to the model. Milliseconds would show how fast the machine is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from graders.engine.core.results import TranscriptLine
from graders.engine.reports.formats.styles import on_one_line
from graders.engine.reports.transcript import Gap, Row

LANES = {"client": 24, "server": 64, "model": 104, "grader": 144}
LEFT, RIGHT, WIDTH = 64, 12, 720
MOST_MARKS = 12
"""Marks of one line that stands for many events; the number is in its title."""


@dataclass(frozen=True)
class _Mark:
    x: float
    y: int
    kind: str
    title: str
    wrong: bool


def render(rows: Sequence[Row]) -> Markup:
    """Return the figure; empty where there are fewer than three lines to be compared."""
    lines = [row for row in rows if isinstance(row, TranscriptLine)]
    if len(lines) < 3:
        return Markup("")
    lanes = [lane for lane in LANES if any(line.actor == lane for line in lines)]
    height = LANES[lanes[-1]] + 20
    marks = list(_marks(rows))
    drawn = Markup("").join([*map(_lane, lanes), *map(_drawn, marks)])
    return Markup(
        '<figure tabindex="0"><svg role="img" viewBox="0 0 {} {}" aria-label="{}">{}</svg>'
        "<figcaption>From left to right, in the order in which it happened: "
        '<span aria-hidden="true">blue</span> a request, green text, orange progress, grey the '
        "rest.</figcaption></figure>"
    ).format(WIDTH, height, _summary(lines), drawn)


def _marks(rows: Sequence[Row]) -> Iterator[_Mark]:
    total = sum(1 if isinstance(row, Gap) else min(row.count, MOST_MARKS) for row in rows)
    step = (WIDTH - LEFT - RIGHT) / max(total, 1)
    x = LEFT + step / 2
    for row in rows:
        if isinstance(row, Gap):
            x += step
            continue
        title = f"{row.actor}: {row.kind} {row.text}"[:200]
        for _ in range(min(row.count, MOST_MARKS)):
            yield _Mark(x, LANES[row.actor], _kind(row), on_one_line(title), row.marked)
            x += step


def _kind(line: TranscriptLine) -> str:
    if line.actor == "client" or line.kind == "asked":
        return "request"
    if "progress" in line.kind:
        return "progress"
    return "text" if line.kind == "said" or "delta" in line.kind else "other"


def _lane(name: str) -> Markup:
    y = LANES[name]
    return Markup(
        '<line class="lane" x1="{}" y1="{}" x2="{}" y2="{}"/><text x="4" y="{}">{}</text>'
    ).format(LEFT, y, WIDTH - RIGHT, y, y + 4, name)


def _drawn(mark: _Mark) -> Markup:
    circle = Markup('<circle class="{}" cx="{:.1f}" cy="{}" r="4"><title>{}</title></circle>')
    drawn = circle.format(mark.kind, mark.x, mark.y, mark.title)
    if mark.wrong:
        drawn += Markup('<circle class="wrong" cx="{:.1f}" cy="{}" r="8"/>').format(mark.x, mark.y)
    return drawn


def _summary(lines: Sequence[TranscriptLine]) -> str:
    count = sum(line.count for line in lines)
    wrong = next((line for line in lines if line.marked), None)
    about = f"; wrong was: {wrong.actor} {wrong.kind}" if wrong else ""
    return on_one_line(f"{count} events in their order{about}")
