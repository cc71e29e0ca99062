"""An exported gradebook as rows and columns, and what keeps a score from getting into it.

Pure: bytes in, bytes out. Knows no platform. All refusals are collected, so that an instructor
reads the whole list at once; nothing is written while there is one.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graders.engine.content.fields import did_you_mean
from graders.engine.core.errors import UsageError
from graders.engine.core.results import CriterionResult, Result, Status
from graders.engine.core.text import quote

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MOST_TOLD = 50
"""Refusals that are told one by one."""
EXPORT_AGAIN = "Export the gradebook again, and give that file as it is."


@dataclass
class Gradebook:
    """A table with its heading; ``name`` is the file as a reader knows it.

    Row ``n`` of ``rows`` stands on line ``lines[n]`` of the file.
    """

    name: str
    heading: list[str]
    rows: list[list[str]]
    lines: list[int]
    has_mark: bool

    def column(self, title: str) -> int:
        """Return the place of a column; a UsageError that names close ones if it is not there."""
        if title not in self.heading:
            raise UsageError(
                f"{self.name} has no column “{quote(title)}”.",
                cure=did_you_mean(title, [each for each in self.heading if each]),
            )
        return self.heading.index(title)

    def cell(self, row: int, column: int) -> str:
        """Return what stands in a cell, without blanks around it."""
        return self.rows[row][column].strip()

    def encoded(self) -> bytes:
        """Return the file with its changes; every cell that was not filled in is as it was."""
        written = io.StringIO()
        csv.writer(written, lineterminator="\r\n").writerows([self.heading, *self.rows])
        return (codecs.BOM_UTF8 if self.has_mark else b"") + written.getvalue().encode()


def read_sheet(data: bytes, name: str) -> Gradebook:
    """Read an exported gradebook; a UsageError says what is wrong with it, and where."""
    text = _decoded(data, name)
    heading = text.partition("\n")[0]
    if ";" in heading and "," not in heading:
        raise UsageError(
            f"{name} has semicolons between its columns, not commas.",
            cure="Choose commas in the settings of the export, and export it again.",
        )
    reader = csv.reader(io.StringIO(text), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    line = 1
    try:
        for row in reader:
            rows.append(row)
            lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{name}, line {line}, is no CSV: {error}.", cure=EXPORT_AGAIN) from error
    if not rows or not any(rows[0]):
        raise UsageError(f"{name} is empty.", cure=EXPORT_AGAIN)
    _require_whole_rows(rows, lines, name)
    return Gradebook(name, rows[0], rows[1:], lines[1:], data.startswith(codecs.BOM_UTF8))


def _decoded(data: bytes, name: str) -> str:
    if data.startswith(UTF16_MARKS) or b"\x00" in data[:200]:
        raise UsageError(
            f"{name} is UTF-16, as some programs save a table.",
            cure="Give the file as it was exported, or save it as “CSV UTF-8”.",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{name}, line {line}, is not UTF-8.",
            cure="Give the file as it was exported, or save it as “CSV UTF-8”.",
        ) from error


def _require_whole_rows(rows: Sequence[Sequence[str]], lines: Sequence[int], name: str) -> None:
    wide = len(rows[0])
    for row, line in zip(rows, lines, strict=True):
        if len(row) != wide:
            raise UsageError(
                f"{name}, line {line}: there are {len(row)} cells, and {wide} in the heading.",
                cure=EXPORT_AGAIN,
            )
    titles = [title for title in rows[0] if title]
    twice = sorted({title for title in titles if titles.count(title) > 1})
    if twice:
        raise UsageError(
            f"{name}: two columns are called “{quote(twice[0])}”.",
            cure="Give one of them another name on the platform, and export it again.",
        )


@dataclass(frozen=True)
class Enrolled:
    """One row of a gradebook: ``names`` are what a result may call the student."""

    row: int
    names: tuple[str, ...]
    shown: str


def fill(
    sheet: Gradebook,
    column: int,
    students: Sequence[Enrolled],
    results: Mapping[str, Result],
    most: Mapping[int, float],
    *,
    practice: bool = False,
) -> None:
    """Write each score into its student's row; a UsageError lists everything that is refused.

    ``results`` are by the name of the student. ``most`` has the points possible of rows where the
    gradebook names them. Scores of practice runs are taken only if ``practice`` is asked for.
    """
    refused = [
        *_doubtful(sheet, students),
        *_refused(sheet, students, results, most),
        *_that_do_not_count(results, practice=practice),
    ]
    if refused:
        more = len(refused) - MOST_TOLD
        told = [*refused[:MOST_TOLD], *([f"... and {more} more"] if more > 0 else [])]
        raise UsageError(
            "Nothing was written, because not every score has its place:\n"
            + "\n".join(f"  - {each}" for each in told),
            cure="Give results that belong here: whole ones, of runs that count "
            "(`--require strong`), each named like its student.",
        )
    rows = {name: student.row for student in students for name in student.names}
    for name, result in results.items():
        sheet.rows[rows[name]][column] = str(result.score)


def _doubtful(sheet: Gradebook, students: Sequence[Enrolled]) -> Iterator[str]:
    """Tell of names that two rows share."""
    seen: dict[str, int] = {}
    for student in students:
        for name in dict.fromkeys(student.names):
            if name in seen and seen[name] != student.row:
                first, second = sheet.lines[seen[name]], sheet.lines[student.row]
                yield f"“{quote(name)}” is the name of lines {first} and {second} of {sheet.name}"
            seen.setdefault(name, student.row)


def _refused(
    sheet: Gradebook,
    students: Sequence[Enrolled],
    results: Mapping[str, Result],
    most: Mapping[int, float],
) -> Iterator[str]:
    rows = {name: student.row for student in students for name in student.names}
    taken: dict[int, str] = {}
    for name, result in sorted(results.items()):
        row = rows.get(name)
        if row is None:
            yield f"{quote(name)}: no student of {sheet.name} is called so"
        elif row in taken:
            yield f"{quote(name)}: the same student as {quote(taken[row])}"
        elif result.score > most.get(row, result.score):
            yield f"{quote(name)}: {result.score} points, and at most {most[row]:g} are possible"
        if row is not None:
            taken[row] = name


def _that_do_not_count(results: Mapping[str, Result], *, practice: bool) -> Iterator[str]:
    """Tell of scores that are not the whole score of a run that counts, or of other rubrics."""
    totals = sorted({result.max_score for result in results.values()})
    if len(totals) > 1:
        told = " and ".join(map(str, totals))
        yield f"the results are of {told} points: grade them again with one rubric and one course"
    for name, result in sorted(results.items()):
        rows = result.criteria
        if result.grader_failed:
            yield f"{quote(name)}: the grader broke on a check, so that the score is not whole"
        elif any(row.status is Status.WITHHELD for row in rows):
            yield f"{quote(name)}: made for students, so that the score is not whole"
        elif result.later_points:
            yield f"{quote(name)}: {result.later_points} points are graded later"
        elif result.problem is None and any(_misses_points(row) for row in rows):
            yield f"{quote(name)}: only some of the criteria were tried"
        elif result.advisory and not practice:
            yield f"{quote(name)}: a practice run, which does not count (--practice takes it)"


def _misses_points(row: CriterionResult) -> bool:
    """Return whether a criterion was left out that has points: one without costs nobody any."""
    return row.status is Status.NOT_RUN and row.max_score > 0


def one_lesson(results: Iterable[Result]) -> str:
    """Return the lesson of all results; a UsageError if there are none, or of several lessons."""
    lessons = sorted({result.lesson for result in results})
    if len(lessons) == 1:
        return lessons[0]
    if not lessons:
        raise UsageError("There is no result.", cure="Give a folder of result files (.json).")
    raise UsageError(
        f"The results are of several lessons: {', '.join(lessons)}.",
        cure="One column takes the scores of one lesson.",
    )
