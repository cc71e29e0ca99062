"""The questions of the quiz of lesson01: from the course's bank, else from the students' sheet.

A copy of the grader for students has no bank. The sheet has the same questions with sealed answers:
it judges the same, and takes some hundredths of a second for each answer. Must not know an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from graders.engine.content.quiz import load_questions
from graders.engine.content.quiz_sheet import SHEET, load_sheet

PROJECT = Path(__file__).parents[2]
BANK_FILE = PROJECT / "fixtures/quiz/lesson01.yaml"
SHEET_FILE = PROJECT / "assignments/lesson01" / SHEET


class QuizQuestion(Protocol):
    """What a check needs of a question, wherever it comes from."""

    @property
    def id(self) -> str:
        """The id that `quiz.yaml` answers by."""

    @property
    def topic(self) -> str:
        """What it is about."""

    @property
    def question(self) -> str:
        """The question itself."""

    @property
    def texts(self) -> Mapping[str, str]:
        """The texts of the options by their letters."""

    def is_right(self, letters: Iterable[str]) -> bool:
        """Return whether just these options are right."""

    def why_not(self, letters: Iterable[str]) -> Mapping[str, str]:
        """Return by letter what is wrong with those of these options that are not right."""


def questions_from(bank: Path, sheet: Path) -> Sequence[QuizQuestion]:
    """Return the questions of the bank, or where there is none, of the sheet."""
    return load_questions(bank).questions if bank.is_file() else load_sheet(sheet).questions


QUESTIONS = questions_from(BANK_FILE, SHEET_FILE)


def about(topic: str) -> list[QuizQuestion]:
    """Return the questions of one topic, in the order of the bank."""
    return [question for question in QUESTIONS if question.topic == topic]
