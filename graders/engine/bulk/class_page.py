"""The page of a class: one HTML file, no network, pictures as inline SVG, better with JavaScript.

Pure. Text of a submission or a name gets in by Jinja's escaping only; the policy of the page lets
no script run but its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote as as_url

from jinja2 import Environment
from markupsafe import Markup

from graders.engine.bulk.grades import GradeRow
from graders.engine.bulk.records import ResultRecord
from graders.engine.bulk.statistics import ClassFigures, figures
from graders.engine.core.text import visible
from graders.engine.reports.formats.html_page import PAGES as STYLES
from graders.engine.reports.formats.html_page import escaping_environment, hash_of

PAGES = Path(__file__).parent / "pages"
HEIGHT = 160
WIDTH = 640
MOST_SLOW = 10


@dataclass(frozen=True)
class ClassPage:
    """What the page is about: ``title`` is the lesson's; ``pages`` the folder of the reports."""

    title: str
    lesson: str
    rows: Sequence[GradeRow]
    pages: str = "reports"


@dataclass(frozen=True)
class _Column:
    """One bar of the picture of the distribution."""

    x: float
    y: float
    width: float
    height: float
    low: int
    high: int
    count: int


def render(page: ClassPage) -> str:
    """Return the page."""
    records = _unique(page.rows)
    told = figures(records)
    script = (PAGES / "class.js").read_text(encoding="utf-8")
    whole = [record for record in records if not record.error]
    return (
        class_environment()
        .get_template("class.html")
        .render(
            page=page,
            figures=told,
            columns=_columns(told),
            width=WIDTH,
            height=HEIGHT,
            errors=[record for record in records if record.error],
            missing=[row for row in page.rows if row.record is None],
            slowest=sorted(whole, key=lambda each: -each.duration_ms)[:MOST_SLOW],
            doubtful=[each for each in told.criteria if each.doubt],
            advisory=any(record.advisory for record in whole),
            css=Markup((STYLES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
            own_css=Markup((PAGES / "class.css").read_text(encoding="utf-8")),  # noqa: S704
            script=Markup(script),  # noqa: S704 - our own
            script_hash=hash_of(script),
        )
    )


def _unique(rows: Sequence[GradeRow]) -> list[ResultRecord]:
    """Return each result once: the members of a group share theirs."""
    return list({row.record.file: row.record for row in rows if row.record}.values())


def _columns(told: ClassFigures) -> list[_Column]:
    tallest = max((len(bar.students) for bar in told.bars), default=0) or 1
    step = WIDTH / len(told.bars)
    return [
        _Column(
            x=round(at * step + 1, 1),
            y=round(HEIGHT - HEIGHT * len(bar.students) / tallest, 1),
            width=round(step - 2, 1),
            height=round(HEIGHT * len(bar.students) / tallest, 1),
            low=bar.low,
            high=bar.high,
            count=len(bar.students),
        )
        for at, bar in enumerate(told.bars)
    ]


@cache
def class_environment() -> Environment:
    """Return what fills the templates of pages about a class."""
    environment = escaping_environment(PAGES)
    environment.filters["shown"] = lambda text: visible(str(text), one_line=True)
    environment.filters["url"] = lambda text: as_url(str(text), safe="")
    environment.filters["percent"] = lambda share: f"{100 * share:.0f} %"
    return environment
