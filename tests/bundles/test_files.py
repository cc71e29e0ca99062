"""Bundles are written whole or not at all, and never over what is there."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from graders.engine.bundles import files
from graders.engine.bundles.files import files_below, write_folder, write_zip, zipped
from graders.engine.core.errors import UsageError

FILES = {"a/run": b"#!/bin/sh\n", "a/b.txt": b"\xff\r\n"}


def test_folder_has_the_files_to_the_byte_and_scripts_may_be_run(tmp_path: Path) -> None:
    write_folder(FILES, tmp_path / "new")
    assert files_below(tmp_path / "new") == dict(sorted(FILES.items()))
    assert os.access(tmp_path / "new" / "a" / "run", os.X_OK)
    assert not os.access(tmp_path / "new" / "a" / "b.txt", os.X_OK)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o755
    assert [each.name for each in tmp_path.iterdir()] == ["new"]


def test_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    write_folder(FILES, tmp_path / "new")
    assert (tmp_path / "new" / "a" / "run").is_file()


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_there_is_never_replaced(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "old"
    if kind == "folder":
        place.mkdir()
        (place / "mine").write_text("x")
    else:
        place.write_text("x")
    with pytest.raises(UsageError, match="is there already"):
        write_folder(FILES, place)
    assert [each.name for each in tmp_path.iterdir()] == ["old"]


def test_folder_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        write_folder(FILES, tmp_path / "no" / "new")
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        write_zip(FILES, tmp_path / "no" / "new.zip")


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_fill", full)
    monkeypatch.setattr(files, "zipped", full)
    for write, name in ((write_folder, "new"), (write_zip, "new.zip")):
        with pytest.raises(UsageError, match="No space left on device"):
            write(FILES, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_archive_is_the_same_for_the_same_files_and_keeps_scripts(tmp_path: Path) -> None:
    write_zip(FILES, tmp_path / "x.zip")
    assert (tmp_path / "x.zip").read_bytes() == zipped(dict(reversed(FILES.items())))
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        modes = {each.filename: each.external_attr >> 16 & 0o777 for each in archive.infolist()}
    assert modes == {"a/run": 0o755, "a/b.txt": 0o644}
    with pytest.raises(UsageError, match="is a folder"):
        write_zip(FILES, tmp_path)


def test_what_tools_leave_behind_is_no_file_of_the_project(tmp_path: Path) -> None:
    for name in ("__pycache__/x.pyc", "x.pyc", ".venv/bin/python", "kept.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link.py").symlink_to(tmp_path / "kept.py")
    assert list(files_below(tmp_path)) == ["kept.py"]
