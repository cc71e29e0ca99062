"""Archives of submissions: what is unpacked, what is passed over, and what is refused."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders.engine.submissions import archive_names, archives
from graders.engine.submissions.archive_names import ArchiveNames, NameRefused
from graders.engine.submissions.archives import (
    ENDINGS,
    is_archive,
    unpack,
    unpacked,
)
from graders.engine.submissions.submission_copy import (
    MAX_BYTES,
    MAX_ENTRIES,
    SubmissionProblem,
)

SERVER = {"server.py": b"app = None\n"}


def zipped(files: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes | tarfile.TarInfo], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


PACKERS: dict[str, Callable[[Mapping[str, Any]], bytes]] = {
    ".zip": zipped,
    ".tar": tarred,
    ".tar.gz": lambda files: tarred(files, "w:gz"),
    ".tgz": lambda files: tarred(files, "w:gz"),
    ".tar.bz2": lambda files: tarred(files, "w:bz2"),
    ".tbz2": lambda files: tarred(files, "w:bz2"),
}


def written(folder: Path, data: bytes, ending: str = ".zip") -> Path:
    path = folder / f"work{ending}"
    path.write_bytes(data)
    return path


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def problem_of(path: Path) -> tuple[str, str, str]:
    with pytest.raises(SubmissionProblem) as refused:
        unpack(path, path.parent / "out")
    problem = refused.value.problem
    assert problem.cure
    return problem.kind, problem.detail, problem.title


def test_every_ending_has_a_packer() -> None:
    assert set(PACKERS) == set(ENDINGS)
    assert is_archive(Path("A.ZIP"))
    assert not is_archive(Path("server.py"))


@pytest.mark.parametrize("ending", ENDINGS)
def test_files_come_out_as_they_went_in(tmp_path: Path, ending: str) -> None:
    files = {**SERVER, "backend/a b/größe.txt": b"\0" * 100, "empty": b""}
    path = written(tmp_path, PACKERS[ending](files), ending)
    assert unpack(path, tmp_path / "out") == ()
    assert tree(tmp_path / "out") == files


@pytest.mark.parametrize("ending", ENDINGS)
def test_one_folder_around_everything_is_looked_through(tmp_path: Path, ending: str) -> None:
    files = {"alice/server.py": b"", "alice/data/x": b"", "__MACOSX/alice/._server.py": b""}
    with unpacked(written(tmp_path, PACKERS[ending](files), ending)) as found:
        assert set(tree(found.folder)) == {"server.py", "data/x"}
    assert not found.folder.exists()


def test_empty_folders_come_out_too(tmp_path: Path) -> None:
    folder = tarfile.TarInfo("data/uploads")
    folder.type = tarfile.DIRTYPE
    unpack(written(tmp_path, tarred({**SERVER, "": folder}), ".tar"), tmp_path / "out")
    assert (tmp_path / "out/data/uploads").is_dir()
    assert tree(tmp_path / "out") == SERVER


def test_package_is_no_folder_around_everything(tmp_path: Path) -> None:
    with unpacked(written(tmp_path, zipped({"server/__init__.py": b""}))) as found:
        assert set(tree(found.folder)) == {"server/__init__.py"}


def test_hidden_folder_is_not_looked_through(tmp_path: Path) -> None:
    with unpacked(written(tmp_path, zipped({"handed-in/.claude/skills/a.md": b""}))) as found:
        assert set(tree(found.folder)) == {".claude/skills/a.md"}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_no_part_of_a_submission_is_passed_over(tmp_path: Path, ending: str) -> None:
    extra = {
        "node_modules/x/y.js": b"",
        ".git/config": b"",
        "__MACOSX/._server.py": b"",
        ".DS_Store": b"",
        "a/._b": b"",
    }
    path = written(tmp_path, PACKERS[ending]({**SERVER, **extra}), ending)
    unpack(path, tmp_path / "out")
    assert tree(tmp_path / "out") == SERVER


def test_names_that_windows_wrote_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, zipped({"backend\\main.py": b"x", "./server.py": b"y"}))
    unpack(path, tmp_path / "out")
    assert tree(tmp_path / "out") == {"backend/main.py": b"x", "server.py": b"y"}


BAD_NAMES = {
    "../server.py": "leads out",
    "a/../../b": "leads out",
    "/etc/passwd": "leads out",
    "\\\\host\\share": "leads out",
    "C:\\server.py": "leads out",
    "..\\b": "leads out",
    "a\nb": "cannot be seen",
    "a\x1bb": "cannot be seen",
    "x" * 256: "too long",
    "x" * 200 + ("/" + "y" * 200) * 5: "too long",
    "x/" * 33 + "y": "nested",
}


@pytest.mark.parametrize("ending", [".zip", ".tar"])
@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: repr(name[:20]))
def test_name_that_no_honest_archive_has(tmp_path: Path, name: str, ending: str) -> None:
    path = written(tmp_path, PACKERS[ending]({**SERVER, name: b"x"}), ending)
    kind, detail, _ = problem_of(path)
    assert kind == "bad-archive"
    assert BAD_NAMES[name] in detail
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("first", "second"),
    [("a.py", "A.py"), ("a", "a/b"), ("a/b", "a"), ("A/x", "a/y"), ("é", "e\u0301"), ("ß", "SS")],
)
def test_names_that_would_be_one_file(tmp_path: Path, first: str, second: str) -> None:
    _, detail, _ = problem_of(written(tmp_path, zipped({first: b"", second: b""})))
    assert "other systems" in detail or "twice" in detail


def test_same_name_twice() -> None:
    names = ArchiveNames()
    names.take("a", folder=True)
    names.take("a", folder=True)
    names.take("a/b", folder=False)
    with pytest.raises(NameRefused, match="twice"):
        names.take("./a//b", folder=False)


def _special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def test_links_and_devices_in_a_tar_are_left_out_and_told(tmp_path: Path) -> None:
    kinds = {
        "soft": (tarfile.SYMTYPE, "/etc/passwd"),
        "hard": (tarfile.LNKTYPE, "server.py"),
        "device": (tarfile.CHRTYPE, ""),
        "block": (tarfile.BLKTYPE, ""),
        "pipe": (tarfile.FIFOTYPE, ""),
    }
    extra = {name: _special(name, *kind) for name, kind in kinds.items()}
    left_out = unpack(written(tmp_path, tarred({**SERVER, **extra}), ".tar"), tmp_path / "out")
    assert set(left_out) == set(kinds)
    assert tree(tmp_path / "out") == SERVER


def test_file_behind_a_link_of_the_archive_stays_inside(tmp_path: Path) -> None:
    link = _special("out", tarfile.SYMTYPE, str(tmp_path))
    files: dict[str, bytes | tarfile.TarInfo] = {"out": link, "out/new": b"x"}
    _, detail, _ = problem_of(written(tmp_path, tarred(files), ".tar"))
    assert "twice" in detail
    assert not (tmp_path / "new").exists()


def test_link_in_a_zip_is_left_out_and_told(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO(zipped(SERVER))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    assert unpack(written(tmp_path, buffer.getvalue()), tmp_path / "out") == ("link",)
    assert tree(tmp_path / "out") == SERVER


def test_modes_are_not_kept(tmp_path: Path) -> None:
    info = tarfile.TarInfo("server.py")
    info.mode = 0o6777
    unpack(written(tmp_path, tarred({"x": info}), ".tar"), tmp_path / "out")
    assert (tmp_path / "out/server.py").stat().st_mode & 0o6111 == 0


# --- sizes ---


@pytest.mark.parametrize("ending", ENDINGS)
def test_bomb_of_one_file(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path, PACKERS[ending]({"bomb": bytes(MAX_BYTES + 1)}), ending)
    assert problem_of(path)[0] == "submission-too-big"


@pytest.mark.parametrize("ending", [".zip", ".tar.gz"])
def test_ratio_that_only_a_bomb_has(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path, PACKERS[ending]({"bomb": bytes(4 << 20)}), ending)
    kind, detail, _ = problem_of(path)
    assert kind == "submission-too-big"
    assert "100 times" in detail


def test_nothing_is_written_of_a_zip_that_claims_too_much(tmp_path: Path) -> None:
    path = written(tmp_path, zipped({"small": b"x", "bomb": bytes(MAX_BYTES)}))
    problem_of(path)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("ending", ENDINGS)
def test_too_many_files(tmp_path: Path, ending: str) -> None:
    files = {f"{number}": b"" for number in range(MAX_ENTRIES + 1)}
    kind, detail, _ = problem_of(written(tmp_path, PACKERS[ending](files), ending))
    assert (kind, "more than" in detail) == ("bad-archive", True)


def test_size_that_is_more_than_claimed(tmp_path: Path) -> None:
    data = bytearray(zipped({"a": b"x" * 1_000}))
    at = data.rindex(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    _, detail, _ = problem_of(written(tmp_path, bytes(data)))
    assert "damaged" in detail


def test_size_that_zip64_claims(tmp_path: Path) -> None:
    data = bytearray(zipped({"a": b"x" * 1_000}))
    at = data.rindex(b"PK\1\2")
    data[at + 24 : at + 28] = b"\xff" * 4
    data[at + 30 : at + 32] = struct.pack("<H", 12)
    name_end = at + 46 + 1
    data[name_end:name_end] = struct.pack("<HHQ", 1, 8, 1 << 62)
    end = data.rindex(b"PK\5\6")
    size = struct.unpack("<I", data[end + 12 : end + 16])[0] + 12
    data[end + 12 : end + 16] = struct.pack("<I", size)
    assert problem_of(written(tmp_path, bytes(data)))[0] == "submission-too-big"


def test_table_of_contents_that_is_too_large(tmp_path: Path) -> None:
    data = bytearray(zipped({"a": b"x"}))
    data[:0] = bytes(archives.MAX_DIRECTORY_BYTES)
    end = data.rindex(b"PK\5\6")
    data[end + 12 : end + 20] = struct.pack("<II", archives.MAX_DIRECTORY_BYTES + 1, 0)
    _, detail, _ = problem_of(written(tmp_path, bytes(data)))
    assert "table of contents" in detail


def test_head_of_a_tar_that_claims_gigabytes(tmp_path: Path) -> None:
    head = tarfile.TarInfo("pax")
    head.type = tarfile.XHDTYPE
    head.size = 4 << 30
    data = head.tobuf() + bytes(10_240)
    assert "damaged" in problem_of(written(tmp_path, data, ".tar"))[1]


def test_file_that_is_shorter_than_claimed(tmp_path: Path) -> None:
    data = bytearray(zipped({"a": b"x" * 1_000}))
    at = data.rindex(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 2_000)
    _, detail, _ = problem_of(written(tmp_path, bytes(data)))
    assert "not as long as it claims" in detail


def test_stream_that_is_endless_where_nothing_of_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "OF_ONE", archives.ArchiveBounds(stream=1 << 20))
    path = written(tmp_path, tarred({"node_modules/x": bytes(2 << 20)}, "w:gz"), ".tar.gz")
    kind, detail, _ = problem_of(path)
    assert kind == "submission-too-big"
    assert "larger than 1 MiB when it is unpacked" in detail


def test_too_many_files_that_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_names, "MAX_LISTED", 3)
    files = {f"node_modules/{number}": b"" for number in range(4)}
    kind, detail, _ = problem_of(written(tmp_path, zipped(files)))
    assert (kind, "more than" in detail) == ("bad-archive", True)


# --- what is no archive ---


def test_encrypted_zip_is_told(tmp_path: Path) -> None:
    data = bytearray(zipped(SERVER))
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + offset] |= 1
    assert "password" in problem_of(written(tmp_path, bytes(data)))[1]


def test_zip_of_an_unknown_way_of_compressing(tmp_path: Path) -> None:
    path = written(tmp_path, zipped(SERVER, method=zipfile.ZIP_LZMA))
    assert "(LZMA)" in problem_of(path)[1]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kept", [0, 1, 20, 60, 0.3, 0.6])
def test_archive_that_was_cut(tmp_path: Path, ending: str, kept: float) -> None:
    whole = PACKERS[ending]({"server.py": os.urandom(20_000)})
    cut = whole[: int(kept if kept >= 1 else kept * len(whole))]
    assert problem_of(written(tmp_path, cut, ending))[0] == "bad-archive"


@pytest.mark.parametrize("ending", ENDINGS)
def test_archive_with_nothing_in_it(tmp_path: Path, ending: str) -> None:
    assert "nothing in it" in problem_of(written(tmp_path, PACKERS[ending]({}), ending))[1]


@pytest.mark.parametrize("ending", ENDINGS)
def test_text_that_is_named_like_an_archive(tmp_path: Path, ending: str) -> None:
    assert problem_of(written(tmp_path, b"print('hello')\n" * 100, ending))[0] == "bad-archive"


# --- anything at all ---

_NAMES = st.text(st.sampled_from("ab/.\\:é\n"), min_size=1, max_size=8) | st.text(
    min_size=1, max_size=5
)
_FILES = st.dictionaries(_NAMES.filter(lambda name: "\0" not in name), st.binary(max_size=50))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=_FILES, ending=st.sampled_from(ENDINGS), data=st.data())
def test_any_archive_with_some_bytes_changed_stays_inside(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], ending: str, data: Any
) -> None:
    folder = tmp_path_factory.mktemp("any")
    with contextlib.suppress(UnicodeEncodeError, ValueError):
        packed = bytearray(PACKERS[ending](files))
        changes = st.lists(st.tuples(st.integers(0, len(packed) - 1), st.integers(0, 255)))
        for at, byte in data.draw(changes):
            packed[at] = byte
        path = written(folder, bytes(packed), ending)
        with contextlib.suppress(SubmissionProblem):
            unpack(path, folder / "out")
        assert {each.name for each in folder.iterdir()} <= {path.name, "out"}
        for each in (folder / "out").rglob("*"):
            assert each.is_dir() or each.is_file()
            assert not each.is_symlink()


def test_time_of_an_entry_is_told_and_one_that_is_none_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("new", (2026, 11, 2, 10, 0, 0)), "x")
        archive.writestr(zipfile.ZipInfo("old", (2026, 11, 1, 10, 0, 0)), "x")
        archive.writestr(zipfile.ZipInfo("none", (1980, 0, 0, 0, 0, 0)), "x")
    with archives.opened_entries(path, archives.OF_A_CLASS) as entries:
        times = {entry.name: entry.modified for entry in entries}
    assert times["new"] - times["old"] == 24 * 3600
    assert times["none"] == 0


@pytest.mark.parametrize("ending", ENDINGS)
def test_pipe_that_is_named_like_an_archive_is_not_waited_for(tmp_path: Path, ending: str) -> None:
    pipe = tmp_path / f"work{ending}"
    os.mkfifo(pipe)
    with pytest.raises(SubmissionProblem) as raised:
        unpack(pipe, tmp_path / "out")
    assert raised.value.problem.detail == "It is not a file."
