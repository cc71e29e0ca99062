"""The quiz over all lessons: what a key decides, and what answers are worth."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from graders.engine.content.chapter_quiz import QuizMark, QuizQuestionAsked, drawn, key_of, marked
from graders.engine.content.chapter_sheet import (
    known_letters,
    load_chapter_sheet,
    render_chapter_sheet,
)
from graders.engine.content.quiz import Bank, load_bank
from graders.engine.core.errors import ContentError

QUESTION = """\
  - id: {lesson}-{topic}-{level}
    topic: {topic}
    level: {level}
    question: What is “{topic}” in {lesson}?
    options:
      - {{id: one, text: One, right: true}}
      - {{id: two, text: "Two: \\"quoted\\"", tempting: Two is near.}}
      - {{id: many, text: Many, tempting: Many are tempting.}}
    reason: It is one.
"""


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """Return a bank of three lessons; the last one has more questions."""
    levels = ("remember", "apply", "create")
    for lesson, topics in (("lesson01", "ab"), ("lesson02", "ab"), ("lesson03", "abc")):
        questions = [
            QUESTION.format(lesson=lesson, topic=topic, level=level)
            for topic in topics
            for level in levels
        ]
        sections = "".join(f"  {topic}: Section {topic}\n" for topic in topics)
        head = f"format_version: 1\nlesson: {lesson}\nsections:\n{sections}questions:\n"
        (tmp_path / f"{lesson}.yaml").write_text(head + "".join(questions), encoding="utf-8")
    return load_bank(tmp_path)


def right(asked: QuizQuestionAsked) -> str:
    return next(letter for letter, option in asked.options.items() if option.right)


def test_same_key_gives_the_same_quiz_and_another_key_another(bank: Bank) -> None:
    assert drawn(bank, key_of(1, "ada"), 10) == drawn(bank, key_of(1, "ada"), 10)
    assert drawn(bank, key_of(1, "ada"), 10) != drawn(bank, key_of(1, "ben"), 10)
    assert drawn(bank, key_of(1, "ada"), 10) != drawn(bank, key_of(2, "ada"), 10)


def test_lesson_with_more_questions_is_asked_one_more(bank: Bank) -> None:
    for seed in range(5):
        asked = Counter(each.lesson for each in drawn(bank, key_of(seed), 10))
        assert asked == {"lesson01": 3, "lesson02": 3, "lesson03": 4}


def test_levels_are_asked_equally(bank: Bank) -> None:
    for seed in range(5):
        levels = Counter(each.question.level for each in drawn(bank, key_of(seed), 10))
        assert sorted(levels.values()) == [3, 3, 4]


def test_bank_that_is_too_small_gives_all_that_it_has(bank: Bank) -> None:
    assert len(drawn(bank, key_of(1), 50)) == len(bank.questions)


def test_questions_that_give_one_another_away_are_never_asked_together(
    bank: Bank, tmp_path: Path
) -> None:
    file = tmp_path / "lesson03.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}    not_with: [lesson01-a-apply]\n", encoding="utf-8")
    pair = {"lesson03-c-create", "lesson01-a-apply"}
    apart, before = load_bank(tmp_path), 0
    for seed in range(20):
        before += pair <= {each.question.id for each in drawn(bank, key_of(seed), 10)}
        assert not pair <= {each.question.id for each in drawn(apart, key_of(seed), 10)}
    assert before
    assert len(drawn(apart, key_of(1), 50)) == len(bank.questions) - 1


def test_answers_to_options_that_were_changed_since_are_not_taken(
    bank: Bank, tmp_path: Path
) -> None:
    file = tmp_path / "lesson01.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("id: many", "id: few"), encoding="utf-8")
    now = {each.id for each in drawn(load_bank(tmp_path), key_of(1), 10)}
    for each in drawn(bank, key_of(1), 10):
        assert (each.id in now) == (each.lesson != "lesson01")
    file.write_text(text.replace("It is one", "It is only one"), encoding="utf-8")
    assert known_letters(drawn(load_bank(tmp_path), key_of(1), 10)) == known_letters(
        drawn(bank, key_of(1), 10)
    )


def test_answers_are_counted_by_lesson_with_what_to_read_again(bank: Bank) -> None:
    asked = drawn(bank, key_of(1), 9)
    answers = {each.id: right(each) for each in asked}
    wrong = next(each for each in asked if each.lesson == "lesson02")
    answers[wrong.id] = next(letter for letter in wrong.options if letter != right(wrong))
    mark = marked(bank, asked, answers)
    assert [(each.lesson, each.right, each.asked) for each in mark.lessons] == [
        ("lesson01", 3, 3),
        ("lesson02", 2, 3),
        ("lesson03", 3, 3),
    ]
    assert mark.lessons[1].again == (f"Section {wrong.question.topic}",)
    assert mark.lessons[0].again == ()


def test_question_without_an_answer_is_not_right(bank: Bank) -> None:
    mark = marked(bank, drawn(bank, key_of(1), 9), {})
    assert (mark.right, mark.asked, mark.passed) == (0, 9, False)


@pytest.mark.parametrize(("given", "passes"), [(8, True), (7, False)])
def test_eighty_percent_pass(bank: Bank, given: int, passes: bool) -> None:
    asked = drawn(bank, key_of(4), 10)
    mark: QuizMark = marked(bank, asked, {each.id: right(each) for each in asked[:given]})
    assert (mark.needed, mark.passed) == (8, passes)


def test_more_letters_than_the_right_one_are_not_right(bank: Bank) -> None:
    asked = drawn(bank, key_of(1), 9)[0]
    assert asked.is_right([right(asked)])
    assert not asked.is_right(asked.options)


@pytest.mark.parametrize("student", ["", 'Ada "the first" Łovelace'])
def test_sheet_has_the_questions_and_nothing_of_the_answers(
    bank: Bank, tmp_path: Path, student: str
) -> None:
    asked = drawn(bank, key_of(1, student), 9)
    path = tmp_path / "quiz-questions.yaml"
    path.write_text(render_chapter_sheet(student, asked, 8), encoding="utf-8")
    sheet = load_chapter_sheet(path)
    assert sheet.student == student
    assert {each.id: tuple(each.options) for each in sheet.questions} == known_letters(asked)
    for told, each in zip(sheet.questions, asked, strict=True):
        assert told.question == each.question.question
        assert dict(told.options) == {k: option.text for k, option in each.options.items()}
    text = path.read_text(encoding="utf-8")
    for secret in ("right: true", "tempting", "It is one", "hash", "salt", "remember", "lesson0"):
        assert secret not in text.replace(asked[0].question.question, "").replace(
            " in lesson0", ""
        ), secret


def test_sheet_without_questions_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "quiz-questions.yaml"
    path.write_text("format_version: 1\nquestions: []\n", encoding="utf-8")
    with pytest.raises(ContentError):
        load_chapter_sheet(path)
