"""Submissions that were once judged wrongly, or answered badly, and what must come of them now.

Each is a folder of `fixtures/submissions` with a `case.yaml`: the `lesson`, what `must` come, and
`why`. `must` is `full` (marks), `lose ID` (at least this criterion), `loses_only ID`, or
`message TEXT`: the text stands in the first finding that the student reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from graders.engine.authoring.presupposed import contradictions
from graders.engine.content.binding import read
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.content.fields import ContentModel, Slug
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import Result, Status
from graders.engine.grading.folder import grade_folder, servers_of
from graders.engine.grading.request import GradingRequest
from graders.engine.reports.causes import failed
from graders.engine.sandbox.process import Launcher

FOLDERS = sorted(file.parent for file in (REPOSITORY / "fixtures/submissions").glob("*/case.yaml"))


class Case(ContentModel):
    """What must come of one submission, and why."""

    lesson: Slug
    must: str
    why: str


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_is_judged_as_it_must_be(folder: Path, launcher: Launcher) -> None:
    case = read(folder / "case.yaml", Case)
    kind, _, what = case.must.partition(" ")
    result = _graded(folder, Catalogue(REPOSITORY).lesson(case.lesson), launcher)
    lost = {each.id for each in result.criteria if each.status is not Status.PASSED}
    assert list(contradictions(result)) == []
    match kind:
        case "full":
            assert result.full_marks, (lost, _first_finding(result))
        case "lose":
            assert what in lost
        case "loses_only":
            assert lost == {what}
        case _:
            assert kind == "message"
            assert what.lower() in _first_finding(result).lower()


def _graded(folder: Path, lesson: Lesson, launcher: Launcher) -> Result:
    archive = next(folder.glob("*.zip"), None)
    request = GradingRequest(lesson, archive or folder, seed=1)
    return grade_folder(request, servers_of(launcher))


def _first_finding(result: Result) -> str:
    """Return the texts that the student reads first, without the transcript."""
    if problem := result.problem:
        return f"{problem.title} {problem.detail} {problem.cure}"
    noted = " ".join(f"{call.purpose} {call.summary}" for call in result.side_calls)
    return next(_findings(result), noted)


def _findings(result: Result) -> Iterator[str]:
    """Yield what is told of each failed case, what brings most points first."""
    for criterion in failed(result):
        for case in criterion.cases:
            if case.status is Status.FAILED and case.feedback:
                yield f"{case.feedback.seen} {case.feedback.advice}"
