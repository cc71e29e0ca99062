"""The command line, on the miniature course, with stand-ins for servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from graders.engine.cli.exit_codes import ExitCode
from graders.engine.core.errors import GraderBrokeError
from graders.engine.core.results import Result
from graders.engine.grading.folder import OpenFactory
from tests.cli.course import SOLUTION, STUB, run


@contextmanager
def broken_servers() -> Iterator[OpenFactory]:
    """Fail as a bug of ours would."""
    message = "the fork server said \x1b[31mno"
    raise GraderBrokeError(message)
    yield


@contextmanager
def interrupted_servers() -> Iterator[OpenFactory]:
    """Behave as if Ctrl-C had been pressed."""
    raise KeyboardInterrupt
    yield


def test_full_marks_exit_0_and_show_the_rubric() -> None:
    found = run("greeting", SOLUTION)
    assert found.code == ExitCode.FULL_MARKS
    assert "greeting  Greeting" in found.out
    assert "100 / 100" in found.out
    assert "Full marks." in found.out


def test_progress_goes_to_stderr_line_by_line() -> None:
    found = run("greeting", SOLUTION)
    lines = [line.split(maxsplit=1)[1] for line in found.err.splitlines()]
    assert lines == [
        "the server ...",
        "The server answers",
        "Every greeting is answered in kind",
        "A name is remembered",
        "A stranger is turned away",
    ]


def test_not_full_marks_exit_1_and_say_what_to_try() -> None:
    found = run("greeting", STUB, "--seed", "5")
    assert found.code == ExitCode.NOT_FULL_MARKS
    assert "Nothing came back for 'hello'." in found.out
    assert "Give `ANSWERS` an entry for the message." in found.out
    assert "--seed 5" in found.out
    assert not [line for line in found.out.splitlines() if line != line.rstrip()]


def test_the_word_grade_may_be_written() -> None:
    assert run("grade", "greeting", SOLUTION).code == ExitCode.FULL_MARKS


def test_output_that_is_not_a_terminal_has_no_colours() -> None:
    found = run("greeting", STUB)
    assert "\x1b" not in found.out + found.err


def test_current_folder_is_graded_if_it_is_a_submission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SOLUTION)
    assert run("greeting").code == ExitCode.FULL_MARKS


def test_assignment_is_graded_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("greeting").code == ExitCode.NOT_FULL_MARKS


def test_only_tries_what_was_asked_for() -> None:
    found = run("greeting", SOLUTION, "--only", "answers", "--only", "remembers")
    assert found.code == ExitCode.NOT_FULL_MARKS
    assert "2 criteria were not tried" in found.out
    assert "60 / 100" in found.out


def test_json_goes_to_a_file_beside_the_page(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    found = run("greeting", SOLUTION, "--json", str(file))
    assert Result.model_validate_json(file.read_text(encoding="utf-8")).score == 100
    assert "Full marks." in found.out


def test_json_on_standard_output_stands_there_alone() -> None:
    found = run("greeting", SOLUTION, "--json", "-", "--seed", "12")
    assert json.loads(found.out)["seed"] == 12


def test_json_to_nowhere_is_a_usage_error(tmp_path: Path) -> None:
    found = run("greeting", SOLUTION, "--json", str(tmp_path / "no" / "result.json"))
    assert found.code == ExitCode.USAGE
    assert "cannot be written" in found.err


def test_submission_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    found = run("greeting", str(tmp_path))
    assert found.code == ExitCode.NOT_FULL_MARKS
    assert "could not be graded" in found.out
    assert "There is no `server.py`" in found.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("greting",), "Did you mean `greeting`?"),
        (("lst",), "Did you mean `list`?"),
        (("greeting", "/no/such/folder"), "There is no folder"),
        (("greeting", SOLUTION, "--only", "answer"), "Did you mean `answers`?"),
        (("greeting", SOLUTION, "--sed", "3"), "--seed"),
        (("greeting", SOLUTION, "--seed", "-3"), "--seed"),
        (("greeting", SOLUTION, "one", "too many"), "extra"),
        (("grade",), "lesson"),
        (("grade", "nothing"), "There is no lesson"),
        (("--nothing",), "--nothing"),
        (("lesson", "chek"), "chek"),
        (("lesson", "check", "greting"), "Did you mean `greeting`?"),
    ],
)
def test_command_line_that_makes_no_sense_exits_2(words: tuple[str, ...], message: str) -> None:
    found = run(*words)
    assert found.code == ExitCode.USAGE
    assert message in found.err
    assert "Traceback" not in found.err
    assert found.out == ""


def test_wrong_course_exits_3_and_names_file_and_line(tmp_path: Path) -> None:
    lesson = tmp_path / "graders" / "broken"
    lesson.mkdir(parents=True)
    (lesson / "lesson.yaml").write_text("format_version: 1\ntitel: Oh\n", encoding="utf-8")
    found = run("broken", SOLUTION, root=tmp_path)
    assert found.code == ExitCode.CONTENT
    assert "lesson.yaml:2" in found.err
    assert "Traceback" not in found.err


def test_failure_of_ours_exits_4_in_one_line() -> None:
    found = run("greeting", SOLUTION, servers=broken_servers)
    assert found.code == ExitCode.GRADER_BROKE
    fact = r"grade.py: The grader broke: the fork server said \x1b[31mno. "
    assert found.err == fact + "This is not your fault. Report it with what --verbose shows.\n"


def test_failure_of_ours_shows_its_traceback_when_asked() -> None:
    found = run("greeting", SOLUTION, "--verbose", servers=broken_servers)
    assert found.code == ExitCode.GRADER_BROKE
    assert "GraderBrokeError" in found.err


def test_ctrl_c_exits_130_and_says_that_all_is_stopped() -> None:
    found = run("greeting", SOLUTION, servers=interrupted_servers)
    assert found.code == ExitCode.INTERRUPTED
    assert found.err == "Interrupted; all servers are stopped.\n"


def test_verbose_shows_isolation_and_time() -> None:
    found = run("greeting", SOLUTION, "--verbose")
    assert "Isolation: practice" in found.err
    assert "Graded in" in found.err


def test_list_shows_every_lesson() -> None:
    found = run("list")
    assert found.out.splitlines() == ["counting  Counting", "greeting  Greeting"]
    assert found.code == 0


def test_lesson_check_shows_the_matrix() -> None:
    found = run("lesson", "check", "greeting", "--seed", "3", "-j", "1")
    assert found.code == ExitCode.FULL_MARKS
    assert "greeting: 1/1 stub, 2/2 solutions, 4/4 mutants; all as it must be." in found.out
    assert "[7/7] rude: 90 points, ok" in found.err


def test_lesson_check_of_a_wrong_course_exits_3() -> None:
    found = run("lesson", "check", "counting", "-j", "1")
    assert found.code == ExitCode.CONTENT
    assert "has no `solution`" in found.err
