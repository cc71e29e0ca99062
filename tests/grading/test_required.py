"""The level of isolation that a run needs, and that it refuses to go on without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.content.models import Database
from graders.engine.core.errors import IsolationError
from graders.engine.core.results import Isolation, IsolationLevel, Problem, Result
from graders.engine.grading import run
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.required import (
    is_official,
    level_for,
    require,
    require_browser,
    required_level,
)
from graders.engine.grading.run import grade
from graders.engine.harness.kept import KeptTexts, usual_place
from graders.engine.harness.server_factory import Served
from graders.engine.server.trace import Trace
from graders.engine.submissions.submission import find_submission
from tests.miniature import COURSE, FactoryStandIn

FULL, STRONG, PRACTICE = IsolationLevel
SOLUTION = COURSE / "reference_solutions" / "greeting" / "solution"


@pytest.mark.parametrize(
    ("asked", "environment", "of_many", "level"),
    [
        (None, {}, False, PRACTICE),
        (None, {"CI": "true"}, False, STRONG),
        (None, {"CI": "1"}, False, STRONG),
        (None, {"GITHUB_ACTIONS": "true"}, False, STRONG),
        (None, {"CI": ""}, False, PRACTICE),
        (None, {"CI": "false"}, False, PRACTICE),
        (None, {}, True, STRONG),
        (PRACTICE, {"CI": "true"}, True, PRACTICE),
        (FULL, {}, False, FULL),
    ],
)
def test_level_is_what_was_asked_for_else_strong_where_scores_count(
    asked: IsolationLevel | None,
    environment: Mapping[str, str],
    *,
    of_many: bool,
    level: IsolationLevel,
) -> None:
    assert required_level(asked, environment, of_many=of_many) is level


def test_levels_have_an_order() -> None:
    levels = [PRACTICE, STRONG, FULL]
    reached = [[wanted for wanted in levels if level.reaches(wanted)] for level in levels]
    assert reached == [[PRACTICE], [PRACTICE, STRONG], [PRACTICE, STRONG, FULL]]


def test_web_code_counts_only_in_a_browser() -> None:
    require_browser(Path("/usr/bin/chromium"))
    with pytest.raises(IsolationError, match="only in a real browser") as caught:
        require_browser(None)
    assert "CHATKIT_GRADER_BROWSER" in caught.value.cure


def test_web_code_counts_only_with_a_root_of_its_own() -> None:
    assert [level_for(level, web=True) for level in (PRACTICE, STRONG, FULL)] == [
        PRACTICE,
        FULL,
        FULL,
    ]
    assert level_for(STRONG, web=False) is STRONG


def test_only_a_run_that_needs_isolation_counts() -> None:
    assert [is_official(level) for level in (PRACTICE, STRONG, FULL)] == [False, True, True]


@pytest.mark.parametrize("level", IsolationLevel)
def test_enough_is_enough(level: IsolationLevel) -> None:
    require(level, Isolation(level=level))
    require(PRACTICE, Isolation(level=level))


def test_less_is_refused_with_what_is_missing_and_the_cure() -> None:
    isolation = Isolation(level=PRACTICE, missing=("It needs Landlock.", "It needs seccomp."))
    with pytest.raises(IsolationError) as refused:
        require(STRONG, isolation)
    assert refused.value.message == (
        "Nothing was graded: `strong` isolation is required, and this machine offers `practice` "
        "only. It needs Landlock. It needs seccomp."
    )
    assert "docs/security.md" in refused.value.cure
    assert "`--require practice`" in refused.value.cure


class Weaker(FactoryStandIn):
    """Starts servers in another way than it was tried out."""

    async def start(self, trace: Trace) -> Served:
        """Start one that is not isolated."""
        self.offered = Isolation(level=PRACTICE, missing=("It needs Landlock.",))
        return await super().start(trace)


def _graded(factory: FactoryStandIn, level: IsolationLevel) -> Result:
    lesson = Catalogue(COURSE).lesson("greeting")
    request = GradingRequest(lesson, factory.root, seed=7, require=level)
    return grade(request, find_submission(factory.root).root, factory)


def test_no_server_is_started_where_the_trial_shows_too_little() -> None:
    factory = FactoryStandIn(SOLUTION)
    with pytest.raises(IsolationError):
        _graded(factory, STRONG)
    assert factory.servers == []


def test_server_that_is_shut_in_less_than_the_trial_gets_no_score_either() -> None:
    factory = Weaker(SOLUTION, offered=Isolation(level=STRONG))
    with pytest.raises(IsolationError, match="It needs Landlock"):
        _graded(factory, STRONG)


@pytest.mark.parametrize("level", IsolationLevel)
def test_run_is_advisory_unless_isolation_was_required(level: IsolationLevel) -> None:
    result = _graded(FactoryStandIn(SOLUTION, offered=Isolation(level=FULL)), level)
    assert result.advisory is (level is PRACTICE)


@pytest.mark.parametrize("level", IsolationLevel)
def test_run_that_counts_rests_on_no_file(
    level: IsolationLevel, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: list[Path | None] = []

    def kept(file: Path | None, made_with: str) -> KeptTexts:
        files.append(file)
        return KeptTexts(None, made_with)

    monkeypatch.setattr(run, "KeptTexts", kept)
    _graded(FactoryStandIn(SOLUTION, offered=Isolation(level=FULL)), level)
    assert files == [usual_place() if level is PRACTICE else None]


def test_what_is_kept_of_own_servers_is_the_same_for_every_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    versions: list[str] = []

    def kept(_file: Path | None, made_with: str) -> KeptTexts:
        versions.append(made_with)
        return KeptTexts(None, made_with)

    monkeypatch.setattr(run, "KeptTexts", kept)
    lesson = Catalogue(COURSE).lesson("greeting")
    for database in Database:
        factory = FactoryStandIn(SOLUTION, offered=Isolation(level=FULL))
        grade(
            GradingRequest(replace(lesson, database=database), factory.root, seed=7),
            factory.root,
            factory,
        )
    assert versions[0] == versions[1]


@pytest.mark.parametrize("problem", [None, Problem(kind="no-server", title="There is no server.")])
def test_web_code_is_not_run_for_a_score_where_it_is_not_isolated(problem: Problem | None) -> None:
    lesson = Catalogue(COURSE).lesson("greeting")
    web = replace(lesson, info=lesson.info.model_copy(update={"web": True}))
    factory = FactoryStandIn(SOLUTION, offered=Isolation(level=STRONG))
    request = GradingRequest(web, factory.root, seed=7, require=STRONG)
    with pytest.raises(IsolationError, match="`full` isolation is required"):
        grade(request, factory.root, factory, problem=problem)
    assert factory.servers == []


def test_web_code_is_not_run_for_a_score_without_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "find_browser", lambda: None)
    lesson = Catalogue(COURSE).lesson("greeting")
    web = replace(lesson, info=lesson.info.model_copy(update={"web": True}))
    factory = FactoryStandIn(SOLUTION, offered=Isolation(level=IsolationLevel.FULL))
    request = GradingRequest(web, factory.root, seed=7, require=STRONG)
    with pytest.raises(IsolationError, match="browser"):
        grade(request, factory.root, factory)
    assert factory.servers == []
