"""The questions of the quiz of lesson01, from the course's bank."""

from __future__ import annotations

from pathlib import Path

from graders.engine.content.quiz import Question, load_questions

QUESTIONS = load_questions(Path(__file__).parents[2] / "fixtures/quiz/lesson01.yaml").questions


def about(topic: str) -> list[Question]:
    """Return the questions of one topic, in the order of the bank."""
    return [question for question in QUESTIONS if question.topic == topic]
