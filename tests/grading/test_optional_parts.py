"""A front end that nobody has to hand in: when it counts, and what its criteria are worth then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.core.results import (
    NOT_STARTED,
    CriterionResult,
    IsolationLevel,
    Problem,
    Result,
    Status,
)
from graders.engine.grading import optional_parts
from graders.engine.grading.optional_parts import NONE_HANDED_IN, hands_in_front_end
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.run import grade, ungraded
from graders.engine.web.packages import PackagesMissingError
from tests.grading.test_borrowing import ALL_RIGHT, OWN, course_with, line
from tests.miniature import FactoryStandIn

FULL, STRONG, PRACTICE = IsolationLevel
OPTIONAL = "    optional: {part: front-end, points_from: welcomes}\n"
LINE = line("greets", "polite", points=15) + OPTIONAL


CHROMIUM = Path("/usr/bin/chromium")
THERE = object


def _no_packages() -> None:
    raise PackagesMissingError("there is no npm")


def request_for(
    folder: Path,
    answers: str = ALL_RIGHT,
    *,
    front_end: bool,
    require: IsolationLevel = PRACTICE,
    only: tuple[str, ...] = (),
) -> GradingRequest:
    """Return the request to grade a server by a lesson with an optional criterion."""
    course = course_with(folder, LINE, own=OWN.replace("points: 40", "points: 100"))
    submission = folder / "submission"
    (submission / ("web/src" if front_end else "web")).mkdir(parents=True)
    (submission / "server.py").write_text(answers, encoding="utf-8")
    return GradingRequest(
        Catalogue(course).lesson("borrowing"), submission, seed=7, only=only, require=require
    )


def graded(
    request: GradingRequest, offered: IsolationLevel = PRACTICE, problem: Problem | None = None
) -> Result:
    """Grade it on a machine that offers this isolation."""
    factory = FactoryStandIn(
        request.submission, offered=NOT_STARTED.model_copy(update={"level": offered})
    )
    return grade(request, request.submission, factory, problem=problem)


def points(result: Result) -> dict[str, tuple[int, int]]:
    """Return by id what was earned of what."""
    return {row.id: (row.score, row.max_score) for row in result.criteria}


def left_out(result: Result) -> CriterionResult:
    """Return the optional criterion, which was not tried and has no points."""
    row = result.criteria[1]
    assert (row.id, row.status, row.max_score) == ("greets", Status.NOT_RUN, 0)
    return row


def test_without_a_front_end_nothing_is_lost(tmp_path: Path) -> None:
    result = graded(request_for(tmp_path, front_end=False))
    assert points(result) == {"welcomes": (100, 100), "greets": (0, 0)}
    assert (result.score, result.max_score, result.full_marks) == (100, 100, True)
    assert left_out(result).message == NONE_HANDED_IN
    assert result.notes == (NONE_HANDED_IN,)


def test_front_end_takes_its_points_from_another_line(tmp_path: Path) -> None:
    result = graded(request_for(tmp_path, front_end=True))
    assert points(result) == {"welcomes": (85, 85), "greets": (15, 15)}
    assert (result.score, result.max_score, result.notes) == (100, 100, ())


def test_broken_front_end_loses_something(tmp_path: Path) -> None:
    answers = ALL_RIGHT.replace('"good night": "good night"', '"good night": "?"')
    result = graded(request_for(tmp_path, answers, front_end=True))
    assert points(result) == {"welcomes": (85, 85), "greets": (10, 15)}
    assert (result.score, result.max_score) == (95, 100)


def test_what_was_not_asked_for_is_no_matter(tmp_path: Path) -> None:
    result = graded(request_for(tmp_path, front_end=False, only=("welcomes",)))
    assert left_out(result).message == "Not tried, because it was not asked for."
    assert result.notes == ()


def test_without_a_server_its_lack_is_told(tmp_path: Path) -> None:
    problem = Problem(kind="did-not-start", title="It did not start.", cure="Start it.")
    request = request_for(tmp_path, front_end=True)
    result = graded(request, problem=problem)
    assert (result.score, result.max_score) == (0, 100)
    assert result.criteria[1].message == "Not tried, because the server could not be started."
    assert points(ungraded(request, problem)) == {"welcomes": (0, 100), "greets": (0, 0)}
    assert ungraded(request, problem).max_score == 100


@pytest.mark.parametrize(
    ("offered", "browser", "packages", "why"),
    [
        (STRONG, CHROMIUM, THERE, "with `full` isolation, and this machine has `strong` only."),
        (FULL, None, THERE, "in a real browser, and this machine has none."),
        (FULL, CHROMIUM, _no_packages, "and this machine has none: there is no npm."),
    ],
)
def test_machine_without_what_web_code_needs_costs_nobody_points(  # noqa: PLR0917 - pytest passes them by name
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    offered: IsolationLevel,
    browser: Path | None,
    packages: Callable[[], object],
    why: str,
) -> None:
    monkeypatch.setattr(optional_parts, "find_browser", lambda: browser)
    monkeypatch.setattr(optional_parts, "web_packages", packages)
    result = graded(request_for(tmp_path, front_end=True, require=STRONG), offered)
    assert why in (left_out(result).message or "")
    assert (result.score, result.max_score, result.advisory) == (100, 100, False)


def test_front_end_counts_in_a_browser_with_full_isolation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optional_parts, "find_browser", lambda: CHROMIUM)
    monkeypatch.setattr(optional_parts, "web_packages", THERE)
    result = graded(request_for(tmp_path, front_end=True, require=STRONG), FULL)
    assert points(result)["greets"] == (15, 15)


@pytest.mark.parametrize(
    ("files", "there"),
    [
        ({"web/src/ChatWidget.tsx": ""}, True),
        ({"web/app.py": "app = 1"}, False),
        ({"submission.yaml": "frontend: client/"}, True),
        ({"submission.yaml": "app: web.main:app"}, False),
        ({"submission.yaml": "- what?"}, False),
        ({"submission.yaml": "- what?", "web/src/ChatWidget.tsx": ""}, True),
    ],
)
def test_front_end_is_named_or_stands_in_its_usual_folder(
    tmp_path: Path, files: dict[str, str], *, there: bool
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert hands_in_front_end(tmp_path) is there
