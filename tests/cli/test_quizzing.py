"""``grade.py quiz``: asks, saves after each answer, goes on where it stopped."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.quiz import load_questions
from graders.engine.content.quiz_sheet import render_answers
from tests.cli.course import Outcome, run
from tests.content.test_quiz import FILE
from tests.miniature import COURSE

TWO = FILE + FILE[FILE.index("  - id: paths") :].replace("paths", "methods")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return a course whose lesson `greeting` has a quiz of two equal questions."""
    root = tmp_path / "course"
    shutil.copytree(COURSE, root)
    bank = root / "fixtures" / "quiz"
    bank.mkdir(parents=True)
    (bank / "greeting.yaml").write_text(TWO.replace("lesson01", "greeting"), encoding="utf-8")
    assert run("lesson", "quiz", "greeting", root=root).code == ExitCode.FULL_MARKS
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a student."""
    made = tmp_path / "mine"
    made.mkdir()
    return made


def right_letter(course: Path, number: int = 0) -> str:
    questions = load_questions(course / "fixtures" / "quiz" / "greeting.yaml").questions
    return min(questions[number].right)


def wrong_letter(course: Path) -> str:
    return next(letter for letter in "abc" if letter != right_letter(course))


def quiz(
    course: Path, folder: Path, typed: str, monkeypatch: pytest.MonkeyPatch, *options: str
) -> Outcome:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return run("quiz", "greeting", str(folder), *options, root=course)


def kept(folder: Path) -> str:
    return (folder / "quiz.yaml").read_text(encoding="utf-8").partition("\nanswers:")[2]


def test_answers_are_kept(course: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = [right_letter(course, 0), right_letter(course, 1)]
    done = quiz(course, folder, "\n".join(letters) + "\n", monkeypatch)
    assert kept(folder) == f"\n  paths: {letters[0]}\n  methods: {letters[1]}\n"
    assert done.code == ExitCode.FULL_MARKS
    assert "2 of 2 are answered, 2 are right; 2 pass (80 %)" in done.out


def test_quiz_goes_on_where_it_stopped(
    course: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = quiz(course, folder, "a\nq\n", monkeypatch)
    assert kept(folder) == "\n  paths: a\n"
    assert "Not answered yet: methods" in first.out
    second = quiz(course, folder, "b\n", monkeypatch)
    assert "1 of 1  methods" in second.out
    assert kept(folder) == "\n  paths: a\n  methods: b\n"


@pytest.mark.parametrize("typed", ["", "q\n", "\n\n"])
def test_nothing_is_kept_of_what_was_left_out(
    course: Path, folder: Path, typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = quiz(course, folder, typed, monkeypatch)
    assert not (folder / "quiz.yaml").exists()
    assert "0 of 2 are answered" in done.out


@pytest.mark.parametrize("typed", ["z", "abc", "a b", "1"])
def test_what_is_no_option_is_asked_again(
    course: Path, folder: Path, typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = quiz(course, folder, f"{typed}\nB\nq\n", monkeypatch)
    assert "One of: a, b, c." in done.out
    assert kept(folder) == "\n  paths: b\n"


def test_wrong_answer_is_asked_again_only_when_wanted(
    course: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"paths": wrong_letter(course), "methods": right_letter(course, 1)}
    (folder / "quiz.yaml").write_text(render_answers(answers), encoding="utf-8")
    told = quiz(course, folder, "", monkeypatch)
    assert "Not right yet: paths" in told.out
    assert "How many paths?" not in told.out
    again = quiz(course, folder, right_letter(course) + "\n", monkeypatch, "--again")
    assert "2 are right" in again.out


REMARKS = {"two": "There are two kinds of answer.", "many": "REST has many."}
"""What the bank says of the wrong options, by their ids."""


def remark_on(course: Path, letter: str) -> str:
    questions = load_questions(course / "fixtures" / "quiz" / "greeting.yaml").questions
    return REMARKS[questions[0].dealt[letter].id]


def test_wrong_answer_is_told_at_once_with_its_own_reason(
    course: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = wrong_letter(course)
    done = quiz(course, folder, f"{wrong}\nq\n", monkeypatch)
    assert f"Not right. {remark_on(course, wrong)}" in done.out
    assert done.out.index("Not right.") < done.out.index("2 of 2")


def test_right_answer_is_not_shown_after_a_wrong_one(
    course: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = wrong_letter(course)
    done = quiz(course, folder, f"{wrong}\nq\n", monkeypatch)
    others = [text for text in REMARKS.values() if text != remark_on(course, wrong)]
    assert [text for text in ("The type says", *others) if text in done.out] == []


def test_right_answer_is_told_at_once_with_the_reason(
    course: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = quiz(course, folder, f"{right_letter(course)}\nq\n", monkeypatch)
    assert "Right. The type says what is wanted." in done.out
    assert "Not right" not in done.out


class InterruptedKeys:
    """Types some lines, then Ctrl-C."""

    def __init__(self, *lines: str) -> None:
        self._lines = list(lines)

    def readline(self) -> str:
        """Return the next line."""
        if not self._lines:
            raise KeyboardInterrupt
        return self._lines.pop(0)


def test_ctrl_c_says_that_the_answers_are_kept(
    course: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", InterruptedKeys("a\n"))
    done = run("quiz", "greeting", str(folder), root=course)
    assert done.code == ExitCode.INTERRUPTED
    assert f"Answers kept: 1 of 2 in {folder / 'quiz.yaml'}\n" in done.out
    assert done.err == "Interrupted.\n"
    assert kept(folder) == "\n  paths: a\n"


def test_broken_answers_are_not_written_over(
    course: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "quiz.yaml").write_text("format_version: 1\nanswers:\n  path: a\n", encoding="utf-8")
    done = quiz(course, folder, "a\n", monkeypatch)
    assert done.code == ExitCode.USAGE
    assert "quiz.yaml:3" in done.err
    assert "path: a" in kept(folder)


def test_several_letters_may_be_typed_in_any_way(
    course: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = course / "fixtures" / "quiz" / "greeting.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("tempting: REST has many.", "right: true"), encoding="utf-8")
    assert run("lesson", "quiz", root=course).code == ExitCode.FULL_MARKS
    done = quiz(course, folder, "ab\nc, A\n", monkeypatch)
    assert "(several are right)" in done.out
    assert done.out.count("Not right. ") + done.out.count("Right. ") == 2
    assert kept(folder) == "\n  paths: [a, b]\n  methods: [a, c]\n"


def test_lesson_without_a_quiz_is_a_usage_error(tmp_path: Path) -> None:
    done = run("quiz", "counting", str(tmp_path))
    assert done.code == ExitCode.USAGE
    assert "`counting` has no quiz." in done.err


def test_folder_that_does_not_exist_is_a_usage_error(course: Path) -> None:
    assert run("quiz", "greeting", str(course / "nowhere"), root=course).code == ExitCode.USAGE


def test_sheet_of_a_lesson_without_questions_is_a_usage_error(course: Path) -> None:
    done = run("lesson", "quiz", "counting", root=course)
    assert done.code == ExitCode.USAGE
    assert "It has some for greeting." in done.err


def test_sheet_is_not_made_where_the_bank_is_empty() -> None:
    done = run("lesson", "quiz", "counting")
    assert done.code == ExitCode.USAGE
    assert "Write some in `fixtures/quiz`." in done.err
