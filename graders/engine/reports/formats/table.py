"""The formats by name: what `--report FORMAT[=FILE]` may say, and what each is for.

Pure, but for the clock and the environment that are passed in. JSON, CSV and the formats of
classrooms come from one result each; none of them adds points up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from graders.engine.core.results import Result
from graders.engine.reports import json_report
from graders.engine.reports.audience import Audience, seen_by
from graders.engine.reports.formats import (
    classroom50,
    csv_table,
    github_classroom,
    gradescope,
    html_page,
    junit,
    markdown,
    prairielearn,
)


@dataclass(frozen=True)
class Surroundings:
    """What a format may need that a result does not hold.

    ``environment`` is the grader's own, ``now`` has a time zone.
    """

    environment: Mapping[str, str]
    now: datetime


@dataclass(frozen=True)
class Format:
    """One format: ``file`` is where it goes if nobody says, ``about`` one line of help.

    ``reader`` says who reads it by itself, where that is not a student.
    """

    name: str
    file: str
    about: str
    render: Callable[[Result, Surroundings], str]
    reader: Audience | None = None


def _plain(render: Callable[[Result], str]) -> Callable[[Result, Surroundings], str]:
    return lambda result, _surroundings: render(result)


def _classroom50(result: Result, surroundings: Surroundings) -> str:
    handed_in = classroom50.HandedIn50.from_environment(surroundings.environment, result.lesson)
    return classroom50.render(result, handed_in, surroundings.now)


FORMATS: Mapping[str, Format] = {
    each.name: each
    for each in (
        Format("json", "result.json", "the whole result, as data", _plain(json_report.render)),
        Format("junit", "junit.xml", "JUnit XML, for CI servers", _plain(junit.render)),
        Format("markdown", "report.md", "a page in Markdown", _plain(markdown.render)),
        Format("html", "report.html", "a page for a browser, one file", _plain(html_page.render)),
        Format(
            "gradescope",
            "results.json",
            "Gradescope's results, which it shows to students as each test says",
            _plain(gradescope.render),
            reader=Audience.INSTRUCTOR,
        ),
        Format("prairielearn", "results.json", "PrairieLearn's", _plain(prairielearn.render)),
        Format("classroom50", "result.json", "Classroom 50's", _classroom50),
        Format(
            "github-classroom",
            "result.base64",
            "for the reporter of GitHub Classroom",
            _plain(github_classroom.render),
        ),
        Format("csv", "result.csv", "a column for each criterion", _plain(csv_table.render)),
    )
}


def rendered(
    form: Format, result: Result, surroundings: Surroundings, audience: Audience = Audience.STUDENT
) -> str:
    """Return the result in one format, with what its readers may not see taken out before."""
    return form.render(seen_by(form.reader or audience, result), surroundings)
