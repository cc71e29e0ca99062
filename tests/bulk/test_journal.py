"""The journal keeps what was written, whatever ends a run, and belongs to one run at a time."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from graders.engine.bulk.journal import (
    NAME,
    EndRecord,
    RunRecord,
    opened_journal,
    read_journal,
)
from graders.engine.bulk.records import ResultRecord
from graders.engine.core.errors import UsageError


def record(file: str, score: int = 1, error: str = "") -> ResultRecord:
    """Return the line of a result."""
    return ResultRecord(
        file=file,
        student=file,
        submission=file,
        content_hash="c",
        grader="g",
        lesson="l",
        lock="p",
        seed=1,
        score=score,
        error=error,
    )


def written(folder: Path) -> bytes:
    """Write three results; return the journal's bytes."""
    with opened_journal(folder) as journal:
        journal.add(RunRecord(lesson="greeting", seed=7))
        for name in ("ada", "bob", "cyd"):
            journal.add(record(name))
    return (folder / NAME).read_bytes()


def test_every_result_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    written(tmp_path)
    with opened_journal(tmp_path) as journal:
        assert set(journal.results) == journal.of_unfinished == {"ada", "bob", "cyd"}
        assert journal.unfinished == RunRecord(lesson="greeting", seed=7)
        journal.add(EndRecord())
    with opened_journal(tmp_path) as journal:
        assert journal.unfinished is None
        assert set(journal.results) == {"ada", "bob", "cyd"}


def test_torn_at_any_byte_it_loses_the_last_line_at_most(tmp_path: Path) -> None:
    whole = written(tmp_path)
    lines = [0, *(at + 1 for at, byte in enumerate(whole) if byte == 10)]
    for length in range(len(whole) + 1):
        (tmp_path / NAME).write_bytes(whole[:length])
        with opened_journal(tmp_path) as journal:
            complete = sum(end <= length for end in lines[1:])
            assert len(journal.results) == max(complete - 1, 0)
            journal.add(record("dee"))
        left = whole[: lines[complete]]
        assert (tmp_path / NAME).read_bytes().startswith(left)
        with opened_journal(tmp_path) as journal:
            assert "dee" in journal.results


def test_last_line_that_is_no_record_is_torn_as_well(tmp_path: Path) -> None:
    written(tmp_path)
    with (tmp_path / NAME).open("ab") as file:
        file.write(b"\0\0\0\n")
    with opened_journal(tmp_path) as journal:
        assert len(journal.results) == 3


def test_damage_in_the_middle_is_told_with_its_line(tmp_path: Path) -> None:
    whole = written(tmp_path).splitlines(keepends=True)
    (tmp_path / NAME).write_bytes(b"".join([whole[0], b'{"kind": "none"}\n', *whole[2:]]))
    with pytest.raises(UsageError, match="line 2: this is no record"), opened_journal(tmp_path):
        pass


def test_two_runs_never_write_at_once(tmp_path: Path) -> None:
    with (
        opened_journal(tmp_path),
        pytest.raises(UsageError, match="Another run is writing"),
        opened_journal(tmp_path),
    ):
        pass
    with opened_journal(tmp_path):
        pass


def test_failed_try_stands_behind_a_score(tmp_path: Path) -> None:
    written(tmp_path)
    with opened_journal(tmp_path) as journal:
        journal.add(record("ada", 0, "broke"))
        journal.add(record("eve", 0, "broke"))
        assert set(journal.failed) == {"ada", "eve"}
        assert journal.results["ada"].score == 1
    results = read_journal(tmp_path)
    assert results["ada"].score == 1
    assert results["eve"].error == "broke"
    with opened_journal(tmp_path) as journal:
        journal.add(record("eve", 5))
        assert set(journal.failed) == {"ada"}


def test_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = written(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with opened_journal(tmp_path) as journal:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(UsageError, match="the disk is full") as caught:
            journal.add(record("dee"))
    assert "same command again" in caught.value.cure
    assert (tmp_path / NAME).read_bytes() == whole


def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"), opened_journal(tmp_path / "file"):
        pass
    with pytest.raises(UsageError, match="There are no results in"):
        read_journal(tmp_path / "none")
