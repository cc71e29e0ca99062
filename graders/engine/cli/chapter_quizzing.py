"""``grade.py chapter-quiz``: make the quiz over all lessons, answer one, grade what came back.

Only ``new`` and ``grade`` know the right answers; ``answer`` works on what a student has.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from graders.engine.authoring import exams
from graders.engine.authoring.exams import AnswersHandedIn, Exam
from graders.engine.authoring.sheets import BANK
from graders.engine.bulk.names import file_name
from graders.engine.bulk.roster import Enrolment, Roster, read_roster
from graders.engine.bundles.files import write_folder
from graders.engine.cli import quizzing
from graders.engine.cli.context import CommandContext, print_page
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.chapter_quiz import QuizMark
from graders.engine.content.chapter_sheet import ChapterSheet, load_chapter_sheet
from graders.engine.content.quiz import Bank, load_bank
from graders.engine.content.quiz_sheet import ANSWERS, SHEET, read_answers, render_answers
from graders.engine.content.versions import digest_of_bank
from graders.engine.core.errors import ContentError, UsageError
from graders.engine.core.results import Result
from graders.engine.core.text import quote, visible
from graders.engine.grading.environment import of_process
from graders.engine.reports.files import write_whole
from graders.engine.reports.json_report import render as as_json


def run_new(context: CommandContext, folder: Path, seed: int, roster: Path | None) -> ExitCode:
    """Write what students get: a quiz for each student of the roster, or one."""
    bank = _bank(context)
    students = read_roster(roster).students if roster else ()
    write_folder(exams.exam_files(bank, seed, students), folder)
    told = f"{len(students)} quizzes" if students else "1 quiz"
    context.stdout().print(Text(f"{told} written to {folder}; grade with --seed {seed}"))
    return ExitCode.FULL_MARKS


def run_answer(context: CommandContext, folder: Path, keys: TextIO | None = None) -> ExitCode:
    """Ask what is not answered yet; each answer is kept at once."""
    if not (folder / SHEET).is_file():
        raise UsageError(
            f"There is no `{SHEET}` in `{quote(str(folder), 200)}`.",
            cure="Give the folder that your instructor gave you.",
        )
    sheet = _sheet(folder / SHEET)
    answers = _answers(folder / ANSWERS, sheet)
    page = context.stdout()
    try:
        _ask(page, folder / ANSWERS, sheet, answers, sys.stdin if keys is None else keys)
    except KeyboardInterrupt:
        page.print()
        _tell_open(page, sheet, answers)
        return ExitCode.INTERRUPTED
    _tell_open(page, sheet, answers)
    return ExitCode.FULL_MARKS


def _sheet(file: Path) -> ChapterSheet:
    try:
        return load_chapter_sheet(file)
    except ContentError as error:
        raise UsageError(
            str(error), cure="Somebody has changed the file: take your instructor's again."
        ) from None


def _answers(file: Path, sheet: ChapterSheet) -> dict[str, frozenset[str]]:
    if not file.exists():
        return {}
    try:
        known = {each.id: tuple(each.options) for each in sheet.questions}
        return read_answers(file, known, f"Copy the id from `{SHEET}`.")
    except ContentError as error:
        raise UsageError(
            str(error), cure=f"Correct the line in `{ANSWERS}`, or delete it."
        ) from None


def _ask(
    page: Console,
    file: Path,
    sheet: ChapterSheet,
    answers: dict[str, frozenset[str]],
    keys: TextIO,
) -> None:
    asked = [each for each in sheet.questions if each.id not in answers]
    for number, question in enumerate(asked, 1):
        quizzing.show(page, question, f"{number} of {len(asked)}")
        letters = quizzing.read(page, question, keys)
        if letters is None:
            return
        if letters:
            answers[question.id] = letters
            order = [each.id for each in sheet.questions if each.id in answers]
            write_whole(file, render_answers({each: answers[each] for each in order}))


def _tell_open(page: Console, sheet: ChapterSheet, answers: Mapping[str, frozenset[str]]) -> None:
    page.print(
        Text(
            f"\n{len(answers)} of {len(sheet.questions)} are answered. Kept in {ANSWERS}, which "
            "you can still change; your instructor grades it."
        ),
        soft_wrap=True,
    )


def run_grade(
    context: CommandContext, folder: Path, seed: int, roster: Path | None, out: Path | None
) -> ExitCode:
    """Grade what came back: one quiz, or those of a class."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder `{quote(str(folder), 200)}`.")
    exam = _exam(context, seed)
    if roster is None:
        _require_answers(folder)
        result, mark = exams.result_of(exam, AnswersHandedIn(Enrolment(""), folder))
        _write(out, {result.submission: result})
        _tell_one(context.stdout(), result, mark)
        return ExitCode.FULL_MARKS if mark and mark.passed else ExitCode.NOT_FULL_MARKS
    _grade_class(context, exam, folder, read_roster(roster), out)
    return ExitCode.FULL_MARKS


