"""The page of pairs that share code, side by side: one HTML file, no network, no script.

Pure. Text of a submission or a name gets in by Jinja's escaping only.
"""

from __future__ import annotations

from functools import cache
from urllib.parse import quote as as_url

from jinja2 import Environment
from markupsafe import Markup

from graders.engine.bulk.class_page import PAGES
from graders.engine.bulk.similarity import LEAST_SHARE, MOST_SHARING, RUN, Similarity
from graders.engine.core.text import visible
from graders.engine.reports.formats.html_page import PAGES as STYLES
from graders.engine.reports.formats.html_page import escaping_environment


def render(lesson: str, found: Similarity) -> str:
    """Return the page."""
    return (
        _environment()
        .get_template("similarity.html")
        .render(
            lesson=lesson,
            found=found,
            run=RUN,
            least=f"{LEAST_SHARE:.0%}".replace("%", " %"),
            most=max(MOST_SHARING, found.compared // 10),
            css=Markup((STYLES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
            own_css=Markup((PAGES / "similarity.css").read_text(encoding="utf-8")),  # noqa: S704
        )
    )


@cache
def _environment() -> Environment:
    environment = escaping_environment(PAGES)
    environment.filters["shown"] = lambda text: visible(str(text), one_line=True)
    environment.filters["url"] = lambda text: as_url(str(text), safe="")
    environment.filters["percent"] = lambda share: f"{share:.0%}".replace("%", " %")
    return environment
