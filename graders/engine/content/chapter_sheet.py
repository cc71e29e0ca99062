"""What a student gets of the quiz over all lessons: questions and options, and no key of any kind.

Not even a hash of an answer: with four options, every one could be tried. Must not know the bank.
A ``quiz-questions.yaml`` is made by ``grade.py chapter-quiz new`` and never written by hand; the
answers are a ``quiz.yaml`` as for any quiz.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from graders.engine.content.binding import read
from graders.engine.content.chapter_quiz import QuizQuestionAsked
from graders.engine.content.fields import (
    ContentModel,
    FormatVersion,
    Sentence,
    Slug,
    Truth,
    not_empty,
)
from graders.engine.content.quiz_sheet import asked_lines, quoted

_HEAD = """\
# The chapter quiz{whose}: {count} questions; {needed} right answers pass. Do not change this file.
# Answer with `python grade.py chapter-quiz answer FOLDER`, or write `quiz.yaml` by hand: then for
# each question its id and the letter of your answer (`{first}: b`), or of all that are right where
# the question has `several: true` (`{first}: [a, d]`). Hand in `quiz.yaml`.
"""


class ChapterQuestion(ContentModel):
    """One question as the student gets it."""

    id: Slug
    question: Sentence
    several: Truth
    options: Mapping[str, Sentence]


class ChapterSheet(ContentModel):
    """A ``quiz-questions.yaml`` of the quiz over all lessons."""

    format_version: FormatVersion
    student: str = ""
    questions: Annotated[tuple[ChapterQuestion, ...], AfterValidator(not_empty)]


def load_chapter_sheet(path: Path) -> ChapterSheet:
    """Read the questions of one student."""
    return read(path, ChapterSheet)


def render_chapter_sheet(student: str, asked: Sequence[QuizQuestionAsked], needed: int) -> str:
    """Return the text of a student's questions."""
    whose = f" of {quoted(student)}" if student else ""
    head = _HEAD.format(whose=whose, count=len(asked), needed=needed, first=asked[0].id)
    blocks = "\n".join("\n".join(_block(each)) for each in asked)
    named = f"student: {quoted(student)}\n" if student else ""
    return f"{head}format_version: 1\n{named}questions:\n{blocks}\n"


def known_letters(asked: Iterable[QuizQuestionAsked]) -> dict[str, tuple[str, ...]]:
    """Return the letters of each question's options."""
    return {each.id: tuple(each.options) for each in asked}


def _block(asked: QuizQuestionAsked) -> Iterator[str]:
    yield f"  - id: {asked.id}"
    yield from asked_lines(asked.question, asked.options)
