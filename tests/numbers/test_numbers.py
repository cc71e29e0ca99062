"""Each number that an assignment announces has a server just inside it and one just outside.

`lessonNN.yaml` beside this file holds rows. A row has the `criterion`, the `number` in the words of
its requirement, and either `inside` (solutions, which have full marks, or mutants that lose only
other criteria) and `outside` (mutants, each of which loses the criterion), or `amount`: why the
number only says how much is tried, so that no server can stand beside it. That solutions and
mutants come out as they are declared is what `grade.py lesson check` shows.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graders.engine.content.binding import read
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.content.fields import ContentModel, Slug
from graders.engine.core.places import REPOSITORY
from graders.engine.course_servers.mutants import mutants_of

HERE = Path(__file__).resolve().parent
LESSONS = Catalogue(REPOSITORY).lessons()
BY_LESSON = pytest.mark.parametrize("lesson", LESSONS, ids=[lesson.id for lesson in LESSONS])
WORDS = "two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|fifty|hundred|half|minute|hour"
NUMBER = re.compile(rf"(?<![\w.`-])(?:\d[\d,.]*\d|\d)(?![\w`])|\b(?:{WORDS})\b")
STATUS_CODES = frozenset({"200", "400", "401", "403", "404", "429", "500"})


class Row(ContentModel):
    """One number of one requirement, and the servers that stand beside it."""

    criterion: Slug
    number: str
    inside: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    amount: str = ""


class Table(ContentModel):
    """The numbers of one lesson."""

    rows: tuple[Row, ...]


def rows_of(lesson: Lesson) -> tuple[Row, ...]:
    """Return the rows that are written down for a lesson."""
    return read(HERE / f"{lesson.id}.yaml", Table).rows


@BY_LESSON
def test_every_announced_number_has_its_row(lesson: Lesson) -> None:
    announced = {
        (each.id, number)
        for each in lesson.rubric.criteria
        for number in NUMBER.findall(each.requirement)
        if number not in STATUS_CODES
    }
    assert {(row.criterion, row.number) for row in rows_of(lesson)} == announced


@BY_LESSON
def test_a_server_stands_on_either_side_of_each_number(lesson: Lesson) -> None:
    loses = {mutant.name: mutant.loses for mutant in mutants_of(lesson)}
    for row in rows_of(lesson):
        assert bool(row.inside and row.outside) != bool(row.amount), row
        for name in row.inside:
            is_solution = (lesson.solutions_dir / name / "server.py").is_file()
            assert is_solution or row.criterion not in loses[name], row
        for name in row.outside:
            assert row.criterion in loses[name], row
