"""Nothing that a reader may not see reaches a format, the page, GitHub or the log of a run."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import product

import pytest
from rich.console import Console

from graders.engine.cli.progress import Progress
from graders.engine.core.results import (
    CaseResult,
    CriterionResult,
    FeedbackLevels,
    Measurement,
    Picture,
    RaisedException,
    Result,
    SideCall,
    SourceLine,
    Status,
    Visibility,
)
from graders.engine.grading.events import CaseFinished, CriterionFinished, CriterionStarted
from graders.engine.reports import github, terminal
from graders.engine.reports.audience import UNNAMED, Audience, seen_by, shown_row
from graders.engine.reports.formats.table import FORMATS, Surroundings, rendered
from tests.reports.samples import FEEDBACK, as_text, case, line, result, row

NOW = Surroundings({}, datetime(2026, 11, 29, tzinfo=UTC))
PARTS = ("title", "score", "seen", "hint")
# A word for each place where a part of a criterion can be told. No other text holds one.
WORDS: Mapping[str, tuple[str, ...]] = {
    "title": ("ztitle", "z-id"),
    "score": ("87", "89"),
    "seen": (
        "zrequired",
        "zseen",
        "ztranscript",
        "zraised",
        "zprinted",
        "zcase",
        "zfile",
        "zpicture",
        "zjpeg",
    ),
    "hint": ("zadvice",),
}
SHARED = ("zsidecall", "zmeasured")
"""Of nobody knows which criterion: they go with what was seen."""


def criterion(levels: FeedbackLevels, status: Status = Status.FAILED) -> CriterionResult:
    """Return a criterion with all words; it has 87 of 89 points."""
    raised = RaisedException(
        error="zraised", message="zraised", places=(SourceLine(file="zfile", line=7),)
    )
    feedback = FEEDBACK.model_copy(
        update={
            "required": "zrequired",
            "seen": "zseen",
            "advice": "zadvice",
            "transcript": (line(1, "server", "ztranscript", "ztranscript", marked=True),),
            "cause": "raised",
            "raised": raised,
            "printed": "zprinted",
            "picture": Picture(of="zpicture", jpeg="zjpeg"),
        }
    )
    cases = (case("zcase", Status.FAILED, feedback), case("zcase two", Status.FAILED, feedback))
    made = row("z-id", "ztitle", status, 89, score=87, cases=cases)
    message = "zrequired zseen zadvice"
    return made.model_copy(update={"levels": levels, "message": message})


def graded(levels: FeedbackLevels) -> Result:
    """Return a result with the criterion, and one that waits for it."""
    waits = row("waits", "It waits", Status.BLOCKED, 5, blocked_by=("z-id",))
    told = waits.model_copy(update={"message": "Not tried: it needs z-id."})
    made = result(
        row("first", "A first message is answered", points=6),
        criterion(levels),
        told,
        side_calls=(SideCall(purpose="title", summary="zsidecall"),),
    )
    measured = (Measurement(name="zmeasured", value=1.0, unit="ms"),)
    return made.model_copy(update={"measurements": measured})


def everything_for(audience: Audience, made: Result) -> Iterator[tuple[str, str]]:
    """Yield each form in which a result reaches a reader, with its name."""
    for name, form in FORMATS.items():
        if form.reader is None:
            text = rendered(form, made, NOW, audience)
            yield name, base64.b64decode(text).decode() if name == "github-classroom" else text
    shown = seen_by(audience, made)
    console = Console(width=200, file=io.StringIO(), force_terminal=False)
    with console.capture() as capture:
        console.print(terminal.render(shown, detail=terminal.Detail(("z-id",), everything=True)))
        console.print(terminal.render(shown))
    yield "page", capture.get()
    yield "annotations", "".join(map(str, github.annotations_of(shown)))
    outputs = github.outputs(shown, "end")
    encoded = outputs.split("result<<end\n")[1].split("\n")[0]
    yield "outputs", outputs + base64.b64decode(encoded).decode()
    yield "log", log_of(audience, made.criteria[1])


def log_of(audience: Audience, made: CriterionResult) -> str:
    """Return what the log of a run says about a criterion."""
    told = io.StringIO()
    progress = Progress(Console(file=told, width=200), audience)
    progress(CriterionStarted(made.id, made.title, made.levels))
    for each in made.cases:
        progress(CaseFinished(made.id, each))
    progress(CriterionFinished(made))
    return told.getvalue()


EACH_LEVEL = list(product(PARTS, Visibility))


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize(("part", "level"), EACH_LEVEL, ids=str)
def test_no_hidden_word_reaches_a_reader(part: str, level: Visibility, audience: Audience) -> None:
    made = graded(FeedbackLevels(**{part: level}))
    words = WORDS[part] + (SHARED if part == "seen" else ())
    told = dict(everything_for(audience, made))
    found = {name: [word for word in words if word in text] for name, text in told.items()}
    if audience.sees(level):
        together = {word for each in found.values() for word in each}
        assert together == set(words)
    else:
        assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize("audience", [each for each in Audience if each != Audience.INSTRUCTOR])
def test_all_hidden_leaves_only_that_there_is_one(audience: Audience) -> None:
    hidden = Visibility.HIDDEN
    made = graded(FeedbackLevels(title=hidden, score=hidden, seen=hidden, hint=hidden))
    words = (*(word for each in WORDS.values() for word in each), *SHARED)
    for name, text in everything_for(audience, made):
        assert [word for word in words if word in text] == [], name
    shown = seen_by(audience, made)
    assert [each.title for each in shown.criteria][1] == UNNAMED
    assert (shown.score, shown.max_score) == (6, 11)
    assert shown.criteria[1].status is Status.WITHHELD


def test_points_add_up_whatever_is_shown() -> None:
    for part, level in EACH_LEVEL:
        for audience in Audience:
            shown = seen_by(audience, graded(FeedbackLevels(**{part: level})))
            assert shown.score == sum(each.score for each in shown.criteria)
            assert shown.max_score == sum(each.max_score for each in shown.criteria)


def test_hint_without_what_was_seen_is_told_alone() -> None:
    made = graded(FeedbackLevels(seen=Visibility.HIDDEN))
    (hint,) = seen_by(Audience.STUDENT, made).criteria[1].cases
    assert hint.feedback is not None
    assert (hint.name, hint.feedback.seen, hint.feedback.advice) == ("", "", "zadvice")
    told = dict(everything_for(Audience.STUDENT, made))
    assert "The details of this check are not shown here." in told["page"]
    assert "zadvice" in told["page"]
    assert "zadvice" in told["markdown"]


def test_what_waits_is_still_told_what_for_without_its_name() -> None:
    made = graded(FeedbackLevels(title=Visibility.HIDDEN))
    waits = seen_by(Audience.STUDENT, made).criteria[2]
    assert waits.message == "Not tried: it needs criterion-2."
    assert UNNAMED in dict(everything_for(Audience.STUDENT, made))["junit"]


def test_what_all_may_see_stays_the_same_object() -> None:
    made = graded(FeedbackLevels())
    assert all(seen_by(audience, made) is made for audience in Audience)


@pytest.mark.parametrize("status", [Status.PASSED, Status.ERROR, Status.NOT_RUN])
def test_message_of_what_did_not_fail_stays(status: Status) -> None:
    made = criterion(FeedbackLevels(hint=Visibility.HIDDEN), status)
    said = made.model_copy(update={"message": "As it was.", "cases": ()})
    assert shown_row(Audience.STUDENT, said).message == "As it was."


def test_case_that_passed_stays_where_only_hints_are_hidden() -> None:
    made = criterion(FeedbackLevels(hint=Visibility.HIDDEN))
    passed = CaseResult(name="right", status=Status.PASSED)
    shown = shown_row(Audience.STUDENT, made.model_copy(update={"cases": (passed, *made.cases)}))
    assert shown.cases[0] == passed
    assert shown.message == "zrequired zseen"


def test_gradescope_hides_each_part_until_its_time() -> None:
    due, published = Visibility.AFTER_DUE_DATE, Visibility.AFTER_PUBLISHED
    made = graded(FeedbackLevels(title=due, seen=published, hint=Visibility.HIDDEN))
    tests = json.loads(rendered(FORMATS["gradescope"], made, NOW))["tests"]
    told = [(each["name"], each["number"], each["visibility"]) for each in tests]
    assert told == [
        ("A first message is answered", "1", "visible"),
        ("ztitle", "2", "after_due_date"),
        ("ztitle (details)", "2.1", "after_published"),
        ("It waits", "3", "visible"),
    ]
    assert "zseen" not in tests[1]["output"]
    assert "zseen" in tests[2]["output"]
    assert all("zadvice" not in each["output"] for each in tests)
    assert "ztitle" not in tests[3]["output"]
    assert "score" not in tests[2]


def test_brief_line_of_what_failed_leaves_a_hidden_hint_out() -> None:
    made = graded(FeedbackLevels(hint=Visibility.HIDDEN))
    dearer = row(
        "dear", "It costs more", Status.FAILED, 50, cases=(case("x", Status.FAILED, FEEDBACK),)
    )
    both = made.model_copy(update={"criteria": (dearer, made.criteria[1])})
    shown = seen_by(Audience.STUDENT, both)
    page = as_text(terminal.render(shown))
    assert "Seen  zcase: zseen" in page
    assert page.count("Try") == 1


def test_class_is_named_where_people_read() -> None:
    made = graded(FeedbackLevels()).model_copy(update={"course": "Agents_1, Spring"})
    told = dict(everything_for(Audience.STUDENT, made))
    assert "Class     Agents_1, Spring" in told["page"]
    assert r"Class: Agents\_1, Spring" in told["markdown"]
    assert all("Agents_1, Spring" in told[name] for name in ("html", "junit", "json"))
