"""The Gradescope archive, from the zip alone, in folders that are laid out as Gradescope's."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from graders.bootstrap.launch import groups_for
from graders.engine.bundles import kinds
from graders.engine.bundles.files import write_zip
from graders.engine.content.catalogue import Catalogue
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import IsolationLevel
from tests.classrooms.conftest import LESSON, SOLUTION, Run
from tests.classrooms.readers import gradescope_results
from tests.miniature import COURSE

STRONG = IsolationLevel.STRONG
PYTHON = """\
#!/bin/sh
[ "$1" = -c ] && exit 0
echo "$@" > "$AUTOGRADER_ROOT/started"
"""
APT = """\
#!/bin/sh
echo "$@" >> "$AUTOGRADER_ROOT/apt"
[ "$1" = update ] || /bin/cp "$AUTOGRADER_ROOT/python" "$AUTOGRADER_ROOT/tools/python3.11"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the root folder of an image: the archive is unpacked as Gradescope does it."""
    write_zip(kinds.gradescope(REPOSITORY, [LESSON], IsolationLevel.PRACTICE), tmp_path / "a.zip")
    place = tmp_path / "autograder"
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(place / "source")
    shutil.copy(place / "source" / "run_autograder", place)
    (place / "run_autograder").chmod(0o755)
    (place / "submission").mkdir()
    (place / "results").mkdir()
    (place / "submission_metadata.json").write_text(json.dumps({"id": 1, "users": []}))
    return place


def graded(run: Run, root: Path) -> dict[str, object]:
    """Run the autograder for what is in the folder of the submission."""
    done = run(root / "run_autograder", cwd=root, variables={"AUTOGRADER_ROOT": str(root)})
    assert done.returncode == 0, done.stderr
    return gradescope_results(root / "results" / "results.json")


def test_archive_is_set_up_and_grades_files_that_were_handed_in(run: Run, root: Path) -> None:
    variables = {"AUTOGRADER_ROOT": str(root)}
    built = run("bash", root / "source" / "setup.sh", cwd=root, variables=variables)
    assert (built.returncode, LESSON.title in built.stdout) == (0, True), built.stderr
    shutil.copytree(SOLUTION, root / "submission", dirs_exist_ok=True)
    result = graded(run, root)
    assert result["score"] == 100
    assert result["visibility"] == "visible"


def test_repository_of_the_template_is_graded_by_its_assignment(
    run: Run, root: Path, repository: Path
) -> None:
    (root / "submission").rmdir()
    repository.rename(root / "submission")
    (root / "results" / "results.json").write_text('{"score": 100}')
    result = graded(run, root)
    assert result["score"] == 0
    assert isinstance(result["tests"], list)
    assert len(result["tests"]) == len(LESSON.rubric.criteria)


def test_what_cannot_be_graded_says_so_and_names_no_fault_of_the_student(
    run: Run, root: Path
) -> None:
    (root / "source" / "grade.py").write_text("raise SystemExit(5)")
    result = graded(run, root)
    assert result["score"] == 0
    assert "not your fault" in str(result["output"])
    assert "exit code 5" in str(result["output"])


def test_image_with_an_old_python_only_gets_a_newer_one(run: Run, root: Path) -> None:
    tools = root / "tools"
    tools.mkdir()
    (root / "python").write_text(PYTHON)
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tools / "apt-get").write_text(APT)
    for file in (root / "python", tools / "python3", tools / "apt-get"):
        file.chmod(0o755)
    variables = {"AUTOGRADER_ROOT": str(root), "PATH": str(tools)}
    built = run("/bin/bash", root / "source" / "setup.sh", cwd=root, variables=variables)
    assert built.returncode == 0, built.stderr
    asked = (root / "apt").read_text().splitlines()
    assert asked == ["update", "install -y python3.11 python3.11-venv"]
    # What installs the packages of this lesson, and not those of any.
    assert (root / "started").read_text() == f"{root}/source/grade.py list lesson01\n"


def test_image_of_an_elective_gets_its_packages_when_it_is_built() -> None:
    files = kinds.gradescope(REPOSITORY, [Catalogue(REPOSITORY).lesson("rag")], STRONG)
    assert b'grade.py" list rag\n' in files["setup.sh"]
    assert "graders/requirements-rag.txt" in files
    assert groups_for(["list", "rag"]) == groups_for(["rag", "folder"]) == ("rag",)


def test_hidden_criteria_are_in_it_whole() -> None:
    hidden = Catalogue(COURSE).lesson("greeting")
    files = kinds.gradescope(REPOSITORY, [hidden], IsolationLevel.STRONG)
    assert b"unannounced-guest" in files["graders/greeting/test_basics.py"]
    assert b"REQUIRE=strong" in files["run_autograder"]
    assert b"lesson06" not in files["run_autograder"]
