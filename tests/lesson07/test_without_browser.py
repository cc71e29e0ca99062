"""Where there is no browser: the widget runs in Node, and without Node it is not tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.core.errors import IsolationError
from graders.engine.core.results import IsolationLevel, Result, Status
from graders.engine.grading.folder import grade_folder
from graders.engine.grading.request import GradingRequest
from graders.engine.harness.server_factory import open_factory
from graders.engine.sandbox.process import Launcher
from graders.engine.web.programs import BROWSER_VARIABLE

ROOT = Path(__file__).parents[2]
LESSON = Catalogue(ROOT).lesson("lesson07")
SOLUTION = ROOT / "reference_solutions" / "lesson07" / "solution"
BACKEND = {
    "login", "credentials", "no-credentials-refused", "identity", "cors-exact", "cors-foreign",
    "upload-signed-in",
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the browsers of this machine."""
    monkeypatch.setenv(BROWSER_VARIABLE, "no-such-browser")


def graded(launcher: Launcher, require: IsolationLevel = IsolationLevel.PRACTICE) -> Result:
    """Grade the solution with a real launcher."""
    return grade_folder(
        GradingRequest(LESSON, SOLUTION, seed=7, require=require),
        lambda lesson, submission: open_factory(
            submission, launcher, limits=lesson.info.limits, env=lesson.info.env
        ),
    )


def test_widget_runs_in_node_and_what_cannot_be_seen_is_not_run(launcher: Launcher) -> None:
    result = graded(launcher)
    others = {row.id: row for row in result.criteria if row.status is not Status.PASSED}
    reasons = {"request-leaves": "`this`", "round-trip": "CORS", "cookie-sent": "no real cookies"}
    assert {*others} == {*reasons}
    for name, reason in reasons.items():
        assert others[name].status is Status.NOT_RUN
        assert reason in (others[name].message or "")
    assert any("by happy-dom in Node" in note for note in result.notes)


def test_without_node_only_the_backend_is_graded(
    launcher: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = graded(launcher)
    statuses = {row.id: row.status for row in result.criteria}
    assert {name for name, status in statuses.items() if status is Status.PASSED} == BACKEND
    assert {statuses[name] for name in statuses if name not in BACKEND} == {Status.NOT_RUN}
    assert any("There is no Node either" in note for note in result.notes)


def test_a_run_that_counts_is_refused(launcher: Launcher) -> None:
    with pytest.raises(IsolationError):
        graded(launcher, IsolationLevel.STRONG)
