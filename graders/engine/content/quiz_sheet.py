"""What a student has of a quiz: the sheet with the questions, and the file with the answers.

Must not know the bank's answers: a sheet holds the options, and of the right ones only a salted
hash. That keeps answers from being read, not from being found: with four options there are fifteen
sets to try, however slow the hash is. A score that counts is made from the bank, not from this.

``quiz-questions.yaml`` is made by ``grade.py lesson quiz`` and never written by hand.
``quiz.yaml`` is the student's::

    format_version: 1
    answers:
      rest-pattern: b
      stream-when: [a, d]     # where several options are right: all of them
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from graders.engine.content.binding import bind, read
from graders.engine.content.fields import (
    Chunks,
    ContentModel,
    FormatVersion,
    Sentence,
    Slug,
    Truth,
    did_you_mean,
    flaw,
    not_empty,
)
from graders.engine.content.nodes import MappingNode
from graders.engine.content.quiz import LETTERS, Question
from graders.engine.content.strict_yaml import load
from graders.engine.core.errors import ContentError
from graders.engine.core.text import quote

SHEET, ANSWERS = "quiz-questions.yaml", "quiz.yaml"
MAX_ANSWERS_BYTES = 50_000
_COST = 2**14
_HEAD = """\
# The questions of the quiz. Made from the course's question bank: do not change this file.
# Answer with `python grade.py quiz {lesson}`, or write `quiz.yaml` by hand.
"""
_ANSWERS_HEAD = """\
# Your answers: the id of a question, and the letter of your answer (`rest-state: b`).
# Where several options are right, give all of them (`[a, d]`).
"""


def _letters(given: tuple[str, ...]) -> tuple[str, ...]:
    letters = tuple(letter.strip().lower() for letter in given)
    if letters and all(re.fullmatch(f"[{LETTERS}]", letter) for letter in letters):
        return letters
    raise flaw("An answer is a letter or a list of letters.", cure="Write `b` or `[a, d]`.")


class SheetQuestion(ContentModel):
    """One question as the student gets it."""

    id: Slug
    topic: Slug
    question: Sentence
    several: Truth
    options: Mapping[str, Sentence]
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]

    def is_right(self, letters: Iterable[str]) -> bool:
        """Return whether just these options are right.

        Takes some hundredths of a second on purpose.
        """
        return _hash(self.id, letters, self.salt) == self.hash


class Sheet(ContentModel):
    """A ``quiz-questions.yaml``."""

    format_version: FormatVersion
    lesson: Slug
    questions: Annotated[tuple[SheetQuestion, ...], AfterValidator(not_empty)]


class _AnswerFile(ContentModel):
    """A ``quiz.yaml``."""

    format_version: FormatVersion
    answers: Mapping[str, Annotated[Chunks, AfterValidator(_letters)]]


def load_sheet(path: Path) -> Sheet:
    """Read a ``quiz-questions.yaml``."""
    return read(path, Sheet)


def read_answers(path: Path, known: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Read a ``quiz.yaml``; ``known`` has the letters of each question's options.

    What is wrong with it, also an unknown question or option, is a ContentError with its line.
    """
    node = load(path, max_bytes=MAX_ANSWERS_BYTES)
    told = bind(node, _AnswerFile, path).answers
    lines = _answer_lines(node)
    for name, letters in told.items():
        if name not in known:
            raise ContentError(
                path,
                lines.get(name),
                f"`{quote(name)}` is not a question of this quiz.",
                cure=did_you_mean(name, known),
            )
        if unknown := set(letters) - set(known[name]):
            raise ContentError(
                path,
                lines.get(name),
                f"`{name}` has no option `{min(unknown)}`.",
                cure=f"Its options are {', '.join(known[name])}.",
            )
    return {name: frozenset(letters) for name, letters in told.items()}


def render_answers(answers: Mapping[str, Iterable[str]]) -> str:
    """Return the text of a ``quiz.yaml``."""
    lines = [f"  {name}: {_answer(letters)}" for name, letters in answers.items()]
    written = "\n".join(["answers:", *lines]) if lines else "answers: {}"
    return f"{_ANSWERS_HEAD}format_version: 1\n{written}\n"


def render_sheet(lesson: str, questions: Iterable[Question]) -> str:
    """Return the text of a ``quiz-questions.yaml``; the same questions give the same text."""
    blocks = "\n".join("\n".join(_block(lesson, question)) for question in questions)
    head = _HEAD.format(lesson=lesson)
    return f"{head}format_version: 1\nlesson: {lesson}\nquestions:\n{blocks}\n"


def _block(lesson: str, question: Question) -> Iterator[str]:
    # Salts need not be secret, only different: made from the id, they stay when a file is remade.
    salt = hashlib.sha256(f"{lesson}/{question.id}".encode()).hexdigest()[:32]
    yield f"  - id: {question.id}"
    yield f"    topic: {question.topic}"
    yield f"    question: {_quoted(question.question)}"
    yield f"    several: {json.dumps(question.several)}"
    yield "    options:"
    for letter, option in question.dealt.items():
        yield f"      {letter}: {_quoted(option.text)}"
    yield f'    salt: "{salt}"'
    yield f'    hash: "{_hash(question.id, question.right, salt)}"'


def _hash(question: str, letters: Iterable[str], salt: str) -> str:
    text = f"{question}:{''.join(sorted(set(letters)))}".encode()
    return hashlib.scrypt(text, salt=bytes.fromhex(salt), n=_COST, r=8, p=1, dklen=16).hex()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _answer(letters: Iterable[str]) -> str:
    given = sorted(letters)
    return given[0] if len(given) == 1 else f"[{', '.join(given)}]"


def _answer_lines(node: object) -> Mapping[str, int]:
    answers = node.fields.get("answers") if isinstance(node, MappingNode) else None
    return answers.key_lines if isinstance(answers, MappingNode) else {}
