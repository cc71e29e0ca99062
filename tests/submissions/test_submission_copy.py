"""A copy holds the student's own files, and nothing that a link or a device leads to."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from graders.engine.submissions import submission_copy as module
from graders.engine.submissions.submission import SubmissionProblem, copy_submission


@pytest.fixture
def src(tmp_path: Path) -> Path:
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "server.py").write_bytes(b"app = 1\r\n")
    return folder


def put(root: Path, name: str, data: bytes = b"") -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def files_in(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def too_big(src: Path, dst: Path) -> str:
    with pytest.raises(SubmissionProblem) as caught:
        copy_submission(src, dst)
    assert caught.value.problem.kind == "submission-too-big"
    return caught.value.problem.detail


def test_copy_holds_the_same_bytes(src: Path, tmp_path: Path) -> None:
    put(src, "pkg/data.bin", bytes(range(256)))
    report = copy_submission(src, tmp_path / "dst")
    assert files_in(tmp_path / "dst") == ["pkg/data.bin", "server.py"]
    assert (tmp_path / "dst" / "server.py").read_bytes() == b"app = 1\r\n"
    assert (report.files, report.total_bytes, report.skipped) == (2, 265, ())


def test_copy_leaves_out_caches_environments_and_settings(src: Path, tmp_path: Path) -> None:
    for name in (".git/config", "node_modules/a/b.js", "pkg/__pycache__/a.pyc", "venv/x", ".env"):
        put(src, name)
    put(src, "env/pyvenv.cfg")
    put(src, "old.pyc")
    report = copy_submission(src, tmp_path / "dst")
    assert files_in(tmp_path / "dst") == ["server.py"]
    left_out = [".env", ".git", "env", "node_modules", "old.pyc", "pkg/__pycache__", "venv"]
    assert sorted(report.skipped) == left_out
    assert {each.path: each.why for each in report.left_out}["env"] == "a virtual environment"


def test_copy_keeps_an_example_of_settings(src: Path, tmp_path: Path) -> None:
    put(src, ".env.example")
    copy_submission(src, tmp_path / "dst")
    assert ".env.example" in files_in(tmp_path / "dst")


def test_copy_follows_no_link(src: Path, tmp_path: Path) -> None:
    put(tmp_path, "outside/secret", b"hidden")
    (src / "file").symlink_to(tmp_path / "outside" / "secret")
    (src / "folder").symlink_to(tmp_path / "outside")
    (src / "loop").symlink_to(src)
    (src / "broken").symlink_to("nowhere")
    report = copy_submission(src, tmp_path / "dst")
    assert files_in(tmp_path / "dst") == ["server.py"]
    assert report.skipped == ("broken", "file", "folder", "loop")


def test_copy_opens_no_pipe_and_no_socket(src: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(src)  # a socket's path must be short
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
        report = copy_submission(src, src.parent / "dst")
    assert report.skipped == ("pipe", "sock")


def test_file_that_becomes_a_pipe_in_between_is_left_out(
    src: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(src / "pipe")
    monkeypatch.setattr(module, "_reason_to_skip", lambda _entry, _parts: "")
    assert copy_submission(src, tmp_path / "dst").skipped == ("pipe",)


def test_file_that_cannot_be_opened_is_left_out(
    src: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr("os.open", refuse)
    assert copy_submission(src, tmp_path / "dst").skipped == ("server.py",)


def test_folder_that_cannot_be_read_is_left_out(
    src: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(src, "closed/a.py")
    scandir = os.scandir

    def refuse_closed(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse_closed)
    assert copy_submission(src, tmp_path / "dst").skipped == ("closed",)


def test_names_in_the_report_are_safe_to_show(src: Path, tmp_path: Path) -> None:
    (src / "\x1b[2J").symlink_to("x")
    (src / os.fsdecode(b"\xff")).symlink_to("x")
    assert copy_submission(src, tmp_path / "dst").skipped == (r"\x1b[2J", r"\udcff")


def test_too_many_files_are_refused(
    src: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    put(src, "a/b.py")
    copy_submission(src, tmp_path / "fits")
    (src / "a" / "empty").mkdir()
    assert "more than 3 files" in too_big(src, tmp_path / "dst")


def test_too_many_bytes_are_refused_together(
    src: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    put(src, "a", b"x")
    copy_submission(src, tmp_path / "fits")
    put(src, "b", b"x")
    assert "larger than" in too_big(src, tmp_path / "dst")


def test_sparse_file_is_refused_before_it_fills_the_disk(src: Path, tmp_path: Path) -> None:
    with (src / "sparse").open("wb") as stream:
        stream.truncate(1 << 40)
    assert "50 MiB" in too_big(src, tmp_path / "dst")


def test_folders_nested_too_deep_are_refused(src: Path, tmp_path: Path) -> None:
    src.joinpath(*["d"] * (module.MAX_DEPTH + 1)).mkdir(parents=True)
    assert "nested" in too_big(src, tmp_path / "dst")


def test_path_that_is_too_long_is_left_out(src: Path, tmp_path: Path) -> None:
    put(src, "/".join(["d" * 200] * 5) + "/a.py")
    report = copy_submission(src, tmp_path / "dst")
    assert report.files == 1
    assert [each.why for each in report.left_out] == ["its path is too long"]


def test_copy_never_overwrites(src: Path, tmp_path: Path) -> None:
    put(tmp_path, "dst/server.py", b"old")
    with pytest.raises(FileExistsError):
        copy_submission(src, tmp_path / "dst")
