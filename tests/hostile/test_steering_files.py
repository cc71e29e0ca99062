"""Files that would steer Python or pytest, were they where the grader looks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from graders.engine.content.canaries import new_seed
from graders.engine.content.catalogue import Catalogue
from graders.engine.content.submission import find_submission
from graders.engine.core.results import Status
from graders.engine.grading.run import grade
from graders.engine.harness.rig import rig_for
from graders.engine.sandbox import Launcher
from tests.students import Bench

ROOT = Path(__file__).parents[2]
_EVIL = """
import os, pathlib
pathlib.Path(r"{mark}").open("a").write(__name__ + " " + str(os.getpid()) + "\\n")
raise SystemExit(0)
"""
STEERING = (
    "conftest.py",
    "sitecustomize.py",
    "usercustomize.py",
    "test_server.py",
    "graders/__init__.py",
    "graders/lesson02/test_first_answer.py",
)


def _evil_files(mark: Path) -> dict[str, str]:
    code = _EVIL.format(mark=mark)
    line = f"import pathlib; pathlib.Path(r'{mark}').write_text('pth')\n"
    return {
        **dict.fromkeys(STEERING, code),
        "evil.pth": line,
        "pytest.ini": "[pytest]\naddopts = -p conftest --collect-only\n",
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--no-such-option'\n",
        "tox.ini": "[pytest]\naddopts = --no-such-option\n",
        ".env": "OPENAI_API_KEY=sk-stolen\n",
    }


async def test_steering_files_have_no_effect_on_a_server(bench: Bench, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    student = await bench.serve(
        """
        import os

        async def app(scope, receive, send):
            assert scope["type"] == "http"
            await send({"type": "http.response.start", "status": 200, "headers": []})
            key = os.environ["OPENAI_API_KEY"].encode()
            await send({"type": "http.response.body", "body": key})
        """,
        files=_evil_files(mark),
    )
    assert (await student.http.get("/")).text == "sk-test"
    assert not mark.exists()
    await bench.serve_honest()


def test_steering_files_have_no_effect_on_grading(
    launcher: Launcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "ran"
    folder = tmp_path / "submission"
    solution = ROOT / "reference_solutions" / "lesson02" / "solution"
    files = {path.name: path.read_text(encoding="utf-8") for path in solution.glob("*.py")}
    for name, text in {**files, **_evil_files(mark)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    before = (list(sys.path), dict(os.environ))
    lesson = Catalogue(ROOT).lesson("lesson02")
    first = lesson.rubric.prerequisites_first()[0].id
    submission = find_submission(folder)
    with rig_for(submission, launcher, limits=lesson.info.limits, env=lesson.info.env) as rig:
        result = grade(lesson, submission, seed=new_seed(), starter=rig, only=(first,))
    statuses = {each.id: each.status for each in result.criteria}
    assert statuses.pop(first) is Status.PASSED
    assert set(statuses.values()) == {Status.NOT_RUN}
    assert not mark.exists()
    assert before == (list(sys.path), dict(os.environ))
