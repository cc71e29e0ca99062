"""The quiz: each question is a case of its topic, and 80 % of all must be right.

What is said about a wrong answer is why it is tempting, never which answer is right.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from graders.engine.content.quiz import needed_to_pass
from graders.engine.harness import criterion, expect, found
from graders.lesson01.questions import QUESTIONS, QuizQuestion, about

Answers = Mapping[str, frozenset[str]]


def each(topic: str) -> pytest.MarkDecorator:
    """Let a test judge each question of a topic, as a case that is named after it."""
    return pytest.mark.parametrize("question", about(topic), ids=lambda question: question.id)


@criterion("quiz-file")
def test_quiz_can_be_read(answers: Answers) -> None:
    expect(bool(answers), "`quiz.yaml` holds no answer yet.", hint="empty")


@criterion("quiz-rest")
@each("rest")
def test_question_about_rest(question: QuizQuestion, answers: Answers) -> None:
    judge(question, answers)


@criterion("quiz-threads")
@each("threads")
def test_question_about_threads(question: QuizQuestion, answers: Answers) -> None:
    judge(question, answers)


@criterion("quiz-streaming")
@each("streaming")
def test_question_about_streaming(question: QuizQuestion, answers: Answers) -> None:
    judge(question, answers)


@criterion("quiz-passed")
def test_quiz_is_passed(answers: Answers) -> None:
    right = sum(question.is_right(answers.get(question.id, ())) for question in QUESTIONS)
    needed = needed_to_pass(len(QUESTIONS))
    expect(
        right >= needed,
        f"{right} of {len(QUESTIONS)} answers are right; {needed} are needed.",
    )


def judge(question: QuizQuestion, answers: Answers) -> None:
    """Raise the finding that a wrong answer deserves."""
    given = answers.get(question.id)
    if given is None:
        found(f"{question.question} You have not answered `{question.id}` yet.", hint="unanswered")
    if question.is_right(given):
        return
    wrong = question.why_not(given)
    if not wrong:
        found(
            f"{question.question} Your answer to `{question.id}` is right, but not complete.",
            hint="incomplete",
        )
    letter = min(wrong)
    found(
        f"{question.question} Your answer to `{question.id}` is {letter}: "
        f"“{question.texts[letter]}”. {wrong[letter]}"
    )
