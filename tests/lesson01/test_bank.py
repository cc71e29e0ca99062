"""The course's own question bank: spread over lessons and levels, and without cues."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from graders.engine.content.quiz import LETTERS, Level, Question, load_bank
from graders.engine.content.quiz_sheet import SHEET, render_sheet

ROOT = Path(__file__).parents[2]
BANK = load_bank(ROOT / "fixtures" / "quiz")
SINGLE = [question for question in BANK.questions if not question.several]


def test_bank_has_fifty_questions_over_all_eight_lessons() -> None:
    assert list(BANK.lessons) == [f"lesson0{number}" for number in range(1, 9)]
    assert len(BANK.questions) >= 50
    assert all(len(questions) >= 6 for questions in BANK.lessons.values())


def test_questions_are_spread_over_the_levels() -> None:
    count = Counter(question.level for question in BANK.questions)
    assert all(count[level] >= 5 for level in Level)
    for lesson, questions in BANK.lessons.items():
        assert len({question.level for question in questions}) >= 4, lesson


def test_quiz_of_lesson01_has_as_many_questions_on_each_topic() -> None:
    topics = Counter(question.topic for question in BANK.lessons["lesson01"])
    assert topics == {"rest": 5, "threads": 5, "streaming": 5}


def test_right_option_is_neither_mostly_the_longest_nor_mostly_the_shortest() -> None:
    longest, shortest = (
        sum(_is_extreme(question, longest=way) for question in SINGLE) for way in (True, False)
    )
    assert longest <= 0.35 * len(SINGLE)
    assert shortest <= 0.4 * len(SINGLE)


def _is_extreme(question: Question, *, longest: bool) -> bool:
    lengths = {option.id: len(option.text) for option in question.options}
    extreme = (max if longest else min)(lengths.values())
    return any(option.right and lengths[option.id] == extreme for option in question.options)


def test_right_option_is_in_no_place_more_often_than_chance_allows() -> None:
    dealt = Counter(min(question.right) for question in SINGLE)
    written = Counter(
        next(number for number, option in enumerate(question.options) if option.right)
        for question in SINGLE
    )
    for counts in (dealt.values(), written.values()):
        assert max(counts) <= 0.4 * len(SINGLE)
        assert min(counts) >= 0.1 * len(SINGLE)
    assert set(dealt) >= set(LETTERS[:4])


def test_no_two_options_of_a_question_read_alike() -> None:
    for question in BANK.questions:
        assert len({option.text for option in question.options}) == len(question.options)


@pytest.mark.parametrize("lesson", sorted(BANK.lessons))
def test_students_sheet_is_made_from_the_bank(lesson: str) -> None:
    path = ROOT / "assignments" / lesson / SHEET
    assert lesson != "lesson01" or path.exists()
    if path.exists():
        assert path.read_text("utf-8") == render_sheet(lesson, BANK.lessons[lesson]), (
            f"run: grade.py lesson quiz {lesson}"
        )


def test_examples_in_the_assignment_are_no_right_answers() -> None:
    right = {question.id: question.right for question in BANK.lessons["lesson01"]}
    assert right["rest-state"] != {"b"}
    assert right["threads-store"] != {"a", "d"}
