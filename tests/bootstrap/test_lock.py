"""Two runs at once: the second waits, says so, and goes on when the first is done."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from graders.bootstrap.lock import holding
from graders.bootstrap.trouble import SetupError


def never() -> None:
    """Fail, since nobody had to wait."""
    pytest.fail("waited for a free lock")


def test_free_lock_is_taken_without_a_word(tmp_path: Path) -> None:
    with holding(tmp_path / "a.lock", never):
        pass
    with holding(tmp_path / "a.lock", never):
        pass


def test_second_run_waits_until_the_first_is_done(tmp_path: Path) -> None:
    waiting, order = threading.Event(), []

    def second() -> None:
        with holding(tmp_path / "a.lock", waiting.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with holding(tmp_path / "a.lock", never):
        thread.start()
        assert waiting.wait(timeout=30)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_lock_makes_the_folder_that_it_stands_in(tmp_path: Path) -> None:
    with holding(tmp_path / "new" / "folder" / "a.lock", never):
        assert (tmp_path / "new" / "folder").is_dir()


def test_lock_where_nothing_can_be_written_is_told_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(SetupError, match="cannot be written") as caught,
        holding(tmp_path / "file" / "a.lock", never),
    ):
        pytest.fail("held a lock that cannot be")
    assert "CHATKIT_GRADER_VENV" in caught.value.text()
