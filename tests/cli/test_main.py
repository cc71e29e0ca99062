"""The command line, on the miniature course, with stand-ins for servers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from graders.engine.cli.exit_codes import ExitCode
from graders.engine.core.errors import GraderBrokeError
from graders.engine.core.results import Result
from graders.engine.grading.folder import OpenFactory
from tests.cli.course import SOLUTION, STUB, run
from tests.miniature import COURSE


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


@pytest.mark.parametrize("words", [("lesson", "2"), ("lesson", "02"), ("2",), ("lesson2",)])
def test_lesson_may_be_written_in_short(words: tuple[str, ...], tmp_path: Path) -> None:
    shutil.copytree(COURSE / "graders" / "greeting", tmp_path / "graders" / "lesson02")
    found = run(*words, SOLUTION, root=tmp_path)
    assert "lesson02  Greeting" in found.out


def test_the_word_grade_may_be_written() -> None:
    assert run("grade", "greeting", SOLUTION).code == ExitCode.FULL_MARKS


def test_output_that_is_not_a_terminal_has_no_colours() -> None:
    found = run("greeting", STUB)
    assert "\x1b" not in found.out + found.err


def test_current_folder_is_graded_if_it_is_a_submission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SOLUTION)
    assert run("greeting").code == ExitCode.FULL_MARKS


def test_full_path_of_what_is_graded_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(COURSE)
    assert f"Graded    {STUB}" in joined(run("greeting").out)
    monkeypatch.chdir(SOLUTION)
    assert f"Graded    {SOLUTION}" in joined(run("greeting").out)


def joined(page: str) -> str:
    """Return the page with a path that was folded in one piece."""
    return page.replace("\n          ", "")


@pytest.mark.parametrize("folder", [".", "graders", "assignments"])
def test_assignment_is_graded_in_the_courses_own_folders(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(COURSE / folder)
    found = run("greeting")
    assert found.code == ExitCode.NOT_FULL_MARKS
    assert STUB in joined(found.out)


def test_folder_outside_is_never_replaced_by_the_assignment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "main.py").write_text("app = None\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = run("greeting")
    assert (found.code, found.out) == (ExitCode.USAGE, "")
    assert str(tmp_path) in found.err
    assert "`app: main:app`" in found.err
    assert "python grade.py greeting FOLDER" in found.err


def test_folder_of_many_students_is_named_with_the_command_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ada l", "bob"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "server.py").write_text("app = None\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = run("greeting")
    assert (found.code, found.out) == (ExitCode.USAGE, "")
    assert "`python grade.py greeting 'ada l'`. There are 2 such folders." in found.err


def test_empty_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = run("greeting")
    assert (found.code, found.out) == (ExitCode.USAGE, "")
    assert str(tmp_path) in found.err
    assert "`python grade.py greeting FOLDER`" in found.err


def test_assignment_of_another_lesson_is_not_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(COURSE / "assignments" / "counting")
    found = run("greeting")
    assert (found.code, found.out) == (ExitCode.USAGE, "")
    assert "`python grade.py counting`" in found.err
    assert run("greeting", ".").code == ExitCode.NOT_FULL_MARKS


def test_lesson_without_a_server_opens_none_and_knows_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lost = run("counting", servers=None)
    assert lost.code == ExitCode.USAGE
    assert "name the folder that holds `server.py`" in lost.err
    (tmp_path / "server.py").write_text("", encoding="utf-8")
    found = run("counting", servers=None)
    assert found.code == ExitCode.FULL_MARKS
    assert found.err.startswith("Reading the files ...")


def test_path_of_an_assignment_is_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SOLUTION)
    assert STUB in joined(run(STUB).out)
    assert STUB in joined(run("grade", STUB).out)


@contextmanager
def no_servers() -> Iterator[OpenFactory]:
    """Fail the test: nothing may be started."""
    pytest.fail("servers were started")
    yield


def test_criteria_are_chosen_by_the_word_with_which_they_begin() -> None:
    found = run("greeting", SOLUTION, "--only", "unannounced")
    assert found.code is not ExitCode.USAGE
    shown = run("greeting", SOLUTION, "--show", "unannounced", servers=no_servers)
    assert shown.code is ExitCode.USAGE


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "/no/such/folder/result.json"),
        ("--json", "/"),
        ("--only", "nothing"),
        ("--show", "nothing"),
    ],
)
def test_wrong_option_is_told_before_anything_starts(words: tuple[str, ...]) -> None:
    found = run("greeting", SOLUTION, *words, servers=no_servers)
    assert (found.code, found.out) == (ExitCode.USAGE, "")
    assert "Starting" not in found.err


@pytest.mark.parametrize("submission", ["/no/such/folder", "/no/such.zip", __file__])
def test_wrong_submission_is_told_before_anything_starts(submission: str) -> None:
    found = run("greeting", submission, servers=no_servers) if submission != __file__ else None
    found = found or run("greeting", submission)
    assert found.code == ExitCode.USAGE


def test_writing_a_result_leaves_no_other_file(tmp_path: Path) -> None:
    run("greeting", SOLUTION, "--json", str(tmp_path / "result.json"))
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]


def test_details_of_one_criterion_can_be_asked_for() -> None:
    found = run("greeting", SOLUTION, "--show", "remembers")
    assert "remembers  It passed." in found.out


def test_nothing_is_said_of_a_hidden_criterion_that_is_asked_for() -> None:
    found = run("greeting", SOLUTION, "--show", "unannounced-guest")
    assert found.code == ExitCode.FULL_MARKS
    assert "unannounced-guest" not in found.out
    assert "unannounced-guest" not in run("greeting", SOLUTION, "--show", "zzz").err


def test_only_says_what_was_earned_of_what_was_tried() -> None:
    assert "60 of the 60 tried" in run("greeting", SOLUTION, "--only", "remembers").out


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
        (("grade",), "LESSON"),
        ((SOLUTION,), "the lesson comes first: `python grade.py greeting "),
        ((f"{SOLUTION}/server.py",), f"`python grade.py greeting {SOLUTION}`"),
        ((str(COURSE),), f"`python grade.py LESSON {COURSE}`"),
        ((SOLUTION, "greeting"), "the lesson comes first: `python grade.py greeting "),
        (("test",), "`python grade.py test`"),
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


def test_lesson_check_grades_a_mutant_in_part_unless_the_whole_is_wanted(tmp_path: Path) -> None:
    root = tmp_path / "course"
    shutil.copytree(COURSE, root)
    mutant = root / "reference_solutions" / "greeting" / "mutants" / "rude" / "mutant.yaml"
    mutant.write_text(
        "format_version: 1\nwhy: W.\nloses: [polite, remembers]\ngraded_on: [polite]\n",
        encoding="utf-8",
    )
    narrow = run("lesson", "check", "greeting", "-j", "1", root=root)
    assert narrow.code == ExitCode.FULL_MARKS
    assert "points in part, ok" in narrow.err
    whole = run("lesson", "check", "greeting", "-j", "1", "--whole", root=root)
    assert whole.code == ExitCode.CONTENT
    assert "in part" not in whole.err
    assert "rude: was to lose `remembers` and did not." in " ".join(whole.out.split())


def test_draft_is_named_as_one_and_checked_only_by_name(tmp_path: Path) -> None:
    root = tmp_path / "course"
    shutil.copytree(COURSE, root)
    for lesson in (root / "graders").iterdir():
        if (file := lesson / "lesson.yaml").is_file():
            file.write_text(f"{file.read_text()}draft: true\n", encoding="utf-8")
    assert "(draft)" in run("list", root=root).out
    found = run("lesson", "check", "-j", "1", root=root)
    assert "greeting is a draft and is left out" in found.err
    assert "points" not in found.err
    assert "points, ok" in run("lesson", "check", "greeting", "-j", "1", root=root).err
    assert "greeting is a draft" in run("greeting", SOLUTION, root=root).err


def test_lesson_check_of_a_wrong_course_exits_3() -> None:
    found = run("lesson", "check", "counting", "-j", "1")
    assert found.code == ExitCode.CONTENT
    assert "has no `solution`" in found.err