def _require_answers(folder: Path) -> None:
    if not os.path.lexists(folder / ANSWERS):
        raise UsageError(
            f"There is no `{ANSWERS}` in `{quote(str(folder), 200)}`.",
            cure="Name the folder that it is in, or, for a whole class, also the --roster.",
        )


def _grade_class(
    context: CommandContext, exam: Exam, folder: Path, roster: Roster, out: Path | None
) -> None:
    found, strange = exams.handed_in(folder, roster)
    graded = {name: exams.result_of(exam, handed) for name, handed in found.items()}
    _write(out, {name: result for name, (result, _) in graded.items()})
    page = context.stdout()
    print_page(page, _table(exam.bank, graded))
    if absent := list(map(quote, exams.missing(found, roster))):
        page.print(Text(f"Not handed in: {', '.join(absent)}."), soft_wrap=True)
    if strange:
        names = ", ".join(map(quote, strange))
        told = f"Not graded, as it is nobody's, or a second one: {names}."
        page.print(Text(told, style="yellow"), soft_wrap=True)
    for name, (result, _) in graded.items():
        if result.problem:
            told = f"{quote(name)}: {visible(result.problem.title)}"
            page.print(Text(told, style="yellow"), soft_wrap=True)


def _table(bank: Bank, graded: Mapping[str, tuple[Result, QuizMark | None]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("student", overflow="fold")
    for title in ("right", "passed", *(each.removeprefix("lesson") for each in bank.lessons)):
        table.add_column(title, justify="right", no_wrap=True)
    for name, (_, mark) in graded.items():
        if mark is None:
            table.add_row(Text(quote(name)), "-", "not read")
            continue
        each = (f"{lesson.right}/{lesson.asked}" for lesson in mark.lessons)
        table.add_row(Text(quote(name)), str(mark.right), "yes" if mark.passed else "no", *each)
    return table


def _tell_one(page: Console, result: Result, mark: QuizMark | None) -> None:
    if mark is None:
        title = visible(result.problem.title) if result.problem else ""
        page.print(Text(title, style="red"), soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False)
    for name in ("lesson", "right", "read again"):
        table.add_column(name)
    for lesson in mark.lessons:
        table.add_row(lesson.lesson, f"{lesson.right} of {lesson.asked}", exams.to_read(lesson))
    print_page(page, table)
    for note in result.notes:
        page.print(Text(note), soft_wrap=True)


def _write(out: Path | None, results: Mapping[str, Result]) -> None:
    if out is not None:
        taken: set[str] = set()
        files = {f"{file_name(name, taken)}.json": as_json(each) for name, each in results.items()}
        write_folder({name: text.encode() for name, text in files.items()}, out)


def _exam(context: CommandContext, seed: int) -> Exam:
    return Exam(
        bank=_bank(context),
        seed=seed,
        titles={each.id: each.title for each in context.lessons_as_written.lessons()},
        made_with=of_process().model_copy(
            update={"lesson_digest": digest_of_bank(context.root / BANK)}
        ),
        at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    )


def _bank(context: CommandContext) -> Bank:
    bank = load_bank(context.root / BANK)
    if not bank.questions:
        raise UsageError(
            "This copy of the grader has no bank of questions.",
            cure="Only the instructor's copy has one: make and grade the quiz there.",
        )
    return bank
