"""The bank of quiz questions: ``fixtures/quiz/*.yaml``, one file for each lesson.

Must not know who asks or what an answer is worth. A file::

    format_version: 1
    lesson: lesson01
    sections:                           # where a topic is taught: headings of the lesson's README
      rest: ChatKit and REST
    questions:
      - id: rest-pattern
        topic: rest                     # questions of one topic are graded together
        level: understand               # of Bloom's levels
        question: How many paths does a ChatKit server need?
        options:                        # three to five; more than one may be right
          - {id: one, text: One, right: true}
          - {id: many, text: One for each kind of thing, tempting: REST does it so.}
          - {id: two, text: Two, tempting: Streams seem to need a path of their own.}
        reason: Every request is a POST whose `type` says what is wanted.
        not_with: [rest-method]         # questions that would give away the answer, or the reverse

Students see the options as letters, in an order that has nothing to do with that of the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, model_validator

from graders.engine.content.binding import read
from graders.engine.content.fields import (
    ContentModel,
    FormatVersion,
    Sentence,
    Slug,
    Truth,
    flaw,
    not_empty,
)
from graders.engine.core.errors import ContentError

FEWEST_OPTIONS, MOST_OPTIONS = 3, 5
LETTERS = "abcde"
PASS_PERCENT = 80


class Level(StrEnum):
    """Bloom's levels, from the lowest to the highest."""

    REMEMBER = "remember"
    UNDERSTAND = "understand"
    APPLY = "apply"
    ANALYSE = "analyse"
    EVALUATE = "evaluate"
    CREATE = "create"


class Option(ContentModel):
    """One possible answer; a wrong one says why it is ``tempting``."""

    id: Slug
    text: Sentence
    right: Truth = False
    tempting: Sentence | None = None

    @model_validator(mode="after")
    def _tempting_if_wrong(self) -> Option:
        if self.right == (self.tempting is not None):
            raise flaw(
                "A wrong option says why it is tempting, a right one does not.",
                cure="Write either `right: true` or `tempting: ...`.",
            )
        return self


class Question(ContentModel):
    """One question; ``reason`` says why the right answer is right.

    A quiz that is drawn never has it together with those of ``not_with``.
    """

    id: Slug
    topic: Slug
    level: Level
    question: Sentence
    options: tuple[Option, ...]
    reason: Sentence
    not_with: tuple[Slug, ...] = ()

    @property
    def dealt(self) -> Mapping[str, Option]:
        """The options by the letters that students see: an order fixed by the ids alone."""
        ordered = sorted(self.options, key=lambda option: _digest(self.id, option.id))
        return dict(zip(LETTERS, ordered, strict=False))

    @property
    def right(self) -> frozenset[str]:
        """The letters of the right options."""
        return frozenset(letter for letter, option in self.dealt.items() if option.right)

    @property
    def several(self) -> bool:
        """Whether more than one option is right."""
        return len(self.right) > 1

    @property
    def texts(self) -> Mapping[str, str]:
        """The texts of the options by the letters that students see."""
        return {letter: option.text for letter, option in self.dealt.items()}

    def is_right(self, letters: Iterable[str]) -> bool:
        """Return whether just these options are right."""
        return frozenset(letters) == self.right

    def why_not(self, letters: Iterable[str]) -> dict[str, str]:
        """Return by letter what is wrong with those of these options that are not right."""
        remarks = {letter: self.dealt[letter].tempting for letter in sorted(letters)}
        return {letter: remark for letter, remark in remarks.items() if remark}

    @model_validator(mode="after")
    def _consistent(self) -> Question:
        count = len(self.options)
        if not FEWEST_OPTIONS <= count <= MOST_OPTIONS:
            raise flaw(f"A question has 3 to 5 options, not {count}.", at=("options",))
        if not 0 < sum(option.right for option in self.options) < count:
            raise flaw(
                "Some option must be right, and some must be wrong.",
                at=("options",),
                cure="Write `right: true` under the right ones.",
            )
        _require_distinct(option.id for option in self.options)
        return self


class QuestionFile(ContentModel):
    """The questions of one lesson."""

    format_version: FormatVersion
    lesson: Slug
    sections: Mapping[Slug, Sentence]
    questions: Annotated[tuple[Question, ...], AfterValidator(not_empty)]

    @model_validator(mode="after")
    def _consistent(self) -> QuestionFile:
        _require_distinct(question.id for question in self.questions)
        topics = dict.fromkeys(question.topic for question in self.questions)
        for topic in [*topics, *self.sections]:
            if topic not in self.sections:
                cure = "Write a heading of the lesson's README for it."
                raise flaw(f"`{topic}` has no section.", at=("sections",), cure=cure)
            if topic not in topics:
                cure = "Take the line out."
                raise flaw(f"No question is about `{topic}`.", at=("sections",), cure=cure)
        return self


@dataclass(frozen=True)
class Bank:
    """All questions by lesson, and where the lesson's README teaches each topic."""

    lessons: Mapping[str, tuple[Question, ...]]
    sections: Mapping[str, Mapping[str, str]]

    @property
    def questions(self) -> tuple[Question, ...]:
        """Every question of the bank."""
        return tuple(question for asked in self.lessons.values() for question in asked)


def load_questions(path: Path) -> QuestionFile:
    """Read the questions of one lesson."""
    return read(path, QuestionFile)


def load_bank(folder: Path) -> Bank:
    """Read every file of the bank; ids are unique over all of them."""
    lessons: dict[str, tuple[Question, ...]] = {}
    sections: dict[str, Mapping[str, str]] = {}
    seen: dict[str, Path] = {}
    for path in sorted(folder.glob("*.yaml")):
        told = load_questions(path)
        if told.lesson in lessons:
            raise ContentError(path, None, f"`{told.lesson}` has another file of questions.")
        for question in told.questions:
            if question.id in seen:
                where = seen[question.id].name
                raise ContentError(path, None, f"`{question.id}` is a question of {where}, too.")
            seen[question.id] = path
        lessons[told.lesson], sections[told.lesson] = told.questions, told.sections
    _require_known(lessons, seen)
    return Bank(lessons, sections)


def _require_known(lessons: Mapping[str, Sequence[Question]], files: Mapping[str, Path]) -> None:
    for question in (each for asked in lessons.values() for each in asked):
        for other in question.not_with:
            if other == question.id or other not in files:
                message = (
                    f"`not_with` of `{question.id}` names `{other}`, which is no other question."
                )
                raise ContentError(files[question.id], None, message)


def needed_to_pass(count: int) -> int:
    """Return how many of ``count`` questions must be right: 80 %, rounded up."""
    return -(-PASS_PERCENT * count // 100)


def _digest(question: str, option: str) -> str:
    return hashlib.sha256(f"{question}/{option}".encode()).hexdigest()


def _require_distinct(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise flaw(f"The id `{each}` is there twice.", cure="Give one of the two another id.")
        seen.add(each)
