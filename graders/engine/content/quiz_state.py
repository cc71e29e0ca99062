"""A quiz that a student is answering: its questions, the answers so far, and which are right.

Must not ask, print or write: what ``file`` is to hold after an answer is in ``text``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from graders.engine.content.catalogue import Lesson
from graders.engine.content.quiz_sheet import (
    ANSWERS,
    SHEET,
    Sheet,
    SheetQuestion,
    load_sheet,
    read_answers,
    render_answers,
)
from graders.engine.core.errors import ContentError, UsageError
from graders.engine.core.text import quote


class AskedQuestion(Protocol):
    """What is needed of a question to ask it."""

    @property
    def id(self) -> str:
        """The id that it is answered by."""

    @property
    def question(self) -> str:
        """The question itself."""

    @property
    def several(self) -> bool:
        """Whether more than one option may be right."""

    @property
    def options(self) -> Mapping[str, str]:
        """The texts of the options by their letters."""


@dataclass
class Quiz:
    """A quiz on its way: the questions, the answers so far, where they are kept."""

    sheet: Sheet
    file: Path
    answers: dict[str, frozenset[str]]

    def answer(self, question: SheetQuestion, letters: frozenset[str]) -> None:
        """Take an answer, in place of an earlier one."""
        self.answers[question.id] = letters

    @property
    def text(self) -> str:
        """What the file holds with these answers, in the order of the questions."""
        asked = [each.id for each in self.sheet.questions]
        return render_answers({each: self.answers[each] for each in asked if each in self.answers})

    @property
    def open(self) -> list[SheetQuestion]:
        """The questions without an answer."""
        return [each for each in self.sheet.questions if each.id not in self.answers]

    @property
    def not_right(self) -> list[SheetQuestion]:
        """The questions whose answer is there and not right."""
        return [
            each
            for each in self.sheet.questions
            if each.id in self.answers and not each.is_right(self.answers[each.id])
        ]

    def to_ask(self, *, again: bool) -> list[SheetQuestion]:
        """Return what is not answered yet; with ``again``, before it, what is not right yet."""
        return [*(self.not_right if again else ()), *self.open]


def open_quiz(lesson: Lesson, folder: Path) -> Quiz:
    """Return the quiz of a lesson with the answers that are in ``folder``."""
    path = lesson.assignment_dir / SHEET
    if not path.is_file():
        raise UsageError(f"`{lesson.id}` has no quiz.", cure=f"Run `grade.py {lesson.id}`.")
    if not folder.is_dir():
        raise UsageError(f"There is no folder `{quote(str(folder), 200)}`.")
    sheet = load_sheet(path)
    return Quiz(sheet, folder / ANSWERS, _answers_in(folder / ANSWERS, sheet))


def _answers_in(file: Path, sheet: Sheet) -> dict[str, frozenset[str]]:
    if not file.exists():
        return {}
    try:
        return read_answers(file, {each.id: tuple(each.options) for each in sheet.questions})
    except ContentError as error:
        raise UsageError(
            str(error), cure=f"Correct the line in `{ANSWERS}`, or delete it."
        ) from None


def letters_in(typed: str, question: AskedQuestion) -> frozenset[str] | None:
    """Return what ``typed`` (``b``, ``a d``, ``a,d``, ``ad``) chooses; ``None`` if it cannot be."""
    letters = frozenset(re.sub(r"[\s,;]", "", typed))
    if letters <= set(question.options) and (question.several or len(letters) <= 1):
        return letters
    return None
