"""pyproject.toml, uv.lock and its exports: what is noticed when one of them is behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.bootstrap.agreement import require_agreement
from graders.bootstrap.trouble import SetupError
from tests.bootstrap.conftest import LOCK

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
