"""From the first run into the second, and what the second does."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from graders.bootstrap import build as building
from graders.bootstrap import launch as launching
from graders.bootstrap.launch import (
    course_text,
    environment_folder,
    groups_for,
    launch,
    second_run,
)
from graders.bootstrap.stamp import python_of
from graders.bootstrap.trouble import SetupError


@pytest.fixture(autouse=True)
def unmarked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the mark that ``grade.py test`` itself has set on this process."""
    monkeypatch.delitem(sys._xoptions, launching.MARK, raising=False)
    monkeypatch.delenv(launching.PLACE_VARIABLE, raising=False)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the commands that the run would have become."""
    commands: list[list[str]] = []
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "execv", lambda _, words: commands.append(words))
    monkeypatch.setattr(launching, "_run_and_wait", lambda _: 0)
    return commands


def test_standing_environment_is_entered_at_once(
    project: Path, venv: Path, started: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    launch(str(project), ["lesson02"])
    assert started == [second_run(project, venv, ["lesson02"])]
    assert capsys.readouterr().err == ""


def test_second_run_is_isolated_marked_and_gets_the_arguments() -> None:
    words = second_run(Path("/p"), Path("/p/.venv"), ["lesson02", "--json", "-"])
    assert words[0] == str(python_of(Path("/p/.venv")))
    assert "-I" in words
    assert launching.MARK in words
    assert words[-4:] == [str(Path("/p/grade.py")), "lesson02", "--json", "-"]


def test_trouble_is_told_and_ends_with_4(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise SetupError("No network.", "find one.")

    monkeypatch.setattr(building, "build", fail)
    assert launch(str(project), []) == 4
    assert capsys.readouterr().err == "grade.py: No network.\n  try: find one.\n"


def test_interrupt_while_setting_up_is_told_and_ends_with_130(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "build", interrupt)
    assert launch(str(project), []) == 130
    assert "the next run finishes" in capsys.readouterr().err


def test_only_the_tests_need_the_test_group() -> None:
    assert groups_for(["test", "-q"]) == ("test",)
    assert groups_for(["lesson02", "test"]) == ()
    assert groups_for([]) == ()


def test_a_cluster_is_installed_for_those_who_use_one() -> None:
    assert groups_for(["worker", "tcp://one:8786"]) == ("cluster", "postgresql", "rag")
    given = ["bulk", "folder", "--lesson", "rag", "--dask", "local"]
    assert groups_for(given) == ("cluster", "rag")
    given = ["bulk", "folder", "--dask=local", "--database=postgresql"]
    assert groups_for(given) == ("cluster", "postgresql")
    assert groups_for(["bulk", "folder", "--dask", "local"]) == ("cluster",)
    assert groups_for(["bulk", "folder", "--dask=local"]) == ("cluster",)
    assert groups_for(["bulk", "folder"]) == ()


def test_what_few_use_is_installed_for_those_who_use_it() -> None:
    assert groups_for(["lesson05", "folder", "--database", "postgresql"]) == ("postgresql",)
    course = "lessons: {lesson05: {database: postgresql}}"
    assert groups_for(["bulk", "folder"], course) == ("postgresql",)
    assert groups_for(["rag", "folder"]) == ("rag",)
    assert groups_for(["replay", "assignments/rag/conversations/one.yaml"]) == ("rag",)
    assert groups_for(["lesson02", "storage"]) == ()
    assert groups_for(["bulk", "folder", "--lesson=rag", "--similarity"]) == ("rag", "similarity")
    assert groups_for(["lesson", "check"]) == ("postgresql", "rag")


def test_the_class_is_the_one_beside_the_entry_or_the_one_that_is_named(tmp_path: Path) -> None:
    assert course_text(tmp_path, ["lesson05"]) == ""
    (tmp_path / "course.yaml").write_text("beside", encoding="utf-8")
    other = tmp_path / "other.yaml"
    other.write_text("named", encoding="utf-8")
    assert course_text(tmp_path, ["lesson05", "--course"]) == "beside"
    assert course_text(tmp_path, ["lesson05", "--course", str(other)]) == "named"
    assert course_text(tmp_path, [f"--course={other}"]) == "named"
    assert course_text(tmp_path, [f"--course={tmp_path}"]) == ""


def test_environment_stands_beside_the_entry_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment_folder(tmp_path) == tmp_path / ".venv"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(launching.PLACE_VARIABLE, "elsewhere")
    assert environment_folder(Path("/p")) == tmp_path / "elsewhere"
    monkeypatch.setenv(launching.PLACE_VARIABLE, "~/env")
    assert environment_folder(Path("/p")) == Path.home() / "env"


def test_windows_passes_the_exit_code_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(launching, "_run_and_wait", len)
    assert launching.hand_over(["a", "b", "c"]) == 3


def test_waiting_for_the_second_run_leaves_ctrl_c_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ignored: list[object] = []
    monkeypatch.setattr("signal.signal", lambda *what: ignored.append(what))
    monkeypatch.setattr(subprocess, "call", len)
    assert launching._run_and_wait(["a", "b"]) == 2
    assert len(ignored) == 1


def test_marked_run_starts_the_command_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setitem(sys._xoptions, launching.MARK, True)
    monkeypatch.setattr(sys, "argv", ["grade.py"])
    monkeypatch.setattr(runpy, "run_module", lambda name, **_: seen.append((name, sys.argv[1:])))
    assert launch(str(project), ["list"]) == 0
    assert seen == [("graders.engine.cli", ["list"])]


def test_marked_run_of_the_tests_passes_pytests_exit_code_on(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[object] = []
    monkeypatch.setitem(sys._xoptions, launching.MARK, True)
    monkeypatch.setattr(pytest, "main", lambda words: len(words) + 4)
    monkeypatch.setattr(os, "chdir", places.append)
    assert launch(str(project), ["test", "-q"]) == 5
    assert places == [project]
