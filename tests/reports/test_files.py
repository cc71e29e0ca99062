"""Files are written wholly or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.core.errors import UsageError
from graders.engine.reports.files import write_whole


def test_file_is_written_in_utf8_with_plain_line_ends(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.json", "“ok”\n")
    assert (tmp_path / "a.json").read_bytes() == "“ok”\n".encode()


def test_old_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("a much longer old text", encoding="utf-8")
    write_whole(tmp_path / "a.json", "new")
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "new"


def test_old_file_stays_whole_when_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a.json", "half \ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == "old"


def test_folder_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_whole(tmp_path / "nowhere" / "a.json", "text")


def test_folder_in_the_place_of_the_file_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        write_whole(tmp_path / "a.json", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
