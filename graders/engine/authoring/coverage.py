"""What the course asks for, and who checks it: ``docs/coverage.yaml``, made into a page.

Each requirement names the criteria that judge it; mutants and solutions are looked up. What nobody
checks, or what no mutant shows, is a hole, and the page says so. Must not grade, nor know a
lesson. ::

    format_version: 1
    parts:
      - title: "lesson02: First agent"
        requirements:
          - asks: The key comes from the environment.
            criteria: [lesson02/key-from-environment]
            mutants: [lesson02/hard-coded-key]    # all that lose one of the criteria if left out
            database: postgresql                  # only mutants and solutions that are graded so
          - asks: The chapter quiz.
            tests: [tests/content/test_quiz.py]   # of what no submission is judged by
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from graders.engine.content.binding import read
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.content.fields import (
    ContentModel,
    FormatVersion,
    Sentence,
    did_you_mean,
    not_empty,
)
from graders.engine.content.models import Database, LoanName
from graders.engine.core.errors import ContentError
from graders.engine.course_servers.mutants import Mutant, databases_of, mutants_of

DATA = Path("docs") / "coverage.yaml"
PAGE = Path("docs") / "coverage.md"
MISSING = "**missing**"


class CourseRequirement(ContentModel):
    """One thing that the course asks for; without ``criteria`` nobody checks it yet."""

    asks: Sentence
    criteria: tuple[LoanName, ...] = ()
    mutants: tuple[LoanName, ...] = ()
    database: Database | None = None
    tests: tuple[Sentence, ...] = ()


class CoursePart(ContentModel):
    """Requirements that belong together."""

    title: Sentence
    requirements: Annotated[tuple[CourseRequirement, ...], AfterValidator(not_empty)]


class CoverageFile(ContentModel):
    """A ``coverage.yaml``."""

    format_version: FormatVersion
    parts: Annotated[tuple[CoursePart, ...], AfterValidator(not_empty)]


@dataclass(frozen=True)
class CheckedLesson:
    """A lesson with its mutants by name, and its solutions with what each is graded with."""

    lesson: Lesson

    @cached_property
    def mutants(self) -> Mapping[str, Mutant]:
        """The mutants by name."""
        return {mutant.name: mutant for mutant in mutants_of(self.lesson)}

    @cached_property
    def solutions(self) -> Mapping[str, Sequence[Database]]:
        """The solutions by name, with the databases that each is graded with."""
        return databases_of(self.lesson)


@dataclass(frozen=True)
class Covered:
    """One requirement, and all that checks it; names are ``lesson/name``."""

    requirement: CourseRequirement
    mutants: tuple[str, ...]
    solutions: tuple[str, ...]

    @property
    def holes(self) -> tuple[str, ...]:
        """What is missing, in words."""
        if self.requirement.tests:
            return ()
        columns = {
            "criterion": self.requirement.criteria,
            "mutant": self.mutants,
            "solution": self.solutions,
        }
        return tuple(f"no {name}" for name, found in columns.items() if not found)


@dataclass(frozen=True)
class CourseMap:
    """The requirements of the course by part, with what checks each, and what else is checked."""

    parts: Mapping[str, Sequence[Covered]]
    unasked: tuple[str, ...]

    @property
    def holes(self) -> list[str]:
        """A sentence for each requirement that is not checked as it must be."""
        rows = (row for rows in self.parts.values() for row in rows)
        return [f"{row.requirement.asks} ({', '.join(row.holes)})" for row in rows if row.holes]


def load_map(catalogue: Catalogue) -> CourseMap:
    """Read the requirements and look up who checks them; a ContentError if a name is unknown."""
    file = catalogue.root / DATA
    told = read(file, CoverageFile)
    lessons = {lesson.id: CheckedLesson(lesson) for lesson in catalogue.lessons()}
    rows = {
        part.title: [_covered(each, lessons, file) for each in part.requirements]
        for part in told.parts
    }
    named = {name for part in rows.values() for row in part for name in row.requirement.criteria}
    criteria = [f"{each}/{name}" for each, one in lessons.items() for name in one.lesson.rubric.ids]
    return CourseMap(rows, tuple(name for name in criteria if name not in named))


def _covered(
    requirement: CourseRequirement, lessons: Mapping[str, CheckedLesson], file: Path
) -> Covered:
    database = requirement.database or Database.SQLITE
    asked = dict.fromkeys(name.partition("/")[0] for name in requirement.criteria)
    _require_known(requirement, lessons, file)
    for test in requirement.tests:
        if not (file.parents[1] / test).is_file():
            raise ContentError(file, None, f"There is no test `{test}`.")
    mutants = [
        f"{lesson}/{name}"
        for lesson in asked
        for name, mutant in lessons[lesson].mutants.items()
        if mutant.database is database
        and any(f"{lesson}/{each}" in requirement.criteria for each in mutant.loses)
    ]
    solutions = [
        f"{lesson}/{name}"
        for lesson in asked
        for name, databases in lessons[lesson].solutions.items()
        if database in databases
    ]
    chosen = [name for name in mutants if name in requirement.mutants or not requirement.mutants]
    for name in requirement.mutants:
        if name not in mutants:
            raise ContentError(
                file,
                None,
                f"No mutant `{name}` loses a criterion of: {requirement.asks}",
                cure=did_you_mean(name, mutants),
            )
    return Covered(requirement, tuple(chosen), tuple(solutions))


def _require_known(
    requirement: CourseRequirement, lessons: Mapping[str, CheckedLesson], file: Path
) -> None:
    for name in requirement.criteria:
        lesson, _, criterion = name.partition("/")
        known = lessons[lesson].lesson.rubric.ids if lesson in lessons else ()
        if criterion not in known:
            raise ContentError(
                file, None, f"There is no criterion `{name}`.", cure=did_you_mean(criterion, known)
            )


def render_map(course: CourseMap) -> str:
    """Return the page."""
    return "\n".join(_lines(course)) + "\n"


def _lines(course: CourseMap) -> Iterator[str]:
    count = sum(map(len, course.parts.values()))
    yield "# What the course asks, and who checks it"
    yield ""
    yield "<!-- Made from coverage.yaml by `python grade.py lesson coverage`: do not change it. -->"
    yield ""
    yield (
        "Each requirement of the course, the criteria that judge it, the mutants that show that "
        "they do, and the solutions, which have full marks in all of them."
    )
    yield ""
    yield f"{count} requirements, {len(course.holes)} of them not checked as they must be."
    for title, rows in course.parts.items():
        yield from ("", f"## {title}", "")
        yield from ("| what is asked | criteria | mutants | solutions |", "|---|---|---|---|")
        yield from map(_row, rows)
    if course.unasked:
        yield from ("", "## Checked beyond that", "")
        yield "No requirement above names these criteria; the assignments announce them."
        yield ""
        yield f"{_names(course.unasked)}."


def _row(row: Covered) -> str:
    asks = row.requirement.asks.replace("|", "/")
    if row.requirement.tests:
        return f"| {asks} | {', '.join(f'`{test}`' for test in row.requirement.tests)} | | |"
    columns = (row.requirement.criteria, row.mutants, row.solutions)
    return f"| {asks} | {' | '.join(_names(each) if each else MISSING for each in columns)} |"


def _names(names: Sequence[str]) -> str:
    """Return names in the order of their lessons, each lesson named once."""
    by_lesson: dict[str, list[str]] = {}
    for name in names:
        lesson, _, own = name.partition("/")
        by_lesson.setdefault(lesson, []).append(f"`{own}`")
    return "; ".join(f"{lesson}: {', '.join(own)}" for lesson, own in by_lesson.items())
