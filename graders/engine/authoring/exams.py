"""The quiz over all lessons as an exam: a student's files, and the result of what came back.

Each student has a quiz of their own, by the exam's seed and the student's id. Must not print, write
or know where the bank is. What students get holds no key: see :mod:`..content.chapter_sheet`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from graders.engine.bulk.names import file_name, names_of_clone, read_name, shared_start
from graders.engine.bulk.roster import Enrolment, Roster
from graders.engine.content.chapter_quiz import (
    LessonMark,
    QuizMark,
    QuizQuestionAsked,
    drawn,
    key_of,
    marked,
)
from graders.engine.content.chapter_sheet import known_letters, render_chapter_sheet
from graders.engine.content.quiz import PASS_PERCENT, Bank, needed_to_pass
from graders.engine.content.quiz_sheet import ANSWERS, SHEET, read_answers, render_answers
from graders.engine.core.errors import Finding
from graders.engine.core.results import (
    CHAPTER_QUIZ,
    NOT_STARTED,
    CaseResult,
    CriterionResult,
    Environment,
    Feedback,
    Problem,
    Result,
    Status,
    Visibility,
)
from graders.engine.submissions.handed_in import read_handed_in

POINTS = 2
_YAML = (".yaml", ".yml")
_STRANGER = (
    "It is mistyped, or of the quiz of another student or seed, or older than the bank is now."
)


@dataclass(frozen=True)
class Exam:
    """One exam: the questions that there are, the seed, and when and with what it is graded."""

    bank: Bank
    seed: int
    titles: Mapping[str, str]
    made_with: Environment
    at: str

    def quiz_of(self, student: str) -> tuple[QuizQuestionAsked, ...]:
        """Return what one student is asked."""
        return drawn(self.bank, key_of(self.seed, student))


def exam_files(bank: Bank, seed: int, students: Sequence[Enrolment]) -> dict[str, bytes]:
    """Return what students get, in a folder for each of them; without students one quiz alone."""
    if not students:
        return _files("", drawn(bank, key_of(seed)))
    files: dict[str, bytes] = {}
    taken: set[str] = set()
    for student in students:
        folder = file_name(student.id, taken)
        own = _files(student.id, drawn(bank, key_of(seed, student.id)))
        files |= {f"{folder}/{name}": data for name, data in own.items()}
    return files


def _files(student: str, asked: Sequence[QuizQuestionAsked]) -> dict[str, bytes]:
    sheet = render_chapter_sheet(student, asked, needed_to_pass(len(asked)))
    return {SHEET: sheet.encode(), ANSWERS: render_answers({}).encode()}


@dataclass(frozen=True)
class AnswersHandedIn:
    """The file of answers of one student."""

    student: Enrolment
    folder: Path
    name: str = ANSWERS


def handed_in(folder: Path, roster: Roster) -> tuple[dict[str, AnswersHandedIn], list[str]]:
    """Return what is in a folder by the students' ids, and the names of what nobody's is.

    An entry is a folder with a ``quiz.yaml``, or a file of a platform's download. The second one
    of a student is nobody's.
    """
    paths = [path for path in sorted(folder.iterdir()) if not _passed_over(path)]
    own = [_called(path) for path in paths if not _platform(path)]
    start = shared_start(own, "quiz", clones=False)
    by_name = [roster.named(_names(path, start)) for path in paths]
    found: dict[str, AnswersHandedIn] = {}
    strange: list[str] = []
    # First by name: what only ends like the name of a student may be of another one.
    for path, student in sorted(zip(paths, by_name, strict=True), key=lambda each: each[1] is None):
        whose = student or (None if start or _platform(path) else roster.ending(_called(path)))
        if whose is None or whose.id in found:
            strange.append(path.name)
            continue
        place = (path, ANSWERS) if path.is_dir() else (folder, path.name)
        found[whose.id] = AnswersHandedIn(whose, *place)
    in_order = (each.id for each in roster.students if each.id in found)
    return {each: found[each] for each in in_order}, sorted(strange)


def _passed_over(path: Path) -> bool:
    other = path.is_file() and path.suffix.lower() not in _YAML
    return path.name.startswith(".") or other


def _called(path: Path) -> str:
    return path.name if path.is_dir() else path.stem


def _platform(path: Path) -> str:
    return read_name(path.name).platform


def _names(path: Path, start: str) -> tuple[str, ...]:
    """Return the names by which somebody may have handed something in."""
    # What a file of a platform's is called behind the student's name is the student's own affair.
    return read_name(path.name).people if _platform(path) else names_of_clone(_called(path), start)


def result_of(exam: Exam, handed: AnswersHandedIn) -> tuple[Result, QuizMark | None]:
    """Return what one student's answers are worth; no mark where they cannot be read."""
    asked = exam.quiz_of(handed.student.id)
    reader = partial(read_answers, known=known_letters(asked), stranger=_STRANGER)
    try:
        answers = read_handed_in(handed.folder, handed.name, reader)
    except Finding as finding:
        nothing = marked(exam.bank, asked, {})
        problem = Problem(kind="answers-unreadable", title=finding.seen)
        return _result(
            exam, handed, [_not_read(exam, each) for each in nothing.lessons], problem
        ), None
    mark = marked(exam.bank, asked, answers)
    note = verdict(mark)
    left_out = len(asked) - len(answers)
    notes = [note, *([f"{left_out} questions have no answer."] if left_out else [])]
    rows = [_row(exam, each) for each in mark.lessons]
    return _result(exam, handed, rows, None, notes), mark


