"""``grade.py quiz``: ask the questions of a lesson's quiz, one at a time, and keep the answers.

Works on the sheet that the student has, which holds no answer that can be read. Says at once
whether an answer is right, and why. Saves after each answer, so it can be left at any time.
``grade.py lesson quiz`` makes the sheet.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from graders.engine.authoring.sheets import write_sheets
from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.folders import default_folder
from graders.engine.content.quiz import PASS_PERCENT, needed_to_pass
from graders.engine.content.quiz_sheet import ANSWERS, SheetQuestion
from graders.engine.content.quiz_state import AskedQuestion, Quiz, letters_in, open_quiz
from graders.engine.reports.advice import prose
from graders.engine.reports.files import write_whole

STOP = "q"


def run_quiz(
    context: CommandContext,
    name: str,
    folder: Path | None,
    *,
    again: bool,
    keys: TextIO | None = None,
) -> ExitCode:
    """Ask what is not answered yet; with ``again`` also what is not right yet."""
    lesson, named = context.catalogue.named(name)
    quiz = open_quiz(lesson, folder or named or default_folder(context, lesson))
    page = context.stdout()
    try:
        ask(page, quiz, quiz.to_ask(again=again), sys.stdin if keys is None else keys)
    except KeyboardInterrupt:
        answered = f"{len(quiz.answers)} of {len(quiz.sheet.questions)}"
        page.print(Text(f"\n\nAnswers kept: {answered} in {quiz.file}"), soft_wrap=True)
        return ExitCode.INTERRUPTED
    tell(page, quiz)
    return ExitCode.FULL_MARKS


def ask(page: Console, quiz: Quiz, asked: Sequence[SheetQuestion], keys: TextIO) -> None:
    """Ask until all are answered or left out, or the student stops; each answer is kept at once."""
    for number, question in enumerate(asked, 1):
        show(page, question, f"{number} of {len(asked)}")
        letters = read(page, question, keys)
        if letters is None:
            return
        if letters:
            quiz.answer(question, letters)
            write_whole(quiz.file, quiz.text)
            _judge(page, question, letters)


def _judge(page: Console, question: SheetQuestion, letters: frozenset[str]) -> None:
    """Say whether the answer is right, and why; of a wrong one, not which is right."""
    if question.is_right(letters):
        told = Text("Right. ", style="green").append_text(prose(question.why(letters)))
    else:
        told = Text("Not right. ", style="red").append_text(_why_not(question, letters))
    print_page(page, told)


def _why_not(question: SheetQuestion, letters: frozenset[str]) -> Text:
    reasons = question.why_not(letters)
    if not reasons:
        return Text("Others are right as well.")
    if not question.several:
        return prose(" ".join(reasons.values()))
    return Text("\n").join(
        Text(f"{letter}: ", style="bold").append_text(prose(reason))
        for letter, reason in reasons.items()
    )


def show(page: Console, question: AskedQuestion, place: str) -> None:
    """Show one question with its options."""
    several = " (several are right)" if question.several else ""
    page.print(Text(f"\n{place}  {question.id}", style="dim"))
    print_page(page, prose(question.question + several))
    grid = Table.grid(padding=(0, 2))
    for letter, text in question.options.items():
        grid.add_row(Text(f"  {letter}", style="bold"), prose(text))
    print_page(page, grid)


def read(page: Console, question: AskedQuestion, keys: TextIO) -> frozenset[str] | None:
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


def _wanted(question: AskedQuestion) -> str:
    how = "One or more of" if question.several else "One of"
    return f"{how}: {', '.join(question.options)}."


def tell(page: Console, quiz: Quiz) -> None:
    """Say how the quiz stands."""
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


def run_sheets(context: CommandContext, names: Sequence[str]) -> ExitCode:
    """Make the sheets of the named lessons, or of all that have one, from the bank."""
    for lesson, count in write_sheets(context.lessons_as_written, names):
        context.stdout().print(f"{lesson}: {count} questions")
    return ExitCode.FULL_MARKS
