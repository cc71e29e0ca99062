"""The stamp: what makes an environment stand, and what makes it fall."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graders.bootstrap.stamp import (
    STAMP_NAME,
    Stamp,
    python_of,
    read_stamp,
    remove_stamp,
    stands,
    wanted_stamp,
    write_stamp,
)
from graders.bootstrap.trouble import SetupError

STAMP = Stamp("cpython-311-linux", "lock", "sources", ("test",), "uv")


def test_stamp_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_stamp(tmp_path, STAMP)
    assert read_stamp(tmp_path) == STAMP
    assert [entry.name for entry in tmp_path.iterdir()] == [STAMP_NAME]


def test_stamp_tells_of_a_class_only_where_there_is_one(tmp_path: Path) -> None:
    write_stamp(tmp_path, STAMP)
    assert "course" not in json.loads((tmp_path / STAMP_NAME).read_text())
    with_class = STAMP._replace(course="digest")
    write_stamp(tmp_path, with_class)
    assert read_stamp(tmp_path) == with_class
    assert not with_class.covers(STAMP)
    assert not STAMP.covers(with_class)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"python": "x"}', '{"other": 1}'])
def test_damaged_stamp_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / STAMP_NAME).write_text(text)
    assert read_stamp(tmp_path) is None


def test_missing_stamp_counts_as_none_and_can_be_removed(tmp_path: Path) -> None:
    assert read_stamp(tmp_path) is None
    remove_stamp(tmp_path)


def test_stamp_covers_fewer_groups_but_not_more() -> None:
    assert STAMP.covers(STAMP._replace(groups=()))
    assert not STAMP._replace(groups=()).covers(STAMP)


@pytest.mark.parametrize(
    "other",
    [
        STAMP._replace(python="cpython-312-linux"),
        STAMP._replace(lock="newer"),
        STAMP._replace(sources="newer"),
    ],
)
def test_stamp_does_not_cover_another_origin(other: Stamp) -> None:
    assert not STAMP.covers(other)


def test_environment_stands_with_its_stamp_and_its_python(project: Path, venv: Path) -> None:
    assert stands(venv, wanted_stamp(project, ()))


def test_environment_without_its_python_does_not_stand(project: Path, venv: Path) -> None:
    python_of(venv).unlink()
    assert not stands(venv, wanted_stamp(project, ()))


def test_changed_lock_brings_the_environment_down(project: Path, venv: Path) -> None:
    (project / "uv.lock").write_text("changed")
    assert not stands(venv, wanted_stamp(project, ()))


def test_missing_lock_is_told_with_its_name_and_cure(project: Path) -> None:
    (project / "uv.lock").unlink()
    with pytest.raises(SetupError, match=r"uv\.lock cannot be read") as caught:
        wanted_stamp(project, ())
    assert "download the project again" in caught.value.text()
