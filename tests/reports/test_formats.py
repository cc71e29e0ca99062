"""Every format of a good, a mixed and a hostile result: golden files, and read by their readers."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from markdown_it import MarkdownIt
from markdown_it.token import Token

from graders.engine.core.results import FeedbackLevels, Problem, Result, Status, Visibility
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
from tests.reports.nasty import hostile
from tests.reports.samples import FEEDBACK, case, line, mixed, result, row

GOLDEN = Path(__file__).parent / "golden"
SCHEMAS = Path(__file__).parent / "schemas"
HANDED_IN = classroom50.HandedIn50(
    classroom="agents-2026",
    assignment="lesson02",
    assignment_type="individual",
    owner="alice",
    submission="submit/2026-11-29-1",
    commit="https://github.example/alice/lesson02/commit/1",
    release="https://github.example/alice/lesson02/releases/1",
    review="https://github.example/alice/lesson02/pull/1",
)
AT = datetime(2026, 11, 29, 12, 30, tzinfo=UTC)
RENDERERS: Mapping[str, Callable[[Result], str]] = {
    "classroom50.json": lambda each: classroom50.render(each, HANDED_IN, AT),
    "table.csv": csv_table.render,
    "github-classroom.base64": github_classroom.render,
    "gradescope.json": gradescope.render,
    "html.html": html_page.render,
    "junit.xml": junit.render,
    "markdown.md": markdown.render,
    "prairielearn.json": prairielearn.render,
}


def good() -> Result:
    """Return a result with full marks."""
    return result(row("a", "A first message is answered", points=60), row("b", "B", points=40))


RESULTS: Mapping[str, Callable[[], Result]] = {"good": good, "mixed": mixed, "hostile": hostile}
EACH_RESULT = pytest.mark.parametrize("make", RESULTS.values(), ids=list(RESULTS))


@pytest.mark.parametrize("kind", RESULTS)
@pytest.mark.parametrize("name", RENDERERS)
def test_format_is_as_its_golden_file(name: str, kind: str) -> None:
    """`CHATKIT_GRADER_WRITE_GOLDEN=1` writes the files anew, to be read before they are kept."""
    text = RENDERERS[name](seen_by(Audience.STUDENT, RESULTS[kind]()))
    file = GOLDEN / f"{kind}.{name}"
    if os.environ.get("CHATKIT_GRADER_WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8", newline="\n")
    assert text == file.read_text(encoding="utf-8")


@EACH_RESULT
@pytest.mark.parametrize("name", ["classroom50", "gradescope", "prairielearn"])
def test_json_formats_keep_their_schema(name: str, make: Callable[[], Result]) -> None:
    document = json.loads(RENDERERS[f"{name}.json"](make()))
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)


@EACH_RESULT
def test_github_classroom_keeps_its_schema(make: Callable[[], Result]) -> None:
    document = json.loads(base64.b64decode(github_classroom.render(make())))
    schema = json.loads((SCHEMAS / "github-classroom.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)


@EACH_RESULT
def test_totals_agree_to_the_point_in_every_format(make: Callable[[], Result]) -> None:
    graded = make()
    points = [(each.score, each.max_score) for each in graded.criteria]
    total = (graded.score, graded.max_score)
    fifty = json.loads(classroom50.render(graded, HANDED_IN, AT))
    assert (fifty["score"], fifty["max-score"]) == total
    assert [(each["score"], each["max-score"]) for each in fifty["tests"]] == points
    legacy = github_classroom.document(graded)
    assert [(each["score"], each["max_score"]) for each in legacy["tests"]] == points
    assert legacy["max_score"] == graded.max_score
    scope = json.loads(gradescope.render(graded))
    assert scope["score"] == graded.score
    counted = [each for each in scope["tests"] if "score" in each]
    assert [(each["score"], each["max_score"]) for each in counted] == points
    prairie = json.loads(prairielearn.render(graded))
    assert prairie["score"] == graded.score / graded.max_score
    assert [(each["points"], each["max_points"]) for each in prairie["tests"]] == points
    (line,) = csv.DictReader(io.StringIO(csv_table.render(graded)))
    assert (line["score"], line["max_score"]) == tuple(map(str, total))
    suite = ElementTree.fromstring(junit.render(graded)).find("testsuite")
    assert suite is not None
    properties = {each.get("name"): each.get("value") for each in suite.findall("properties/*")}
    assert (properties["score"], properties["max_score"]) == tuple(map(str, total))
    assert f": {graded.score} / {graded.max_score}" in markdown.render(graded).splitlines()[0]


@EACH_RESULT
def test_junit_keeps_its_schema(make: Callable[[], Result]) -> None:
    schema = xmlschema.XMLSchema(SCHEMAS / "junit.xsd")
    schema.validate(ElementTree.ElementTree(ElementTree.fromstring(junit.render(make()))))


def test_junit_counts_what_it_holds() -> None:
    suite = ElementTree.fromstring(junit.render(mixed())).find("testsuite")
    assert suite is not None
    assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(count, "")) == len(suite.findall(f"testcase/{tag}")) > 0


def tokens_of(text: str) -> list[Token]:
    """Return what a reader of GitHub's Markdown makes of a text, the inner tokens too."""
    reader = MarkdownIt("gfm-like", {"linkify": False}).enable("table")
    outer = reader.parse(text)
    return [token for each in outer for token in (each, *(each.children or ()))]


