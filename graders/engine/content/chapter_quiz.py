"""The quiz over all lessons: which questions one student is asked, and what the answers are worth.

Pure: a key (a text) decides the questions, their order and the letters of their options, so that
two students with different keys have different quizzes. Must not know where the answers come from.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graders.engine.content.quiz import LETTERS, Bank, Option, Question, needed_to_pass

QUESTIONS = 50


@dataclass(frozen=True)
class QuizQuestionAsked:
    """One question of a student's quiz; ``id`` and letters are this student's own."""

    id: str
    lesson: str
    question: Question
    options: Mapping[str, Option]

    def is_right(self, letters: Iterable[str]) -> bool:
        """Return whether just these options are right."""
        chosen = frozenset(letters)
        return chosen == {letter for letter, option in self.options.items() if option.right}


@dataclass(frozen=True)
class LessonMark:
    """What the answers about one lesson are worth, and the sections to read again."""

    lesson: str
    asked: int
    right: int
    again: tuple[str, ...]


@dataclass(frozen=True)
class QuizMark:
    """What a whole quiz is worth."""

    lessons: tuple[LessonMark, ...]

    @property
    def asked(self) -> int:
        """The number of questions."""
        return sum(each.asked for each in self.lessons)

    @property
    def right(self) -> int:
        """The number of right answers."""
        return sum(each.right for each in self.lessons)

    @property
    def needed(self) -> int:
        """The number of right answers that pass."""
        return needed_to_pass(self.asked)

    @property
    def passed(self) -> bool:
        """Whether enough answers are right."""
        return self.right >= self.needed


def key_of(seed: int, student: str = "") -> str:
    """Return what decides the quiz of one student in the exam with this seed."""
    return f"{seed}/{student}"


def drawn(bank: Bank, key: str, count: int = QUESTIONS) -> tuple[QuizQuestionAsked, ...]:
    """Return the quiz of one student.

    Every lesson has as many questions as the others, or one more where these are more in the bank;
    of Bloom's levels, each has as many as the bank allows. No question gives away the answer of
    another one.
    """
    levels: Counter[str] = Counter()
    apart = _Apart(bank.questions)
    chosen = [
        (lesson, question)
        for lesson, number in _shares(bank, count).items()
        for question in _of_lesson(bank.lessons[lesson], number, key, levels, apart)
    ]
    chosen.sort(key=lambda each: _digest(key, "place", each[1].id))
    return tuple(
        QuizQuestionAsked(
            id=f"q{number:02}-{_tag_of(question, options, key)}",
            lesson=lesson,
            question=question,
            options=options,
        )
        for number, (lesson, question) in enumerate(chosen, 1)
        for options in [_lettered(question, key)]
    )


def marked(
    bank: Bank, asked: Sequence[QuizQuestionAsked], answers: Mapping[str, Iterable[str]]
) -> QuizMark:
    """Return what the answers, by the ids of the questions, are worth; none is a wrong one."""
    return QuizMark(tuple(_marked(bank, lesson, asked, answers) for lesson in bank.lessons))


def _marked(
    bank: Bank,
    lesson: str,
    asked: Sequence[QuizQuestionAsked],
    answers: Mapping[str, Iterable[str]],
) -> LessonMark:
    own = [each for each in asked if each.lesson == lesson]
    wrong = [each for each in own if not each.is_right(answers.get(each.id, ()))]
    topics = {each.question.topic for each in wrong}
    sections = bank.sections[lesson]
    again = dict.fromkeys(section for topic, section in sections.items() if topic in topics)
    return LessonMark(lesson, len(own), len(own) - len(wrong), tuple(again))


def _shares(bank: Bank, count: int) -> dict[str, int]:
    """Return how many questions each lesson has: the same in every quiz of this bank."""
    each, more = divmod(count, max(len(bank.lessons), 1))
    by_size = sorted(bank.lessons, key=lambda lesson: -len(bank.lessons[lesson]))
    return {lesson: each + (lesson in by_size[:more]) for lesson in bank.lessons}


class _Apart:
    """Which questions may still be asked, beside those that are asked already."""

    def __init__(self, questions: Iterable[Question]) -> None:
        self._others: defaultdict[str, set[str]] = defaultdict(set)
        self._barred: set[str] = set()
        for question in questions:
            for other in question.not_with:
                self._others[question.id].add(other)
                self._others[other].add(question.id)

    def allowed(self, questions: Iterable[Question]) -> list[Question]:
        """Return those that give nothing away."""
        return [each for each in questions if each.id not in self._barred]

    def ask(self, question: Question) -> None:
        """Bar what must not be asked together with this one."""
        self._barred |= self._others[question.id]


def _of_lesson(
    questions: Sequence[Question], number: int, key: str, levels: Counter[str], apart: _Apart
) -> Iterator[Question]:
    """Yield some questions of one lesson, each of the level that has been asked least so far."""
    left = sorted(questions, key=lambda question: _digest(key, "draw", question.id))
    own: Counter[str] = Counter()
    for _ in range(number):
        left = apart.allowed(left)
        if not left:
            return
        best = min(left, key=lambda question: (own[question.level], levels[question.level]))
        left.remove(best)
        apart.ask(best)
        own[best.level] += 1
        levels[best.level] += 1
        yield best


def _lettered(question: Question, key: str) -> dict[str, Option]:
    ordered = sorted(question.options, key=lambda each: _digest(key, question.id, each.id))
    return dict(zip(LETTERS, ordered, strict=False))


def _tag_of(question: Question, options: Mapping[str, Option], key: str) -> str:
    """Return what tells a question of this quiz from all others.

    When the bank's options were changed after the quiz was made, the same letters may mean others:
    then it differs, and the answers are refused instead of counted wrong.
    """
    return _digest(key, "id", question.id, *(option.id for option in options.values()))[:4]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
