"""The folders of a server: what is in them, and that they can always be removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from graders.engine.server.watch.folders import contents_of, remove


def test_files_folders_and_their_size_are_counted(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "big").write_bytes(bytes(100_000))
    (tmp_path / "small").write_bytes(b"x")
    found = contents_of([tmp_path], most_files=100)
    assert found.files == 4
    assert found.largest == 100_000
    assert 100_000 <= found.size < 200_000
    assert not found.hidden


def test_folders_are_counted_together(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        (folder / "file").touch()
    assert contents_of([*folders, tmp_path / "gone"], most_files=9).files == 2


def test_what_only_claims_to_be_large_is_not(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**30)
    found = contents_of([tmp_path], most_files=9)
    assert found.size < 2**20
    assert found.largest == 2**30


def test_a_file_of_two_names_takes_its_room_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(50_000))
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    found = contents_of([tmp_path], most_files=9)
    assert found.files == 2
    assert found.size < 90_000


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_bytes(bytes(90_000))
    (tmp_path / "own" / "folder").symlink_to(tmp_path / "other")
    (tmp_path / "own" / "file").symlink_to(tmp_path / "other" / "file")
    (tmp_path / "own" / "loop").symlink_to(tmp_path / "own")
    found = contents_of([tmp_path / "own"], most_files=9)
    assert (found.files, found.largest) == (3, 0)
    remove(tmp_path / "own")
    assert (tmp_path / "other" / "file").stat().st_size == 90_000
    assert not (tmp_path / "own").exists()


def test_the_look_ends_soon_after_too_many_files(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / str(number)).touch()
    assert 10 < contents_of([tmp_path], most_files=10).files <= 12


def nest(folder: Path, depth: int) -> None:
    """Make ``depth`` folders in each other, deeper than any path can be."""
    opened = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("a" * 100, dir_fd=opened)
        inner = os.open("a" * 100, os.O_RDONLY, dir_fd=opened)
        os.close(opened)
        opened = inner
    os.close(opened)


def test_folders_too_deep_for_a_path_are_told_and_removed(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    nest(own, 1_500)
    found = contents_of([own], most_files=10_000)
    assert found.hidden == "put folders into folders until their path was too long to be used"
    remove(own)
    assert not own.exists()


def test_folders_without_rights_are_removed(tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "shut" / "inner").mkdir(parents=True)
    (own / "shut" / "inner" / "file").touch()
    (own / "shut" / "inner").chmod(0)
    (own / "shut").chmod(0)
    remove(own)
    assert not own.exists()


def test_what_is_not_there_is_removed_without_a_word(tmp_path: Path) -> None:
    remove(tmp_path / "gone")


def test_a_folder_that_cannot_be_looked_into_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_folder: str) -> None:
        raise PermissionError

    # As root, who runs these tests as well, one may look into any.
    monkeypatch.setattr(os, "scandir", refuse)
    found = contents_of([tmp_path], most_files=9)
    assert found.hidden == "made a folder that cannot be looked into"
