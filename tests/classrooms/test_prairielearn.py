"""The PrairieLearn grader, started as a grading job does: in a folder laid out as `/grade`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from uuid import UUID

import pytest

from graders.engine.bundles import kinds
from graders.engine.bundles.files import write_folder
from graders.engine.content.catalogue import Catalogue
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import IsolationLevel
from tests.classrooms.conftest import LESSON, SOLUTION, Run
from tests.classrooms.readers import prairielearn_results

GRADER = "serverFilesCourse/chatkit_grader"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Return the folder of a grading job, without the submission."""
    course = tmp_path / "course"
    write_folder(kinds.prairielearn(REPOSITORY, [LESSON], IsolationLevel.PRACTICE), course)
    place = tmp_path / "grade"
    shutil.copytree(course / "serverFilesCourse", place / "serverFilesCourse")
    (place / "student").mkdir()
    (place / "data").mkdir()
    (place / "data" / "data.json").write_text("{}")
    return place


def graded(run: Run, job: Path) -> dict[str, object]:
    """Run the entrypoint, as the question's `info.json` names it."""
    entrypoint = job / GRADER / "run_grader"
    done = run(entrypoint, "lesson01", cwd=job, variables={"GRADE_ROOT": str(job)})
    assert done.returncode == 0, done.stderr
    return prairielearn_results(job / "results" / "results.json")


def test_solution_gets_the_whole_score(run: Run, job: Path) -> None:
    shutil.copytree(SOLUTION, job / "student", dirs_exist_ok=True)
    result = graded(run, job)
    assert (result["gradable"], result["score"]) == (True, 1.0)
    assert isinstance(result["tests"], list)
    assert len(result["tests"]) == len(LESSON.rubric.criteria)


def test_attempt_that_could_not_be_graded_is_given_back(run: Run, job: Path) -> None:
    (job / GRADER / "grade.py").write_text("raise SystemExit(5)")
    result = graded(run, job)
    assert result["gradable"] is False
    assert "exit code 5" in str(result["message"])


def test_each_lesson_is_a_question_of_its_own() -> None:
    lessons = Catalogue(REPOSITORY).lessons()[:2]
    files = kinds.prairielearn(REPOSITORY, lessons, IsolationLevel.STRONG)
    infos = [json.loads(files[f"questions/{each.id}/info.json"]) for each in lessons]
    assert [each["title"] for each in infos] == [each.title for each in lessons]
    assert len({UUID(each["uuid"]) for each in infos}) == 2
    for lesson, info in zip(lessons, infos, strict=True):
        options = info["externalGradingOptions"]
        assert options["entrypoint"] == [f"/grade/{GRADER}/run_grader", lesson.id]
        assert options["serverFilesCourse"] == ["chatkit_grader/"]
        assert f"{GRADER}/run_grader" in files
    assert b"REQUIRE=strong" in files[f"{GRADER}/run_grader"]
    image = files["Dockerfile"].decode()
    assert f"COPY {GRADER} " in image
    # A grading has no network: what each of them needs is installed with the image.
    assert f"for lesson in {' '.join(each.id for each in lessons)}; do" in image
    assert 'grade.py list "$lesson"' in image
