"""Each mistake that a new user makes is told by its own cause, in the first lines that are read.

`mistakes.yaml` has a row for each: what is changed in a solution that has full marks (`find`,
`write`), the criterion that is tried, and what the student then reads: the first three lines of
what was seen, or of why the server did not start, and the beginning of the advice.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pydantic import Field

from graders.engine.authoring.presupposed import contradictions
from graders.engine.content.binding import read
from graders.engine.content.catalogue import Catalogue
from graders.engine.content.fields import ContentModel, Slug
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import Result, Status
from graders.engine.grading.folder import grade_folder
from graders.engine.grading.request import GradingRequest
from graders.engine.harness.server_factory import open_factory
from graders.engine.sandbox.process import Launcher

LIMITS = {"answer_cpu_seconds": 1}
"""An endless loop is one after a second, too."""


class Row(ContentModel):
    """One mistake and what is said about it."""

    name: Slug
    lesson: Slug = "lesson02"
    only: Slug = "server-answers"
    file: str = "server.py"
    encoding: str = "utf-8"
    find: str
    write: str
    also: dict[str, str] = Field(default_factory=dict)
    seen: tuple[str, ...]
    advice: str


class Table(ContentModel):
    """All mistakes."""

    rows: tuple[Row, ...]


ROWS = read(Path(__file__).with_name("mistakes.yaml"), Table).rows


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_mistake_is_told_by_its_cause(row: Row, launcher: Launcher, tmp_path: Path) -> None:
    lesson = Catalogue(REPOSITORY).lesson(row.lesson)
    folder = tmp_path / "submission"
    shutil.copytree(lesson.solutions_dir / "solution", folder)
    path = folder / row.file
    right = path.read_text(encoding="utf-8")
    assert row.find in right
    path.write_bytes(right.replace(row.find, row.write).encode(row.encoding))
    for name, text in row.also.items():
        (folder / name).write_text(text, encoding="utf-8")
    result = grade_folder(
        GradingRequest(lesson, folder, seed=7, only=(row.only,)),
        lambda lesson, submission: open_factory(
            submission, launcher, limits={**lesson.info.limits, **LIMITS}, env=lesson.info.env
        ),
    )
    seen, advice = told(result)
    assert tuple(seen.splitlines()[:3]) == row.seen
    assert advice.startswith(row.advice)
    assert list(contradictions(result)) == []


def told(result: Result) -> tuple[str, str]:
    """Return what is read first: what was seen, or why nothing was, and the advice."""
    if result.problem is not None:
        return result.problem.title, result.problem.cure
    failed = next(row for row in result.criteria if row.status is Status.FAILED)
    feedback = next(case.feedback for case in failed.cases if case.feedback)
    return feedback.seen, feedback.advice


def test_there_are_at_least_as_many_mistakes_as_were_tried() -> None:
    assert len(ROWS) >= 34
    assert len({row.name for row in ROWS}) == len(ROWS)
