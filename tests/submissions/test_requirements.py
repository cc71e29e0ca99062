"""What a submission names as its packages is read as data, whatever is in the files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from graders.engine.submissions import requirements
from graders.engine.submissions.requirements import NamedPackage, named_packages


def written(root: Path, name: str, text: str | bytes) -> Path:
    (root / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def names(root: Path) -> list[tuple[int, str, str]]:
    return [(each.line, each.name, each.wanted) for each in named_packages(root)]


def test_requirements_are_read_with_their_lines(tmp_path: Path) -> None:
    text = """\
# what we need
fastapi==0.110.0   # the web
pandas[excel]>=2,<3

-r more.txt
--index-url https://example.org/simple
-e .
git+https://example.org/x.git
./wheels/own.whl
tool @ https://example.org/tool.zip
old; python_version < "3"
here; python_version >= "3"
pinned==1.0 \\
    --hash=sha256:00
with-hash==1.0 --hash=sha256:00
no such thing
"""
    assert names(written(tmp_path, "requirements.txt", text)) == [
        (2, "fastapi", "==0.110.0"),
        (3, "pandas", "<3,>=2"),
        (10, "tool", ""),
        (12, "here", ""),
        (13, "pinned", "==1.0"),
        (15, "with-hash", "==1.0"),
    ]


def test_projects_are_read_with_their_lines(tmp_path: Path) -> None:
    text = """\
[project]
name = "mine"
dependencies = [
    "fastapi>=0.100",
    "pandas",
    7,
]
[tool.poetry.dependencies]
python = "^3.11"
redis = "^5"
"""
    assert names(written(tmp_path, "pyproject.toml", text)) == [
        (4, "fastapi", ">=0.100"),
        (5, "pandas", ""),
        (10, "redis", ""),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[project",
        "project = 3",
        "[project]\ndependencies = 3",
        "",
        "x = " + "[\n" * 5_000,
        "a." * 10_000 + "b = 1",
        "x = 9" + "9" * 300,
        "x = [\n" + "9" * 399 + "\n]",
        "x = 9999-99-99",
    ],
    ids=["broken", "no-table", "no-list", "empty", "deep", "long-key", "big", "list", "date"],
)
def test_project_that_names_nothing_names_nothing(text: str, tmp_path: Path) -> None:
    assert named_packages(written(tmp_path, "pyproject.toml", text)) == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_of_windows_is_read_too(encoding: str, tmp_path: Path) -> None:
    root = written(tmp_path, "requirements.txt", "pandas\r\nredis\r\n".encode(encoding))
    assert [each.name for each in named_packages(root)] == ["pandas", "redis"]


def test_what_is_no_text_and_what_is_no_file_name_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert named_packages(tmp_path) == ()
    written(tmp_path, "requirements.txt", b"pandas\n\xff\xfe\x00")
    (tmp_path / "pyproject.toml").symlink_to(tmp_path / "requirements.txt")
    assert named_packages(tmp_path) == ()
    written(tmp_path, "requirements.txt", "pandas")
    assert len(named_packages(tmp_path)) == 1

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    assert named_packages(tmp_path) == ()


def test_there_is_a_bound_on_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "MOST_NAMED", 3)
    monkeypatch.setattr(requirements, "MOST_BYTES", 30)
    root = written(tmp_path, "requirements.txt", "a\nb\nc\nd\n" + "e" * 100)
    assert [each.name for each in named_packages(root)] == ["a", "b", "c"]
    written(tmp_path, "requirements.txt", "x" * 30)
    monkeypatch.setattr(requirements, "MOST_BYTES", 1000)
    written(tmp_path, "requirements.txt", "x" * 101)
    assert named_packages(root) == ()


def test_a_version_fits_or_does_not() -> None:
    named = NamedPackage("requirements.txt", 1, "fastapi", "<1,>=0.100")
    assert named.fits("0.165.0")
    assert not named.fits("1.0")
    assert NamedPackage("requirements.txt", 1, "fastapi", "").fits("2.0b1")
    long = ",".join(f"!=1.{number}" for number in range(100))
    assert NamedPackage("requirements.txt", 1, "fastapi", long).fits("2.0")
    assert named.place == "`requirements.txt`, line 1"


def test_this_system_decides_what_is_named(tmp_path: Path) -> None:
    root = written(
        tmp_path, "requirements.txt", f"x; sys_platform == '{sys.platform}'\ny; extra == 'z'"
    )
    assert [each.name for each in named_packages(root)] == ["x"]
