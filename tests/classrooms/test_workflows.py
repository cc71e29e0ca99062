"""The workflows for GitHub: their own steps, run with the variables that GitHub sets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from graders.engine.core.places import REPOSITORY
from tests.classrooms.conftest import LESSON, Run
from tests.classrooms.readers import (
    MOST_SUMMARY,
    actions_commands,
    actions_outputs,
    reporter_results,
)

WORKFLOWS = ("github-actions/grade.yml", "github-classroom/classroom.yml")
SHELLS = {"bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail")}
"""How GitHub runs a step with this shell; without a word about it, it is `bash -e`."""


def workflow(name: str) -> dict[str, Any]:
    """Return a workflow, for lesson01."""
    text = (REPOSITORY / "classrooms" / name).read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text.replace("lesson06", LESSON.id))
    return loaded


def step_named(name: str, job: dict[str, Any]) -> dict[str, Any]:
    """Return one step of a job."""
    (found,) = (each for each in job["steps"] if each.get("name") == name)
    return dict(found)


class GitHub:
    """Runs a step in a checkout, with the files and variables of a runner."""

    def __init__(self, run: Run, checkout: Path, folder: Path) -> None:
        self.run = run
        self.checkout = checkout
        self.summary, self.output = folder / "summary", folder / "output"

    def step(self, step: dict[str, Any]) -> tuple[int, str]:
        """Run a step; return its exit code and its log."""
        script = step["run"].replace("${{ matrix.lesson }}", LESSON.id)
        assert "${{" not in script
        shell = SHELLS.get(step.get("shell", ""), ("bash", "-e"))
        variables = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.checkout),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.output),
        }
        # What a machine of these tests can do is not what they are about.
        script = script.replace("--report", "--require practice --report", 1)
        done = self.run(*shell, "-c", script, cwd=self.checkout, variables=variables)
        return done.returncode, done.stdout + done.stderr


def test_push_of_a_solution_is_green_and_its_summary_is_the_report(
    run: Run, solved: Path, tmp_path: Path
) -> None:
    github = GitHub(run, solved, tmp_path)
    code, log = github.step(step_named("Grade", workflow(WORKFLOWS[0])["jobs"]["grade"]))
    assert code == 0, log
    assert actions_commands(log) == []
    assert actions_outputs(github.output)["score"] == "100"
    assert len(github.summary.read_bytes()) <= MOST_SUMMARY
    assert "100" in github.summary.read_text("utf-8")
    assert (solved / "report.html").is_file()
    assert (solved / "result.json").is_file()


def test_push_of_a_mistake_is_red_and_marks_the_students_own_line(
    run: Run, solved: Path, tmp_path: Path
) -> None:
    server = solved / "assignments" / "lesson01" / "server.py"
    text = server.read_text("utf-8")
    server.write_text(
        re.sub(
            r"(\n    async def respond\(.*?\).*?:\n)", r"\1        1 / 0\n", text, flags=re.DOTALL
        ),
        "utf-8",
    )
    github = GitHub(run, solved, tmp_path)
    code, log = github.step(step_named("Grade", workflow(WORKFLOWS[0])["jobs"]["grade"]))
    assert code == 1, log
    marked = [told for name, told, _ in actions_commands(log) if name == "error"]
    assert 1 <= len(marked) <= 10
    lines = server.read_text("utf-8").splitlines()
    places = [told for told in marked if told.get("file") == "assignments/lesson01/server.py"]
    assert places
    assert lines[int(places[0]["line"]) - 1].strip() == "1 / 0"
    assert actions_outputs(github.output)["passed"] == "false"


@pytest.mark.parametrize("kind", ["repository", "solved"])
def test_reporter_of_github_classroom_gets_the_points(
    run: Run, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    job = workflow(WORKFLOWS[1])["jobs"]["run-autograding-tests"]
    github = GitHub(run, request.getfixturevalue(kind), tmp_path)
    step = step_named("Grade", job)
    code, log = github.step(step)
    assert code == 0, log
    result = actions_outputs(github.output)["result"]
    told = reporter_results(result)
    expected = {"repository": (0, "fail"), "solved": (100, "pass")}[kind]
    assert (told["points"], told["status"]) == expected
    reporter = job["steps"][-1]
    assert reporter["with"]["runners"] == step["id"]
    assert reporter["env"] == {
        f"{step['id'].upper()}_RESULTS": f"${{{{ steps.{step['id']}.outputs.result }}}}"
    }
    assert step["id"].isalnum()


def test_reporter_is_told_nothing_where_nothing_was_graded(
    run: Run, repository: Path, tmp_path: Path
) -> None:
    (repository / "grade.py").write_text("raise SystemExit(5)")
    github = GitHub(run, repository, tmp_path)
    job = workflow(WORKFLOWS[1])["jobs"]["run-autograding-tests"]
    code, _ = github.step(step_named("Grade", job))
    assert code == 5
    assert not github.output.exists()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_may_only_read_and_keeps_no_token_in_the_checkout(name: str) -> None:
    loaded = workflow(name)
    assert loaded["permissions"]["contents"] == "read"
    for job in loaded["jobs"].values():
        checkouts = [each for each in job["steps"] if "checkout" in each.get("uses", "")]
        assert [each["with"] for each in checkouts] == [{"persist-credentials": False}]
        assert job["timeout-minutes"] <= 30
