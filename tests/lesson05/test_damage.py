"""A store in which nothing can be damaged is not judged by what damage does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import Status
from graders.engine.grading.folder import grade_folder
from graders.engine.grading.request import GradingRequest
from graders.engine.harness.server_factory import open_factory
from graders.engine.sandbox.process import Launcher

LESSON = Catalogue(REPOSITORY).lesson("lesson05")
SOLUTION = REPOSITORY / "reference_solutions/lesson05/solution"
ASKED = ("damage-contained", "damage-answered")
DISGUISE = {
    "import sqlite3\n": "import codecs\nimport sqlite3\n",
    "adapter.validate_json(data)": 'adapter.validate_json(codecs.decode(data, "rot13"))',
    'thread.model_dump_json(exclude={"items"})': (
        'codecs.encode(thread.model_dump_json(exclude={"items"}), "rot13")'
    ),
    "item.model_dump_json()": 'codecs.encode(item.model_dump_json(), "rot13")',
}


@pytest.fixture
def disguised(tmp_path: Path) -> Path:
    """Return a right server that stores its texts so that the grader does not know them."""
    folder = tmp_path / "submission"
    shutil.copytree(SOLUTION, folder)
    store = folder / "store.py"
    code = store.read_text(encoding="utf-8")
    for plain, hidden in DISGUISE.items():
        assert plain in code
        code = code.replace(plain, hidden)
    store.write_text(code, encoding="utf-8")
    return folder


def test_what_cannot_be_damaged_is_not_run(launcher: Launcher, disguised: Path) -> None:
    result = grade_folder(
        GradingRequest(LESSON, disguised, seed=7, only=ASKED),
        lambda lesson, submission: open_factory(
            submission, launcher, limits=lesson.info.limits, env=lesson.info.env
        ),
    )
    told = {row.id: (row.status, row.score, row.message or "") for row in result.criteria}
    for name in ASKED:
        status, points, message = told[name]
        assert (status, points) == (Status.NOT_RUN, 0)
        assert message.startswith("The grader could not damage what the server stores")
    assert told["session-answers"][0] is Status.PASSED


def test_errors_of_what_was_not_damaged_count_for_nothing(
    launcher: Launcher, disguised: Path
) -> None:
    result = grade_folder(
        GradingRequest(LESSON, disguised, seed=7, only=("clean-errors",)),
        lambda lesson, submission: open_factory(
            submission, launcher, limits=lesson.info.limits, env=lesson.info.env
        ),
    )
    [row] = [row for row in result.criteria if row.id == "clean-errors"]
    assert (row.status, row.score) == (Status.PASSED, row.max_score)
    statuses = {case.name: case.status for case in row.cases}
    assert statuses.pop("damaged rows") is Status.BLOCKED
    assert set(statuses.values()) == {Status.PASSED}
