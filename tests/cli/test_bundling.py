"""`grade.py bundle`: what is asked for is written, and what is impossible is told."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from graders.engine.cli.exit_codes import ExitCode
from graders.engine.core.places import REPOSITORY
from tests.cli.course import run


def bundle(*words: str) -> tuple[ExitCode, str, str]:
    outcome = run("bundle", *words, root=REPOSITORY)
    return outcome.code, outcome.out, outcome.err


def test_students_copy_is_written_and_what_comes_next_is_said(tmp_path: Path) -> None:
    code, out, _ = bundle("6", "lesson02", "6", "--student", str(tmp_path / "out"))
    assert code == ExitCode.FULL_MARKS
    assert f"files written to {tmp_path / 'out'}: commit it as a template repository." in out
    readme = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert readme.index("| `lesson02` |") < readme.index("| `lesson06` |")
    assert "python grade.py lesson02" in readme


def test_archive_has_its_scripts_at_the_top_with_the_level_that_was_asked_for(
    tmp_path: Path,
) -> None:
    place = tmp_path / "out.zip"
    assert bundle("2", "--gradescope", str(place), "--require", "full")[0] == ExitCode.FULL_MARKS
    with zipfile.ZipFile(place) as archive:
        assert {"setup.sh", "run_autograder", "grade.py"} <= set(archive.namelist())
        assert b"REQUIRE=full\n" in archive.read("run_autograder")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "you gave none"),
        (("--student", "{}/a", "--classroom50", "{}/b"), "you gave 2"),
        (("3", "--classroom50", "{}/a"), "an assignment is one lesson; you named 2"),
        (("lesson77", "--student", "{}/a"), "There is no lesson `lesson77`"),
        (("--student", "{}"), "is there already"),
    ],
)
def test_what_is_impossible_is_told_and_nothing_is_written(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    (tmp_path / "mine").write_text("x")
    code, _, err = bundle("lesson02", *(word.format(tmp_path) for word in words))
    assert code == ExitCode.USAGE
    assert told in err
    assert "try: " in err
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]
