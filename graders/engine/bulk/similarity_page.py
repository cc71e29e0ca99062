"""The page of pairs that share code, side by side: one HTML file, no network, no script.

Pure. Text of a submission or a name gets in by Jinja's escaping only.
"""

from __future__ import annotations

from markupsafe import Markup

from graders.engine.bulk.class_page import PAGES, class_environment
from graders.engine.bulk.similarity import LEAST_SHARE, RUN, Similarity, most_sharing
from graders.engine.reports.formats.html_page import PAGES as STYLES


def render(lesson: str, found: Similarity) -> str:
    """Return the page."""
    return (
        class_environment()
        .get_template("similarity.html")
        .render(
            lesson=lesson,
            found=found,
            run=RUN,
            least=LEAST_SHARE,
            most=most_sharing(found.compared),
            css=Markup((STYLES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
            own_css=Markup((PAGES / "similarity.css").read_text(encoding="utf-8")),  # noqa: S704
        )
    )