def test_markdown_of_a_hostile_submission_is_only_text() -> None:
    tokens = tokens_of(markdown.render(hostile()))
    assert {each.type for each in tokens}.isdisjoint({"link_open", "image", "blockquote_open"})
    ours = ("<details>", "</details>", "<!-- -->")
    html = [each.content for each in tokens if each.type in {"html_block", "html_inline"}]
    assert all(each.startswith(ours) for each in html)
    headings = [each for each in tokens if each.type == "heading_open"]
    assert {each.tag for each in headings} == {"h1", "h2"}
    assert len(headings) == 1 + 1 + 2 + 1  # lesson, problem, two criteria, notes
    assert sum(each.type == "table_open" for each in tokens) == 1


@pytest.mark.parametrize("name", RENDERERS)
def test_no_line_of_a_hostile_submission_begins_a_workflow_command(name: str) -> None:
    text = RENDERERS[name](hostile())
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert "##[" not in text
    assert not set("\x00\x07\x1b\x7f\x9b\r\u202e\u2066\u200b\ufeff\ufffe\u2028") & set(text)


def test_csv_of_a_hostile_submission_holds_no_formula() -> None:
    rows = list(csv.reader(io.StringIO(csv_table.render(hostile()))))
    assert all(not cell.startswith(csv_table.STARTS_FORMULA) for row in rows for cell in row)
    assert len({len(row) for row in rows}) == 1


def test_long_pages_are_cut_to_what_their_readers_take() -> None:
    many = result(
        *(
            each.model_copy(update={"id": f"{each.id}-{n}"})
            for n in range(700)
            for each in hostile().criteria[:1]
        )
    )
    assert len(markdown.render(many).encode()) < 1024 * 1024
    assert markdown.render(many).endswith(markdown.CUT)
    assert len(prairielearn.render(many).encode()) < 1_000_000


def test_result_without_criteria_is_an_error_for_the_classroom() -> None:
    (only,) = github_classroom.document(result())["tests"]
    assert (only["status"], only["message"]) == ("error", "Nothing was graded.")


def test_short_problem_and_a_finding_without_words_are_told_as_they_are() -> None:
    told = result(row("a", "A", Status.FAILED, 10), problem=Problem(kind="no-app", title="No app."))
    page = markdown.render(told)
    assert "could not be graded\n\nNo app.\n\n|" in page
    assert "**Seen**" not in page


def test_long_conversation_is_cut_around_its_mark_and_in_its_lines() -> None:
    lines = tuple(
        line(n, "server", "thread.item.updated/progress_update", "x" * 500, marked=n == 40)
        for n in range(60)
    )
    told = FEEDBACK.model_copy(update={"transcript": lines})
    page = markdown.render(
        result(row("a", "A", Status.FAILED, 10, cases=(case("x", Status.FAILED, told),)))
    )
    assert "  ... 27 more lines" in page
    assert "> server  progress_update  xxx" in page
    assert "x" * 300 not in page


SECRET = "the hidden text"


def with_secrets() -> Result:
    """Return the hostile result with each text of its first criterion hidden from students."""
    graded = hostile()
    first = graded.criteria[0]
    told = first.cases[0].feedback
    assert told is not None
    feedback = told.model_copy(update={"seen": SECRET, "advice": SECRET, "required": SECRET})
    hidden = first.model_copy(
        update={
            "levels": FeedbackLevels(
                seen=Visibility.AFTER_PUBLISHED, hint=Visibility.AFTER_PUBLISHED
            ),
            "message": SECRET,
            "cases": (first.cases[0].model_copy(update={"name": SECRET, "feedback": feedback}),),
        }
    )
    return graded.model_copy(update={"criteria": (hidden, *graded.criteria[1:]), "problem": None})


def test_no_hidden_text_reaches_a_format_for_students() -> None:
    for name, render in {**RENDERERS, "json": json_report.render}.items():
        told = [
            render(each) for each in (with_secrets(), seen_by(Audience.STUDENT, with_secrets()))
        ]
        if "base64" in name:
            told = [base64.b64decode(each).decode() for each in told]
        # A table of points has no texts, and so nothing to hide.
        assert (SECRET in told[0]) == (name != "table.csv")
        assert SECRET not in told[1]
