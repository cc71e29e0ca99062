"""``grade.py quiz``: ask the questions of a lesson's quiz, one at a time, and keep the answers.

Works on the sheet that the student has, which holds no answers, only salted hashes. Saves after
each answer, so it can be left at any time. ``grade.py lesson quiz`` makes the sheet.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.grading import default_folder
from graders.engine.content.catalogue import Lesson
from graders.engine.content.quiz import PASS_PERCENT, load_bank, needed_to_pass
from graders.engine.content.quiz_sheet import (
    Sheet,
    SheetQuestion,
    load_sheet,
    read_answers,
    render_answers,
    render_sheet,
)
from graders.engine.core.errors import ContentError, UsageError
from graders.engine.core.text import quote
from graders.engine.reports.advice import prose
from graders.engine.reports.files import write_whole

SHEET, ANSWERS = "quiz-questions.yaml", "quiz.yaml"
BANK = Path("fixtures") / "quiz"
STOP = "q"


@dataclass
class Quiz:
    """A quiz on its way: the questions, the answers so far, where they are kept."""

    sheet: Sheet
    file: Path
    answers: dict[str, frozenset[str]] = field(default_factory=dict)

    def answer(self, question: SheetQuestion, letters: frozenset[str]) -> None:
        """Keep an answer, at once also on disk."""
        self.answers[question.id] = letters
        order = {each.id: number for number, each in enumerate(self.sheet.questions)}
        kept = sorted(self.answers.items(), key=lambda entry: order[entry[0]])
        write_whole(self.file, render_answers(dict(kept)))

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


def run_quiz(
    context: CommandContext,
    name: str,
    folder: Path | None,
    *,
    again: bool,
    keys: TextIO | None = None,
) -> ExitCode:
    """Ask what is not answered yet; with ``again`` also what is not right yet."""
    lesson = context.catalogue.lesson(name)
    quiz = opened(lesson, folder or default_folder(lesson.assignment_dir))
    asked = [*(quiz.not_right if again else ()), *quiz.open]
    page = context.stdout()
    ask(page, quiz, asked, sys.stdin if keys is None else keys)
    tell(page, quiz)
    return ExitCode.FULL_MARKS


def opened(lesson: Lesson, folder: Path) -> Quiz:
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
        raise UsageError(str(error), cure=f"Mend the line in `{ANSWERS}`, or delete it.") from None


def ask(page: Console, quiz: Quiz, asked: Sequence[SheetQuestion], keys: TextIO) -> None:
    """Ask the questions until all are answered, left out, or the student stops."""
    for number, question in enumerate(asked, 1):
        _show(page, question, f"{number} of {len(asked)}")
        letters = _read(page, question, keys)
        if letters is None:
            return
        if letters:
            quiz.answer(question, letters)


def _show(page: Console, question: SheetQuestion, place: str) -> None:
    several = " (several are right)" if question.several else ""
    page.print(Text(f"\n{place}  {question.id}", style="dim"))
    print_page(page, prose(question.question + several))
    grid = Table.grid(padding=(0, 2))
    for letter, text in question.options.items():
        grid.add_row(Text(f"  {letter}", style="bold"), prose(text))
    print_page(page, grid)


def _read(page: Console, question: SheetQuestion, keys: TextIO) -> frozenset[str] | None:
    """Return the letters that were typed, none to leave a question out, ``None`` to stop."""
    while True:
        page.print(Text(f"Your answer, Enter to leave it out, {STOP} to stop: "), end="")
        line = keys.readline()
        typed = line.strip().lower()
        if not line or typed == STOP:
            return None
        if (letters := letters_in(typed, question)) is not None:
            return letters
        page.print(Text(_wanted(question), style="yellow"))


def letters_in(typed: str, question: SheetQuestion) -> frozenset[str] | None:
    """Return what ``typed`` (``b``, ``a d``, ``a,d``, ``ad``) chooses; ``None`` if it cannot be."""
    letters = frozenset(re.sub(r"[\s,;]", "", typed))
    if letters <= set(question.options) and (question.several or len(letters) <= 1):
        return letters
    return None


def _wanted(question: SheetQuestion) -> str:
    how = "One or more of" if question.several else "One of"
    return f"{how}: {', '.join(question.options)}."


def tell(page: Console, quiz: Quiz) -> None:
    """Say how the quiz stands; which answers are right is not said, only which are not yet."""
    count, wrong = len(quiz.sheet.questions), quiz.not_right
    answered = len(quiz.answers)
    right = answered - len(wrong)
    needed = needed_to_pass(count)
    page.print(
        f"\n{answered} of {count} are answered, {right} are right; "
        f"{needed} pass ({PASS_PERCENT} %). Kept in {ANSWERS}."
    )
    if wrong:
        page.print(f"Not right yet: {_names(wrong)}. Asked again with --again.")
    if quiz.open:
        page.print(f"Not answered yet: {_names(quiz.open)}.")


def _names(questions: Iterable[SheetQuestion]) -> str:
    return ", ".join(question.id for question in questions)


def write_sheets(context: CommandContext, names: Sequence[str]) -> ExitCode:
    """Make the sheets of the named lessons, or of all that have one, from the bank."""
    catalogue, bank = context.catalogue, load_bank(context.root / BANK).lessons
    lessons = [catalogue.lesson(name) for name in names] or [
        lesson for lesson in catalogue.lessons() if (lesson.assignment_dir / SHEET).exists()
    ]
    for lesson in lessons:
        if lesson.id not in bank:
            raise UsageError(f"The bank has no questions for `{lesson.id}`.", cure=_known(bank))
        path = lesson.assignment_dir / SHEET
        write_whole(path, render_sheet(lesson.id, bank[lesson.id]))
        context.stdout().print(f"{lesson.id}: {len(bank[lesson.id])} questions")
    return ExitCode.FULL_MARKS


def _known(bank: Mapping[str, object]) -> str:
    return f"It has some for {', '.join(bank)}." if bank else f"Write some in `{BANK}`."
