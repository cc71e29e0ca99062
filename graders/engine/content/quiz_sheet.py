"""What a student has of a quiz: the sheet with the questions, and the file with the answers.

Must not know the bank's answers: a sheet holds the options, and of the right ones only a salted
hash. What is told after an answer is sealed: the reason with the right answer, a remark on an
option with its letter. That keeps answers from being read, not from being found: with four options
there are fifteen sets to try, however slow the hash is. A score that counts is made from the bank.

``quiz-questions.yaml`` is made by ``grade.py lesson quiz`` and never written by hand.
``quiz.yaml`` is the student's::

    format_version: 1
    answers:
      rest-pattern: b
      stream-when: [a, d]     # where several options are right: all of them
"""

from __future__ import annotations

import base64
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
from graders.engine.content.quiz import LETTERS, Option, Question
from graders.engine.content.strict_yaml import load
from graders.engine.core.errors import ContentError
from graders.engine.core.text import quote

SHEET, ANSWERS = "quiz-questions.yaml", "quiz.yaml"
MAX_ANSWERS_BYTES = 50_000
_COST = 2**14
_HASH_BYTES = 16
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


_Sealed = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
"""A text that only whoever has answered can read."""


class SheetQuestion(ContentModel):
    """One question as the student gets it."""

    id: Slug
    topic: Slug
    question: Sentence
    several: Truth
    options: Mapping[str, Sentence]
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    reason: _Sealed
    remarks: Mapping[str, _Sealed]

    @property
    def texts(self) -> Mapping[str, str]:
        """The texts of the options by their letters."""
        return self.options

    def is_right(self, letters: Iterable[str]) -> bool:
        """Return whether just these options are right.

        Takes some hundredths of a second on purpose.
        """
        return _hash(self.id, letters, self.salt) == self.hash

    def why(self, letters: Iterable[str]) -> str:
        """Return why these options, which are right, are so."""
        return _opened(self.reason, _key(self.id, letters, self.salt))

    def why_not(self, letters: Iterable[str]) -> dict[str, str]:
        """Return by letter what is wrong with those of these options that are not right."""
        told = {
            letter: _opened(self.remarks[letter], _key_of_option(self.id, letter, self.salt))
            for letter in sorted(letters)
        }
        return {letter: text for letter, text in told.items() if text}


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


def read_answers(
    path: Path, known: Mapping[str, Iterable[str]], stranger: str = ""
) -> dict[str, frozenset[str]]:
    """Read a ``quiz.yaml``; ``known`` has the letters of each question's options.

    What is wrong with it, also an unknown question or option, is a ContentError with its line.
    ``stranger`` is the cure for an unknown question, where its id cannot be guessed from others.
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
                cure=stranger or did_you_mean(name, known),
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
    yield from asked_lines(question, question.dealt)
    yield f'    salt: "{salt}"'
    yield f'    hash: "{_hash(question.id, question.right, salt)}"'
    yield f'    reason: "{_sealed(question.reason, _key(question.id, question.right, salt))}"'
    yield "    remarks:"
    # All are of one length: a remark that is missing would say that its option is right.
    longest = max(len(_remark(option).encode()) for option in question.options)
    for letter, option in question.dealt.items():
        key = _key_of_option(question.id, letter, salt)
        yield f'      {letter}: "{_sealed(_remark(option), key, longest)}"'


def asked_lines(question: Question, options: Mapping[str, Option]) -> Iterator[str]:
    """Yield what any sheet says of a question: its text, and its options by their letters."""
    yield f"    question: {quoted(question.question)}"
    yield f"    several: {json.dumps(question.several)}"
    yield "    options:"
    for letter, option in options.items():
        yield f"      {letter}: {quoted(option.text)}"


def _remark(option: Option) -> str:
    return option.tempting or ""


def _hash(question: str, letters: Iterable[str], salt: str) -> str:
    return _stretched(question, letters, salt)[:_HASH_BYTES].hex()


def _key(question: str, letters: Iterable[str], salt: str) -> bytes:
    return _stretched(question, letters, salt)[_HASH_BYTES:]


def _stretched(question: str, letters: Iterable[str], salt: str) -> bytes:
    text = f"{question}:{''.join(sorted(set(letters)))}".encode()
    return hashlib.scrypt(text, salt=bytes.fromhex(salt), n=_COST, r=8, p=1, dklen=_HASH_BYTES + 32)


def _key_of_option(question: str, letter: str, salt: str) -> bytes:
    return hashlib.sha256(f"{question}:{letter}:{salt}".encode()).digest()


def _sealed(text: str, key: bytes, length: int = 0) -> str:
    return base64.b64encode(_mixed(text.encode().ljust(length), key)).decode()


def _opened(sealed: str, key: bytes) -> str:
    return _mixed(base64.b64decode(sealed), key).decode("utf-8", "replace").rstrip()


def _mixed(data: bytes, key: bytes) -> bytes:
    """Return ``data`` so that it cannot be read, or, of such data, what it was."""
    stream = hashlib.shake_256(key).digest(len(data))
    return bytes(one ^ other for one, other in zip(data, stream, strict=True))


def quoted(text: str) -> str:
    """Return a text as YAML holds it, whatever is in it."""
    return json.dumps(text, ensure_ascii=False)


def _answer(letters: Iterable[str]) -> str:
    given = sorted(letters)
    return given[0] if len(given) == 1 else f"[{', '.join(given)}]"


def _answer_lines(node: object) -> Mapping[str, int]:
    answers = node.fields.get("answers") if isinstance(node, MappingNode) else None
    return answers.key_lines if isinstance(answers, MappingNode) else {}
