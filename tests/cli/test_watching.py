"""``--watch``: what is graded after a save or a key, what is said to have changed, how it ends."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from graders.engine.cli.context import CommandContext
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.keys import pressed_keys
from graders.engine.cli.watching import joined, run_watch, saves_in
from graders.engine.content.catalogue import Catalogue
from graders.engine.core.results import Status
from graders.engine.grading.request import GradingRequest
from graders.engine.reports.terminal import Detail
from tests.cli.course import SOLUTION, STUB, run
from tests.miniature import COURSE, stand_in_servers
from tests.reports.samples import result, row

Step = Callable[[Path], None]


def test_verdict_with_other_points_is_not_kept() -> None:
    before = result(row("a", "A", points=20), row("b", "B", points=5))
    after = result(row("a", "A", Status.NOT_RUN, 15), row("b", "B", Status.NOT_RUN, 5))
    whole = joined(before, after)
    assert [each.score for each in whole.criteria] == [0, 5]
    assert whole.score == 5
    assert joined(None, after) == after


def nothing(_folder: Path) -> None:
    """Save nothing."""


def solve(folder: Path) -> None:
    """Save the solution over what is there."""
    shutil.copytree(SOLUTION, folder, dirs_exist_ok=True)


def spoil(folder: Path) -> None:
    """Save the stub again."""
    shutil.copytree(STUB, folder, dirs_exist_ok=True)


def watched(folder: Path, *steps: tuple[str, Step]) -> tuple[ExitCode, str, str]:
    """Watch a folder in which one step after the other is done; return exit code and outputs."""
    spoil(folder)
    out, err = io.StringIO(), io.StringIO()
    context = CommandContext(root=COURSE, servers=stand_in_servers, out=out, err=err)
    request = GradingRequest(Catalogue(COURSE).lesson("greeting"), folder, seed=7)
    typed: list[str] = []

    def saves(where: Path) -> Generator[bool]:
        for key, step in steps:
            step(where)
            typed.append(key)
            yield step is not nothing

    code = run_watch(context, request, Detail(), saves=saves, keys=typed.pop)
    return code, out.getvalue(), err.getvalue()


def test_what_failed_is_graded_first_and_then_everything(tmp_path: Path) -> None:
    code, out, err = watched(tmp_path / "work", ("", solve))
    assert code == ExitCode.FULL_MARKS
    assert "Now right: Every greeting is answered in kind" in out
    assert "100 / 100" in out
    tried = [line.split(maxsplit=1)[1] for line in err.splitlines() if "server answers" in line]
    assert len(tried) == 3  # at first, with what failed, and with everything


def test_save_that_changes_nothing_shows_what_failed(tmp_path: Path) -> None:
    code, out, _ = watched(tmp_path / "work", ("", spoil))
    assert code == ExitCode.NOT_FULL_MARKS
    assert "Now right" not in out
    assert out.count("Nothing came back for 'hello'.") == 2


def test_right_server_that_is_spoilt_is_told(tmp_path: Path) -> None:
    code, out, _ = watched(tmp_path / "work", ("", solve), ("", spoil))
    assert code == ExitCode.NOT_FULL_MARKS
    assert "No longer right: Every greeting is answered in kind" in out


def test_nothing_is_graded_while_nothing_is_saved(tmp_path: Path) -> None:
    _, out, err = watched(tmp_path / "work", ("", nothing), ("x", nothing))
    assert out.count("Score") == 1
    assert err.count("Waiting for you to save") == 1


@pytest.mark.parametrize("key", ["a", "r"])
def test_key_grades_without_a_save(key: str, tmp_path: Path) -> None:
    _, out, _ = watched(tmp_path / "work", (key, nothing))
    assert out.count("Score") == 2


def test_q_ends_before_a_save_is_graded(tmp_path: Path) -> None:
    code, out, _ = watched(tmp_path / "work", ("q", solve))
    assert (code, out.count("Score")) == (ExitCode.NOT_FULL_MARKS, 1)


def test_archive_cannot_be_watched(tmp_path: Path) -> None:
    archive = tmp_path / "work.zip"
    archive.write_bytes(b"")
    found = run("greeting", str(archive), "--watch")
    assert (found.code, "is not a folder" in found.err) == (ExitCode.USAGE, True)


def test_watch_writes_no_reports() -> None:
    found = run("greeting", STUB, "--watch", "--json", "x.json")
    assert (found.code, "--watch writes no reports" in found.err) == (ExitCode.USAGE, True)


def first_after(saved: Iterator[bool], step: Callable[[], object]) -> bool:
    """Return the first save that is seen after a step."""
    assert next(saved) is False
    step()
    return next(each for each in saved if each)


def test_saves_are_seen_by_the_system_but_not_in_caches(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    saved = saves_in(tmp_path)
    assert next(saved) is False
    (tmp_path / "__pycache__" / "server.pyc").write_bytes(b"x")
    assert next(saved) is False
    assert first_after(saved, lambda: (tmp_path / "server.py").write_text("app = 1\n"))
    saved.close()


def test_keys_are_read_one_by_one_and_the_terminal_is_as_before() -> None:
    import pty
    import termios

    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard, os.fdopen(theirs) as terminal:
        before = termios.tcgetattr(terminal.fileno())
        with pressed_keys(terminal) as read_key:
            assert read_key() == ""
            keyboard.write(b"ar")
            assert [read_key(), read_key(), read_key()] == ["a", "r", ""]
        assert termios.tcgetattr(terminal.fileno()) == before


def test_without_a_terminal_there_are_no_keys() -> None:
    with pressed_keys(io.StringIO("q")) as read_key:
        assert read_key() == ""
