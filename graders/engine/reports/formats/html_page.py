"""A result as one HTML page: no network, light and dark, without JavaScript and better with it.

Pure. Text of a submission gets in by Jinja's escaping only; the policy of the page lets no script
run but its own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from graders.engine.core.results import Result, Status
from graders.engine.core.text import visible
from graders.engine.reports.advisory import advisory_line, isolation_line
from graders.engine.reports.causes import failed
from graders.engine.reports.formats import timeline
from graders.engine.reports.formats.styles import CODE, no_command, on_one_line
from graders.engine.reports.telling import Paragraph, ToldCriterion, told

PAGES = Path(__file__).resolve().parents[1] / "pages"
KINDS = (
    (Status.FAILED, "Failed"),
    (Status.BLOCKED, "Not tried"),
    (Status.PASSED, "Passed"),
    (Status.ERROR, "Broken check"),
    (Status.NOT_RUN, "Left out"),
    (Status.WITHHELD, "Not shown"),
)


def render(result: Result) -> str:
    """Return the page."""
    script = (PAGES / "report.js").read_text(encoding="utf-8")
    all_told = told(result)
    tried = bool(result.tried)
    return (
        _environment()
        .get_template("report.html")
        .render(
            result=result,
            groups=_groups(all_told),
            findings=_findings(result, all_told),
            kinds=[
                (kind.value, label)
                for kind, label in KINDS
                if any(row.status is kind for row in result.criteria)
            ],
            counts=_counts(result),
            percent=100 * result.score // result.max_score if result.max_score else 0,
            problem_heading="The server could not be started"
            if tried
            else "This could not be graded",
            advisory=advisory_line(result),
            isolation=isolation_line(result),
            css=Markup((PAGES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
            script=Markup(script),  # noqa: S704 - our own
            script_hash=hash_of(script),
        )
    )


def _groups(
    all_told: Sequence[ToldCriterion],
) -> list[tuple[str, list[tuple[int, ToldCriterion]]]]:
    """Return the criteria by the heading that they stand under, each with its place."""
    placed = enumerate(all_told, start=1)
    return [
        (name, list(members))
        for name, members in groupby(placed, key=lambda each: each[1].row.group)
    ]


def _findings(result: Result, all_told: Sequence[ToldCriterion]) -> list[tuple[int, ToldCriterion]]:
    """Return what failed, in the order in which it is explained, each with its place in the rubric.

    Checks of ours that broke come last.
    """
    turns = {row.id: turn for turn, row in enumerate(failed(result))}
    placed = [
        (number, each)
        for number, each in enumerate(all_told, start=1)
        if each.row.status in {Status.FAILED, Status.ERROR}
    ]
    return sorted(placed, key=lambda place: turns.get(place[1].row.id, len(turns)))


def escaping_environment(pages: Path) -> Environment:
    """Return what fills the templates in ``pages``: all text is escaped, and none may lack."""
    return Environment(
        loader=FileSystemLoader(pages),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _environment() -> Environment:
    environment = escaping_environment(PAGES)
    environment.filters.update(
        line=on_one_line,
        block=lambda text: no_command(visible(text)),
        sentence=_sentence,
        labelled=_labelled,
        timeline=timeline.render,
    )
    return environment


def _sentence(text: str) -> Markup:
    """Return a paragraph with its `code` set off."""
    parts = CODE.split(no_command(visible(text)))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


def _labelled(paragraphs: Sequence[Paragraph]) -> list[tuple[str, list[str]]]:
    """Return neighbours of one label together; what has none belongs to the label before it."""
    grouped: list[tuple[str, list[str]]] = []
    for label, group in groupby(paragraphs, key=lambda each: each.label):
        texts = [each.text for each in group]
        if label or not grouped:
            grouped.append((label, texts))
        else:
            grouped[-1][1].extend(texts)
    return grouped


def _counts(result: Result) -> str:
    """Say how many criteria ended how."""
    counted = (
        (label.lower(), sum(row.status is kind for row in result.criteria)) for kind, label in KINDS
    )
    return ", ".join(f"{count} {label}" for label, count in counted if count) + "."


def hash_of(script: str) -> str:
    """Return what a content security policy calls a script by."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
