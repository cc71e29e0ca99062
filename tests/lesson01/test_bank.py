"""The course's own question bank: spread over lessons and levels, and without cues."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from graders.engine.content.chapter_quiz import QUESTIONS, drawn, key_of
from graders.engine.content.quiz import LETTERS, Level, Option, Question, load_bank
from graders.engine.content.quiz_sheet import SHEET, render_sheet

ROOT = Path(__file__).parents[2]
BANK = load_bank(ROOT / "fixtures" / "quiz")
SINGLE = [question for question in BANK.questions if not question.several]


BALANCE = """
          remember understand apply analyse evaluate create  all  asked
lesson01         3          2     2       3        3      2   15      7
lesson02         2          2     2       2        2      2   12      6
lesson03         2          2     2       2        2      2   12      6
lesson04         2          2     2       3        2      2   13      7
lesson05         2          2     3       2        2      2   13      6
lesson06         2          2     2       2        2      2   12      6
lesson07         2          2     2       2        2      2   12      6
lesson08         2          2     2       2        2      2   12      6
all             17         16    17      18       17     16  101     50
"""
"""How many questions the bank has of each lesson and level, and a chapter quiz of each lesson."""


def table() -> str:
    """Return the balance of the bank as a table."""
    asked = Counter(each.lesson for each in drawn(BANK, key_of(1)))
    rows = [
        (lesson, Counter(question.level for question in questions), asked[lesson])
        for lesson, questions in BANK.lessons.items()
    ]
    rows.append(("all", Counter(question.level for question in BANK.questions), asked.total()))
    titles = " ".join(level.value for level in Level)
    lines = [f"{'':9} {titles}  all  asked"]
    for name, counts, number in rows:
        cells = " ".join(f"{counts[level]:{len(level.value)}}" for level in Level)
        lines.append(f"{name:9} {cells} {counts.total():4} {number:6}")
    return "\n".join(lines)


def test_bank_is_balanced_over_lessons_and_levels() -> None:
    assert table() == BALANCE.strip("\n")


def test_bank_has_a_hundred_questions_over_all_eight_lessons() -> None:
    assert list(BANK.lessons) == [f"lesson0{number}" for number in range(1, 9)]
    assert len(BANK.questions) >= 100


def test_chapter_quiz_is_balanced_whatever_its_key() -> None:
    for seed in range(60):
        asked = drawn(BANK, key_of(seed, "ada"))
        assert len({each.question.id for each in asked}) == len(asked) == QUESTIONS
        levels = Counter(each.question.level for each in asked)
        assert set(levels.values()) <= {8, 9}
        for lesson in BANK.lessons:
            own = Counter(each.question.level for each in asked if each.lesson == lesson)
            assert set(own) == set(Level), (seed, lesson)


def test_no_question_of_a_chapter_quiz_gives_away_another_one() -> None:
    pairs = {frozenset((each.id, other)) for each in BANK.questions for other in each.not_with}
    assert pairs
    for seed in range(60):
        asked = {each.question.id for each in drawn(BANK, key_of(seed, "ada"))}
        assert not [pair for pair in pairs if pair <= asked], seed


def test_no_question_is_in_every_chapter_quiz_and_none_is_rare() -> None:
    asked = Counter(
        each.question.id
        for number in range(200)
        for each in drawn(BANK, key_of(2, f"student{number}"))
    )
    assert max(asked.values()) <= 180
    assert min(asked[each.id] for each in BANK.questions) >= 20


def test_neighbours_in_a_class_have_different_quizzes() -> None:
    quizzes = [drawn(BANK, key_of(1, f"student{number}")) for number in range(100)]
    for one, next_one in pairwise(quizzes):
        common = {each.question.id for each in one} & {each.question.id for each in next_one}
        assert len(common) <= 40
        same_place = [a.question.id == b.question.id for a, b in zip(one, next_one, strict=True)]
        assert sum(same_place) <= 8
        assert len({each.id for each in one} & {each.id for each in next_one}) <= 2


@pytest.mark.parametrize("lesson", BANK.lessons)
def test_sections_to_read_again_are_headings_of_the_readme(lesson: str) -> None:
    readme = (ROOT / "assignments" / lesson / "README.md").read_text("utf-8")
    headings = set(re.findall(r"^##+ (.+)$", readme, re.MULTILINE))
    assert set(BANK.sections[lesson].values()) <= headings


def test_quiz_of_lesson01_has_as_many_questions_on_each_topic() -> None:
    topics = Counter(question.topic for question in BANK.lessons["lesson01"])
    assert topics == {"rest": 5, "threads": 5, "streaming": 5}


def test_right_option_is_neither_mostly_the_longest_nor_mostly_the_shortest() -> None:
    longest, shortest = (
        sum(_is_extreme(question, longest=way) for question in SINGLE) for way in (True, False)
    )
    assert longest <= 0.35 * len(SINGLE)
    assert shortest <= 0.4 * len(SINGLE)


def test_length_of_an_option_does_not_tell_whether_it_is_right() -> None:
    """Whoever always takes the longest, or the second longest, or ..., fails."""
    ranks = Counter(
        next(place for place, option in enumerate(_by_length(each)) if option.right)
        for each in SINGLE
    )
    assert max(ranks.values()) <= 0.4 * len(SINGLE)


def _by_length(question: Question) -> list[Option]:
    return sorted(question.options, key=lambda option: -len(option.text))


def test_letters_of_a_chapter_quiz_tell_nothing() -> None:
    letters = Counter(
        letter
        for number in range(40)
        for each in drawn(BANK, key_of(3, f"student{number}"))
        for letter, option in each.options.items()
        if option.right and not each.question.several
    )
    fair = letters.total() / 4
    assert all(0.85 * fair <= letters[letter] <= 1.15 * fair for letter in "abcd")


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
