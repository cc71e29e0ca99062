"""Files are graded although no server starts, against what the locked SDK really sends."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from graders.engine.content.canaries import Canaries
from graders.engine.content.catalogue import Catalogue
from graders.engine.core.errors import Finding, GraderBrokeError
from graders.engine.core.results import Result, Status
from graders.engine.grading.folder import grade_folder
from graders.engine.grading.request import GradingRequest
from graders.engine.harness import Recordings, Scene, Trace
from graders.engine.harness.server_factory import ProcessFactory, open_factory
from graders.engine.sandbox.process import Launcher
from graders.engine.server.settings import ServerSettings
from graders.lesson01.scenarios import REFERENCE, play_lifecycles

ROOT = Path(__file__).parents[2]
LESSON = Catalogue(ROOT).lesson("lesson01")
SOLUTION = ROOT / "reference_solutions" / "lesson01" / "solution"
FILES = {each.id for each in LESSON.rubric.criteria if each.id.startswith(("quiz", "lifecycle"))}


def graded(launcher: Launcher, folder: Path) -> Result:
    """Grade a folder with a real launcher."""
    return grade_folder(
        GradingRequest(LESSON, folder, seed=7),
        lambda lesson, submission: open_factory(
            submission, launcher, limits=lesson.info.limits, env=lesson.info.env
        ),
    )


def statuses(result: Result) -> Mapping[str, Status]:
    return {row.id: row.status for row in result.criteria}


@pytest.mark.parametrize("server", ["def app(:", None])
def test_files_are_graded_when_the_server_does_not_start(
    launcher: Launcher, tmp_path: Path, server: str | None
) -> None:
    for file in SOLUTION.glob("*.yaml"):
        shutil.copy(file, tmp_path)
    if server is not None:
        (tmp_path / "server.py").write_text(server, encoding="utf-8")
    result = graded(launcher, tmp_path)
    assert result.problem is not None
    assert result.score == 64
    for name, status in statuses(result).items():
        assert status is (Status.PASSED if name in FILES else Status.NOT_RUN), name


async def test_reference_is_played_once_and_leaves_no_trace(launcher: Launcher) -> None:
    factory = ProcessFactory(
        launcher, ServerSettings(source=SOLUTION, variables={"OPENAI_API_KEY": "k"})
    )
    recordings = Recordings(factory, Canaries(7))
    first = await recordings.of_reference(play_lifecycles, REFERENCE)
    assert await recordings.of_reference(play_lifecycles, REFERENCE) is first
    assert first.first_message == ["thread.created", *first.follow_up]
    assert first.progress.count("progress_update") == 2
    assert factory.side_calls == []


async def test_reference_that_fails_is_our_own_failure(launcher: Launcher) -> None:
    async def play(scene: Scene) -> None:
        raise Finding(f"nothing came to {scene.chat.name}")

    factory = ProcessFactory(launcher, ServerSettings(source=SOLUTION))
    with pytest.raises(GraderBrokeError, match="nothing came to user"):
        await Recordings(factory, Canaries(7)).of_reference(play, REFERENCE)
    assert Trace().entries == []
