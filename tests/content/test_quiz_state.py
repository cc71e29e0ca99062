"""A quiz that is being answered: what is still to be asked, and what its file is to hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.content.quiz import Level, Option, Question
from graders.engine.content.quiz_sheet import ANSWERS, SHEET, render_answers, render_sheet
from graders.engine.content.quiz_state import Quiz, letters_in, open_quiz
from graders.engine.core.errors import UsageError
from tests.content.test_catalogue import make_lesson


def question(name: str, *right: bool) -> Question:
    options = tuple(
        Option(id=f"{name}-{number}", text=f"{number}", right=is_right)
        if is_right
        else Option(id=f"{name}-{number}", text=f"{number}", tempting="It looks right.")
        for number, is_right in enumerate(right)
    )
    return Question(
        id=name, topic="rest", level=Level.APPLY, question="Which?", options=options, reason="So."
    )


ONE, SEVERAL = question("one", True, False, False), question("several", True, True, False)


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    """Return a lesson whose quiz has a question with one right option, and one with two."""
    make_lesson(tmp_path, "rag")
    made = Catalogue(tmp_path).lesson("rag")
    made.assignment_dir.mkdir(parents=True)
    (made.assignment_dir / SHEET).write_text(render_sheet("rag", (ONE, SEVERAL)), encoding="utf-8")
    return made


def names(quiz: Quiz, *, again: bool) -> list[str]:
    return [each.id for each in quiz.to_ask(again=again)]


def test_file_holds_the_answers_in_the_order_of_the_questions(
    lesson: Lesson, tmp_path: Path
) -> None:
    quiz = open_quiz(lesson, tmp_path)
    for each in reversed(quiz.sheet.questions):
        quiz.answer(each, frozenset("a"))
    assert quiz.text == render_answers({"one": "a", "several": "a"})
    assert not quiz.file.exists()


def test_wrong_answers_are_asked_before_open_ones_and_only_again(
    lesson: Lesson, tmp_path: Path
) -> None:
    quiz = open_quiz(lesson, tmp_path)
    assert names(quiz, again=True) == names(quiz, again=False) == ["one", "several"]
    first, second = quiz.sheet.questions
    quiz.answer(second, SEVERAL.right - {min(SEVERAL.right)})
    assert (names(quiz, again=False), names(quiz, again=True)) == (["one"], ["several", "one"])
    quiz.answer(second, SEVERAL.right)
    quiz.answer(first, ONE.right)
    assert names(quiz, again=True) == []


def test_quiz_goes_on_with_the_answers_of_its_file(lesson: Lesson, tmp_path: Path) -> None:
    (tmp_path / ANSWERS).write_text(render_answers({"one": ONE.right}), encoding="utf-8")
    assert names(open_quiz(lesson, tmp_path), again=True) == ["several"]


@pytest.mark.parametrize(
    ("typed", "one", "several"),
    [
        ("a", "a", "a"),
        ("", "", ""),
        ("ab", None, "ab"),
        ("a, c", None, "ac"),
        ("b;a", None, "ab"),
        ("d", None, None),
        ("a1", None, None),
    ],
)
def test_letters_are_options_and_several_only_where_several_are_right(
    lesson: Lesson, tmp_path: Path, typed: str, one: str | None, several: str | None
) -> None:
    questions = open_quiz(lesson, tmp_path).sheet.questions
    expected = [None if letters is None else frozenset(letters) for letters in (one, several)]
    assert [letters_in(typed, each) for each in questions] == expected


def test_lesson_without_a_sheet_has_no_quiz(lesson: Lesson, tmp_path: Path) -> None:
    (lesson.assignment_dir / SHEET).unlink()
    with pytest.raises(UsageError, match="`rag` has no quiz"):
        open_quiz(lesson, tmp_path)


def test_folder_of_the_answers_must_be_there(lesson: Lesson, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        open_quiz(lesson, tmp_path / "nowhere")


def test_answers_that_cannot_be_read_are_named_with_their_line(
    lesson: Lesson, tmp_path: Path
) -> None:
    text = "format_version: 1\nanswers:\n  two: a\n"
    (tmp_path / ANSWERS).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"quiz\.yaml:3: `two` is not a question"):
        open_quiz(lesson, tmp_path)
