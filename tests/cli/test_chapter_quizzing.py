"""``grade.py chapter-quiz``: quizzes that differ, without a key, and results to be exported."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.chapter_quiz import QuizQuestionAsked, drawn, key_of
from graders.engine.content.quiz import load_bank
from graders.engine.content.quiz_sheet import render_answers
from graders.engine.content.versions import digest_of_bank
from graders.engine.core.results import Result, Status
from tests.cli.course import run
from tests.cli.test_quizzing import InterruptedKeys
from tests.miniature import COURSE

ROOT = Path(__file__).parents[2]
BANK = load_bank(ROOT / "fixtures" / "quiz")
ROSTER = "student,name\nada,Ada Lovelace\nben,Ben Ten\ncyd,Cyd C\ndan,Dan D\n"


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    """Return a class of four."""
    path = tmp_path / "students.csv"
    path.write_text(ROSTER, encoding="utf-8")
    return path


@pytest.fixture
def exam(tmp_path: Path, roster: Path) -> Path:
    """Return the folder with the quizzes of the class."""
    folder = tmp_path / "exam"
    made = run(
        "chapter-quiz", "new", str(folder), "--seed", "7", "--roster", str(roster), root=ROOT
    )
    assert made.code == ExitCode.FULL_MARKS
    assert "4 quizzes" in made.out
    return folder


def answered(student: str, right: int, seed: int = 7) -> str:
    """Return answers of which the first ``right`` are right, and the others are not."""

    def letters(number: int, each: QuizQuestionAsked) -> list[str]:
        key = {letter for letter, option in each.options.items() if option.right}
        return sorted(key if number < right else set(each.options) - key)

    asked = drawn(BANK, key_of(seed, student))
    return render_answers({each.id: letters(number, each) for number, each in enumerate(asked)})


def write(folder: Path, text: str) -> None:
    (folder / "quiz.yaml").write_text(text, encoding="utf-8")


def test_class_is_graded_by_its_roster(exam: Path, tmp_path: Path, roster: Path) -> None:
    write(exam / "ada", answered("ada", 40))
    write(exam / "ben", answered("ben", 39))
    write(exam / "cyd", answered("ada", 50))
    (exam / "dan" / "quiz.yaml").unlink()
    (exam / "dan" / "quiz-questions.yaml").unlink()
    (exam / "dan").rmdir()
    (exam / "eve").mkdir()
    out = tmp_path / "results"
    options = ("--seed", "7", "--roster", str(roster), "--out", str(out))
    told = run("chapter-quiz", "grade", str(exam), *options, root=ROOT)
    assert told.code == ExitCode.FULL_MARKS
    lines = [line.split()[:3] for line in told.out.splitlines()]
    assert ["ada", "40", "yes"] in lines
    assert ["ben", "39", "no"] in lines
    assert "Not handed in: dan." in told.out
    assert "nobody's, or a second one: eve." in told.out
    assert "cyd: `quiz.yaml`" in told.out
    assert "is not a question of this quiz" in told.out
    results = {
        path.stem: Result.model_validate_json(path.read_text(encoding="utf-8"))
        for path in sorted(out.glob("*.json"))
    }
    assert {name: each.score for name, each in results.items()} == {"ada": 80, "ben": 78, "cyd": 0}
    assert {each.max_score for each in results.values()} == {100}
    assert results["cyd"].problem
    assert {row.status for row in results["cyd"].criteria} == {Status.NOT_RUN}
    assert any("Passed: 40 of 50" in note for note in results["ada"].notes)
    assert not results["ada"].advisory


def test_results_fit_into_a_gradebook(exam: Path, tmp_path: Path, roster: Path) -> None:
    write(exam / "ada", answered("ada", 50))
    out = tmp_path / "results"
    options = ("--seed", "7", "--roster", str(roster), "--out", str(out))
    assert run("chapter-quiz", "grade", str(exam), *options, root=ROOT).code == ExitCode.FULL_MARKS
    book = tmp_path / "canvas.csv"
    book.write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,Quiz (4)\n"
        "    Points Possible,,,,,100.00\n"
        '"Lovelace, Ada",1,,ada,A,\n"Ten, Ben",2,,ben,A,\n"C, Cyd",3,,cyd,A,\n"D, Dan",4,,dan,A,\n',
        encoding="utf-8",
    )
    columns = ("--gradebook", str(book), "--results", str(out), "--column", "Quiz (4)")
    filled = run("export", "canvas", *columns, root=ROOT)
    assert filled.code == ExitCode.FULL_MARKS
    assert '"Lovelace, Ada",1,,ada,A,100' in filled.out
    shown = run("show", str(out / "ada.json"), root=ROOT)
    assert shown.code == ExitCode.FULL_MARKS
    assert "100 / 100" in shown.out


def test_result_tells_of_its_bank_and_of_no_option_that_it_has_not(
    exam: Path, tmp_path: Path, roster: Path
) -> None:
    write(exam / "ada", answered("ada", 45))
    out = tmp_path / "results"
    options = ("--seed", "7", "--roster", str(roster), "--out", str(out))
    run("chapter-quiz", "grade", str(exam), *options, root=ROOT)
    told = json.loads((out / "ada.json").read_text(encoding="utf-8"))
    assert told["made_with"]["lesson_digest"] == digest_of_bank(ROOT / "fixtures" / "quiz")
    shown = run("show", str(out / "ada.json"), root=ROOT).out
    assert "--seed" not in shown
    assert "--only" not in shown


def test_quizzes_of_a_class_differ_and_hold_no_key(exam: Path) -> None:
    sheets = [path.read_text(encoding="utf-8") for path in exam.glob("*/quiz-questions.yaml")]
    assert len(sheets) == len(set(sheets)) == 4
    reasons = [question.reason for question in BANK.questions]
    remarks = [option.tempting for each in BANK.questions for option in each.options]
    for sheet in sheets:
        assert not any(secret in sheet for secret in [*reasons, *filter(None, remarks)])
        assert "hash" not in sheet
        assert not any(question.id in sheet for question in BANK.questions)


def test_file_of_a_download_is_found_by_its_name(tmp_path: Path, roster: Path) -> None:
    folder = tmp_path / "download"
    folder.mkdir()
    (folder / "ben.yaml").write_text(answered("ben", 50), encoding="utf-8")
    (folder / "ada_17_23_quiz.yaml").write_text(answered("ada", 50), encoding="utf-8")
    (folder / "notes.txt").write_text("-", encoding="utf-8")
    options = ("--seed", "7", "--roster", str(roster))
    told = run("chapter-quiz", "grade", str(folder), *options, root=ROOT)
    assert [line.split()[:3] for line in told.out.splitlines()[1:3]] == [
        ["ada", "50", "yes"],
        ["ben", "50", "yes"],
    ]


def test_one_quiz_is_answered_and_graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "one"
    assert run("chapter-quiz", "new", str(folder), "--seed", "3", root=ROOT).code == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("a\n\nb\nq\n"))
    told = run("chapter-quiz", "answer", str(folder), root=ROOT)
    assert "2 of 50 are answered" in told.out
    assert "Right" not in told.out
    monkeypatch.setattr("sys.stdin", io.StringIO("q\n"))
    assert "1 of 48" in run("chapter-quiz", "answer", str(folder), root=ROOT).out
    told = run("chapter-quiz", "grade", str(folder), "--seed", "3", root=ROOT)
    assert told.code == ExitCode.NOT_FULL_MARKS
    assert "48 questions have no answer." in told.out
    write(folder, answered("", 50, seed=3))
    told = run("chapter-quiz", "grade", str(folder), "--seed", "3", root=ROOT)
    assert told.code == ExitCode.FULL_MARKS
    assert "Passed: 50 of 50" in told.out


def test_wrong_answer_names_the_section_to_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    write(folder, answered("", 49, seed=3))
    told = run("chapter-quiz", "grade", str(folder), "--seed", "3", root=ROOT)
    wrong = drawn(BANK, key_of(3))[-1]
    assert f"assignments/{wrong.lesson}/README.md" in told.out
    assert BANK.sections[wrong.lesson][wrong.question.topic][:12] in told.out


def test_interrupted_answers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "one"
    run("chapter-quiz", "new", str(folder), "--seed", "3", root=ROOT)
    monkeypatch.setattr("sys.stdin", InterruptedKeys("a\n"))
    told = run("chapter-quiz", "answer", str(folder), root=ROOT)
    assert told.code == ExitCode.INTERRUPTED
    assert "1 of 50 are answered" in told.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("new", "there", "--seed", "1"), "not an empty folder"),
        (("answer", "there"), "There is no `quiz-questions.yaml`"),
        (("grade", "nowhere", "--seed", "1"), "There is no folder"),
        (("grade", "there", "--seed", "1"), "There is no `quiz.yaml`"),
        (("grade", "there", "--seed", "1", "--roster", "none.csv"), "cannot be read"),
        (("new", "other", "--seed", "-1"), "less than 0"),
    ],
)
def test_mistake_is_told_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("", encoding="utf-8")
    told = run("chapter-quiz", *words, root=ROOT)
    assert told.code == ExitCode.USAGE
    assert says in " ".join(told.err.split())


def test_wrong_line_of_the_answers_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    run("chapter-quiz", "new", str(folder), "--seed", "3", root=ROOT)
    write(folder, "format_version: 1\nanswers:\n  q99-0000: a\n")
    told = run("chapter-quiz", "answer", str(folder), root=ROOT)
    assert told.code == ExitCode.USAGE
    assert "quiz.yaml:3" in told.err
    assert "Copy the id" in told.err
    told = run("chapter-quiz", "grade", str(folder), "--seed", "3", root=ROOT)
    assert told.code == ExitCode.NOT_FULL_MARKS
    assert "line 3" in told.out


def test_questions_that_were_changed_are_to_be_taken_again(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    run("chapter-quiz", "new", str(folder), "--seed", "3", root=ROOT)
    sheet = folder / "quiz-questions.yaml"
    sheet.write_text(sheet.read_text("utf-8").replace("several: false", "several: no", 1), "utf-8")
    told = run("chapter-quiz", "answer", str(folder), root=ROOT)
    assert told.code == ExitCode.USAGE
    assert "quiz-questions.yaml:9" in told.err
    assert "take your instructor's again" in " ".join(told.err.split())


def test_answers_to_another_quiz_are_told_as_such(exam: Path, roster: Path) -> None:
    write(exam / "ada", answered("ada", 50))
    told = run("chapter-quiz", "grade", str(exam / "ada"), "--seed", "7", root=ROOT)
    assert told.code == ExitCode.NOT_FULL_MARKS
    assert "of another student or seed" in told.out
    told = run(
        "chapter-quiz", "grade", str(exam), "--seed", "8", "--roster", str(roster), root=ROOT
    )
    assert "of another student or seed" in told.out
    assert "Did you mean" not in told.out


def test_copy_without_a_bank_makes_and_grades_nothing(tmp_path: Path) -> None:
    told = run("chapter-quiz", "new", str(tmp_path / "one"), "--seed", "1", root=COURSE)
    assert told.code == ExitCode.USAGE
    assert "no bank of questions" in told.err
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ("ada_17_23_quiz.yaml", "aaa_9_9_quiz-ada.yaml"),  # of Canvas: the student's own name
        ("ada.yaml", "a-ada.yaml"),
        ("c1-quiz-ada.yaml", "c1-quiz-a-ada.yaml"),
    ],
)
def test_nobody_takes_the_place_of_a_student_in_an_exam(
    own: str, other: str, tmp_path: Path, roster: Path
) -> None:
    folder = tmp_path / "download"
    folder.mkdir()
    (folder / own).write_text(answered("ada", 50), encoding="utf-8")
    (folder / other).write_text(answered("eve", 50), encoding="utf-8")
    options = ("--seed", "7", "--roster", str(roster))
    told = run("chapter-quiz", "grade", str(folder), *options, root=ROOT)
    assert told.out.splitlines()[1].split()[:3] == ["ada", "50", "yes"]
    assert f"nobody's, or a second one: {other}." in told.out


def test_names_in_an_exam_move_no_cursor_and_can_be_written(tmp_path: Path, roster: Path) -> None:
    folder, out = tmp_path / "download", tmp_path / "out"
    folder.mkdir()
    (folder / "\x1b[2J\n::error::x.yaml").write_text(answered("eve", 50), encoding="utf-8")
    (folder / os.fsdecode(b"ada_17_23_\xff.YAML")).write_text(answered("ada", 1), encoding="utf-8")
    options = ("--seed", "7", "--roster", str(roster), "--out", str(out))
    told = run("chapter-quiz", "grade", str(folder), *options, root=ROOT)
    assert told.code == ExitCode.FULL_MARKS
    assert r"a second one: \x1b[2J\n::error::x.yaml." in told.out
    written = Result.model_validate_json((out / "ada.json").read_text(encoding="utf-8"))
    assert (written.score, written.submission_path[-9:]) == (2, r"\udcff.YAML"[-9:])
