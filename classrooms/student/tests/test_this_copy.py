"""The grader in this copy is whole, and works on this machine: ``python grade.py test``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.content.conversation import load_conversation
from graders.engine.core.results import Result
from graders.engine.grading.folder import grade_folder, open_servers
from graders.engine.grading.request import GradingRequest

ROOT = Path(__file__).parents[1]
# A lesson can be there for its checks alone, which another one borrows.
LESSONS = [name for name in Catalogue(ROOT).ids() if (ROOT / "assignments" / name).is_dir()]
SERVER = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 501, "headers": []})
    await send({"type": "http.response.body"})
"""


def test_no_file_of_the_grader_was_changed() -> None:
    told = json.loads((ROOT / "graders" / "bundle.json").read_text("utf-8"))
    changed = [
        name
        for name, digest in told["files"].items()
        if not (ROOT / name).is_file()
        or hashlib.sha256((ROOT / name).read_bytes()).hexdigest() != digest
    ]
    assert not changed, f"changed or missing; get them from the template again: {changed}"


@pytest.mark.parametrize("lesson", LESSONS)
def test_sample_conversations_can_be_read(lesson: str) -> None:
    samples = sorted((ROOT / "assignments" / lesson / "conversations").glob("*.yaml"))
    assert samples
    for sample in samples:
        assert load_conversation(sample).turns


@pytest.mark.parametrize("lesson", LESSONS)
def test_server_is_started_and_graded_here(lesson: str, tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER, encoding="utf-8")
    result = graded(lesson, tmp_path)
    assert not result.grader_failed
    assert 0 <= result.score < result.max_score


def graded(lesson: str, folder: Path) -> Result:
    """Grade a folder on this machine."""
    with open_servers() as open_factory:
        request = GradingRequest(Catalogue(ROOT).lesson(lesson), folder, seed=1)
        return grade_folder(request, open_factory)
