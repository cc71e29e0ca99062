"""pyproject.toml, uv.lock and its exports: what is noticed when one of them is behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.bootstrap.agreement import require_agreement, require_course_lock
from graders.bootstrap.trouble import SetupError
from tests.bootstrap.conftest import DIGEST, LOCK

ROOT = Path(__file__).parents[2]


def test_the_projects_own_files_agree() -> None:
    require_agreement(ROOT)


def test_small_projects_files_agree(project: Path) -> None:
    require_agreement(project)


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("pyproject.toml", ">=1, <2", ">=2", "pyproject.toml: fast-api>=2 is asked for"),
        ("pyproject.toml", '"sql[async]"', '"sql"', "pyproject.toml: sql is asked for"),
        ("pyproject.toml", ', "sql[async]"', "", r"sql[async] is locked, but no longer asked for"),
        ("pyproject.toml", '["lint"]', '["lint", "more"]', "more is asked for, but not locked"),
        ("pyproject.toml", ">=3.11", ">=3.12", "requires-python differs"),
        ("pyproject.toml", '"sql[async]"', '"!"', "'!' is not a requirement"),
        ("pyproject.toml", "[project]", "[project", "pyproject.toml is not valid TOML"),
        ("uv.lock", 'virtual = "."', 'virtual = ".."', "uv.lock does not hold this project"),
        ("uv.lock", LOCK, "", "uv.lock does not hold this project"),
        ("graders/requirements.txt", "==1.5", "==1.4", "fast-api 1.4 differs"),
        ("graders/requirements.txt", "green==3.0", "#", "green 3.0 differs"),
        ("graders/requirements.txt", "0000", "1111", "fast-api 1.5 differs"),
        ("graders/requirements-test.txt", "lint==0.1", "#", "lint 0.1 differs"),
    ],
)
def test_file_that_is_behind_is_named_with_a_cure(
    project: Path, file: str, old: str, new: str, complaint: str
) -> None:
    path = project / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(SetupError) as caught:
        require_agreement(project)
    assert complaint in caught.value.fact
    assert Path(file).name in caught.value.fact
    assert ".ci/lock" in caught.value.text()


def test_export_without_hashes_differs(project: Path) -> None:
    path = project / "graders/requirements.txt"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "==" in line))
    with pytest.raises(SetupError, match="differs"):
        require_agreement(project)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"# packages: pandas\npandas==2.0 \\\n    --hash={DIGEST} \\\n    --hash={DIGEST}\n",
        f"lint==0.1 --hash={DIGEST}\n",
        f"x==1 ; sys_platform == 'win32' \\\n    --hash={DIGEST}\n    # via pandas\n",
    ],
    ids=["empty", "two-hashes", "of-a-group", "on-windows"],
)
def test_lock_of_a_class_that_only_adds_is_right(text: str, project: Path) -> None:
    (project / "course.lock").write_text(text)
    require_course_lock(project)


def test_project_without_a_class_has_no_lock_of_it(project: Path) -> None:
    require_course_lock(project)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("pandas==2.0\n", "has no hash for pandas"),
        (f"Sql[async]==2.0 --hash={DIGEST}\n", "names sql, which the grader has"),
        (f"lint==0.2 --hash={DIGEST}\n", "names lint, which the grader has"),
        (f"--index-url http://x\nx==1 --hash={DIGEST}\n", "something else.*'--index-url'"),
        ("x @ http://x/x.whl\n", "something else than packages: 'x'"),
    ],
)
def test_lock_of_a_class_that_does_more_is_refused(
    text: str, complaint: str, project: Path
) -> None:
    (project / "course.lock").write_text(text)
    with pytest.raises(SetupError, match=complaint) as caught:
        require_course_lock(project)
    assert caught.value.cures == ("remove course.lock, then run: python grade.py env lock",)
