"""Where the server does not start: what a widget does by itself is graded all the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.core.results import Status
from graders.engine.grading.folder import grade_folder
from graders.engine.grading.request import GradingRequest
from graders.engine.harness.server_factory import open_factory
from graders.engine.sandbox.process import Launcher

ROOT = Path(__file__).parents[2]
LESSON = Catalogue(ROOT).lesson("lesson07")
SOLUTION = ROOT / "reference_solutions" / "lesson07" / "solution_header"
BY_ITSELF = {
    "mounts", "server-render", "real-options", "late-script", "blocked-script", "request-leaves",
    "token-sent",
}  # fmt: skip


def _does_not_start(folder: Path) -> None:
    (folder / "backend.py").write_text("import nothing_there", encoding="utf-8")


def _has_no_server(folder: Path) -> None:
    for file in folder.glob("*.py"):
        file.unlink()


@pytest.mark.parametrize("spoil", [_does_not_start, _has_no_server])
def test_widget_is_graded_where_its_server_does_not_start(
    launcher: Launcher, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    folder = tmp_path / "handed-in"
    shutil.copytree(SOLUTION, folder)
    spoil(folder)
    result = grade_folder(
        GradingRequest(LESSON, folder, seed=7),
        lambda lesson, submission: open_factory(
            submission, launcher, limits=lesson.info.limits, env=lesson.info.env
        ),
    )
    assert result.problem is not None
    statuses = {row.id: row.status for row in result.criteria}
    assert {name for name, status in statuses.items() if status is Status.PASSED} == BY_ITSELF
    assert {statuses[name] for name in statuses if name not in BY_ITSELF} == {Status.NOT_RUN}
