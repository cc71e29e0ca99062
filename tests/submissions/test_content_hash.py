"""Two submissions have the same number if, and only if, the same of them would be graded."""

from __future__ import annotations

import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.engine.submissions import submission_copy
from graders.engine.submissions.content_hash import content_hash, hash_of_folder
from graders.engine.submissions.submission import copy_submission

FILES = {"server.py": b"app = 1\r\n", "pkg/store.py": b"", "pkg/data/a.bin": bytes(range(256))}
KNOWN = "sha256:d855269a53a5a5a2e7676f4beafb83c804e91cb35e02f65469dda15d32ee031d"
Change = Callable[[Path], object]


def folder(root: Path, files: Mapping[str, bytes] = FILES) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def zipped(path: Path, files: Mapping[str, bytes] = FILES, prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(prefix + name, data)
    return path


def tarred(path: Path, root: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(root, arcname="hand-in")
    return path


def test_number_stays_what_it_is(tmp_path: Path) -> None:
    # Results and caches hold it: who changes how it is made changes this, and says so.
    assert content_hash(folder(tmp_path)) == KNOWN


def test_folder_and_archives_of_the_same_files_have_the_same(tmp_path: Path) -> None:
    root = folder(tmp_path / "a")
    backwards = zipped(tmp_path / "a.zip", dict(reversed(FILES.items())), prefix="hand-in/")
    found = {content_hash(each) for each in (root, backwards, tarred(tmp_path / "a.tgz", root))}
    assert found == {KNOWN}


def test_copy_has_the_number_of_what_it_was_made_of(tmp_path: Path) -> None:
    root = folder(tmp_path / "a", {**FILES, ".env": b"KEY=1", "venv/pyvenv.cfg": b""})
    (root / "empty").mkdir()
    copy_submission(root, tmp_path / "copy")
    assert hash_of_folder(tmp_path / "copy") == hash_of_folder(root)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / ".env").write_text("KEY=1"),
        lambda root: folder(root, {"__pycache__/server.cpython-311.pyc": b"x", ".git/HEAD": b"x"}),
        lambda root: (root / "link.py").symlink_to(root / "server.py"),
        lambda root: (root / "server.py").chmod(0o755),
        lambda root: os.utime(root / "server.py", (1, 1)),
    ],
    ids=["env-file", "caches", "link", "mode", "time"],
)
def test_what_is_not_graded_changes_nothing(tmp_path: Path, change: Change) -> None:
    change(folder(tmp_path))
    assert content_hash(tmp_path) == KNOWN


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "server.py").write_bytes(b"app = 1\n"),
        lambda root: (root / "server.py").rename(root / "Server.py"),
        lambda root: (root / "pkg/store.py").unlink(),
        lambda root: (root / "pkg/store.py").rename(root / "store.py"),
        lambda root: (root / "data").mkdir(),
        lambda root: (root / "more.py").touch(),
    ],
    ids=["bytes", "capital", "gone", "moved", "empty-folder", "empty-file"],
)
def test_whatever_a_server_can_see_changes_it(tmp_path: Path, change: Change) -> None:
    change(folder(tmp_path))
    assert content_hash(tmp_path) not in {KNOWN, ""}


def test_empty_folder_is_no_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a" / "x").mkdir(parents=True)
    assert hash_of_folder(tmp_path / "a") != hash_of_folder(folder(tmp_path / "b", {"x": b""}))


def test_what_cannot_be_graded_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"no archive")
    assert content_hash(broken) == ""
    monkeypatch.setattr(submission_copy, "MAX_BYTES", 10)
    assert content_hash(folder(tmp_path / "big")) == ""


def test_name_that_is_no_utf8_is_hashed_too(tmp_path: Path) -> None:
    odd = folder(tmp_path / "odd", {os.fsdecode(b"\xff.py"): b""})
    assert hash_of_folder(odd) != hash_of_folder(folder(tmp_path / "plain", {"x.py": b""}))


NAMES = st.text("abc", min_size=1, max_size=3)
TREES = st.dictionaries(NAMES, st.binary(max_size=4), min_size=1, max_size=4)


@given(TREES, TREES)
def test_different_files_have_different_numbers(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    first, second = (folder(tmp_path_factory.mktemp("tree"), each) for each in (one, other))
    assert (hash_of_folder(first) == hash_of_folder(second)) == (one == other)