def verdict(mark: QuizMark) -> str:
    """Say in a sentence whether a quiz is passed."""
    word = "Passed" if mark.passed else "Not passed"
    return (
        f"{word}: {mark.right} of {mark.asked} answers are right; "
        f"{mark.needed} pass ({PASS_PERCENT} %)."
    )


def to_read(mark: LessonMark) -> str:
    """Say which sections of a lesson to read again; empty where all was right."""
    sections = ", ".join(f"“{each}”" for each in mark.again)
    return f"assignments/{mark.lesson}/README.md: {sections}" if sections else ""


def _result(
    exam: Exam,
    handed: AnswersHandedIn,
    rows: Sequence[CriterionResult],
    problem: Problem | None,
    notes: Iterable[str] = (),
) -> Result:
    path = handed.folder / handed.name
    return Result(
        lesson=CHAPTER_QUIZ,
        submission=handed.student.id or handed.folder.name,
        submission_path=str(path.absolute()),
        content_hash=_hash(path) if problem is None else "",
        score=sum(row.score for row in rows),
        max_score=sum(row.max_score for row in rows),
        seed=exam.seed,
        started_at=exam.at,
        made_with=exam.made_with,
        isolation=NOT_STARTED,
        criteria=tuple(rows),
        problem=problem,
        notes=tuple(notes),
        # Nothing of a submission runs here, so nothing can be forged.
        advisory=False,
    )


def _hash(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def _row(exam: Exam, mark: LessonMark) -> CriterionResult:
    complete = mark.right == mark.asked
    said = f"{mark.right} of {mark.asked} answers are right."
    status = Status.PASSED if complete else Status.FAILED
    feedback = Feedback(
        required="Each question is answered right.",
        seen=said,
        advice=f"Read again {to_read(mark)}.",
    )
    case = CaseResult(
        name=mark.lesson,
        status=status,
        feedback=None if complete else feedback,
        share=(mark.right, mark.asked),
    )
    return CriterionResult(
        id=mark.lesson,
        title=exam.titles.get(mark.lesson, mark.lesson),
        status=status,
        score=POINTS * mark.right,
        max_score=POINTS * mark.asked,
        visibility=Visibility.VISIBLE,
        message=None if complete else f"{said} {feedback.advice}",
        cases=(case,),
    )


def _not_read(exam: Exam, mark: LessonMark) -> CriterionResult:
    return CriterionResult(
        id=mark.lesson,
        title=exam.titles.get(mark.lesson, mark.lesson),
        status=Status.NOT_RUN,
        score=0,
        max_score=POINTS * mark.asked,
        visibility=Visibility.VISIBLE,
        message="The answers could not be read.",
    )


def missing(found: Mapping[str, AnswersHandedIn], roster: Roster) -> Iterator[str]:
    """Yield the ids of the students who handed nothing in."""
    yield from (each.id for each in roster.students if each.id not in found)
