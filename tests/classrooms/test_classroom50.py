"""The autograder for Classroom 50, run as its runner does: in a student's checkout."""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from graders.engine.bundles import kinds
from graders.engine.bundles.files import files_below, write_folder
from graders.engine.core.errors import UsageError
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import IsolationLevel
from tests.classrooms.conftest import LESSON, Run
from tests.classrooms.readers import actions_commands, actions_outputs, classroom50_result

MOST_BUNDLE = 10 * 1024 * 1024
"""The runner fetches no more."""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return the folder of the autograder."""
    folder = tmp_path / "bundle"
    write_folder(kinds.classroom50(REPOSITORY, [LESSON], IsolationLevel.PRACTICE), folder)
    return folder


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """Return the variables that the runner sets."""
    (tmp_path / "runner").mkdir()
    site = "https://example.org/class/repository"
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(tmp_path / "runner" / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "runner" / "summary"),
        "RUNNER_TEMP": str(tmp_path / "runner"),
        "CLASSROOM": "agents-1",
        "ASSIGNMENT": "first-steps",
        "ASSIGNMENT_TYPE": "individual",
        "OWNER": "alice",
        "USERNAME": "alice",
        "SUBMISSION_TAG": "submit/2026-11-29T12-00-00Z-a1b2c3d",
        "COMMIT_URL": f"{site}/commit/a1b2c3d",
        "RELEASE_URL": f"{site}/releases/tag/x",
        "REVIEW_URL": f"{site}/compare/0...a1b2c3d",
    }


def graded(run: Run, bundle: Path, checkout: Path, runner: Mapping[str, str]) -> tuple[int, str]:
    """Run the autograder; return its exit code and the log."""
    done = run(sys.executable, bundle / "autograder.py", cwd=checkout, variables=runner)
    return done.returncode, done.stdout + done.stderr


def test_solution_in_a_checkout_of_the_template_gets_full_marks(
    run: Run, bundle: Path, solved: Path, runner: Mapping[str, str]
) -> None:
    (solved / "elsewhere").write_text("mine")
    (solved / "result.json").symlink_to(solved / "elsewhere")
    (solved / "release-body.md").mkdir()
    (solved / "grade.py").write_text("raise SystemExit('a grader of the student')")
    code, log = graded(run, bundle, solved, runner)
    assert code == 0, log
    result = classroom50_result(solved / "result.json", runner)
    assert (result["score"], result["max-score"]) == (100, 100)
    assert all(each["passed"] for each in result["tests"])
    outputs = actions_outputs(Path(runner["GITHUB_OUTPUT"]))
    assert (outputs["status"], outputs["summary"]) == ("success", "100 of 100 points")
    assert "100" in (solved / "release-body.md").read_text("utf-8")
    assert "<!doctype html>" in (solved / "report.html").read_text("utf-8")
    assert (solved / "elsewhere").read_text() == "mine"


def test_checkout_of_one_folder_that_cannot_be_graded_is_a_result_all_the_same(
    run: Run, bundle: Path, tmp_path: Path, runner: Mapping[str, str]
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "server.py").write_text("print('::error::hello')\ndef app(:\n")
    (checkout / "result.json").write_text('{"score": 100}')
    code, log = graded(run, bundle, checkout, runner)
    assert code == 0, log
    result = classroom50_result(checkout / "result.json", runner)
    assert result["score"] == 0
    assert "invalid syntax" in (checkout / "release-body.md").read_text("utf-8")
    outputs = actions_outputs(Path(runner["GITHUB_OUTPUT"]))
    assert (outputs["status"], outputs["summary"]) == ("failure", "0 of 100 points")
    commands = actions_commands(log)
    assert [name for name, _, _ in commands] == ["error"] * len(commands)
    assert "hello" not in [text for _, _, text in commands]


def test_grader_that_cannot_grade_ends_with_its_exit_code_and_no_result(
    run: Run, bundle: Path, tmp_path: Path, runner: Mapping[str, str]
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "result.json").write_text('{"score": 100}')
    (bundle / "grade.py").write_text("raise SystemExit(5)")
    code, log = graded(run, bundle, checkout, runner)
    assert code == 5
    assert "The submission was not graded: grade.py ended with exit code 5." in log
    assert not (checkout / "result.json").exists()


def test_bundle_is_small_enough_to_be_fetched_and_for_one_lesson() -> None:
    files = kinds.classroom50(REPOSITORY, [LESSON], IsolationLevel.STRONG)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    assert len(buffer.getvalue()) < MOST_BUNDLE // 4
    assert b"REQUIRE=strong" in files["autograder.py"]
    with pytest.raises(UsageError, match="an assignment is one lesson; you named 2"):
        kinds.classroom50(REPOSITORY, [LESSON, LESSON], IsolationLevel.STRONG)


def test_nothing_but_what_students_may_see_is_in_it() -> None:
    files = kinds.classroom50(REPOSITORY, [LESSON], IsolationLevel.STRONG)
    open_files = kinds.student(REPOSITORY, [LESSON])
    more = {name for name, data in files.items() if open_files.get(name) != data}
    assert more == {"autograder.py"}
    assert files_below(REPOSITORY / "classrooms" / "classroom50").keys() == {"autograder.py"}
