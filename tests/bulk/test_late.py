"""Late work costs what the policy says, and what it counts stands beside the raw score."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from graders.engine.bulk.joined_grades import JoinedRow, LessonResults, join, table
from graders.engine.bulk.journal import NAME, EndRecord, RunRecord
from graders.engine.bulk.late import adjusted, days_late
from graders.engine.bulk.records import ResultRecord
from graders.engine.bulk.roster import Enrolment
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.content.course import Course, LatePolicy, load_course
from tests.bulk.class_folder import a_class
from tests.bulk.test_journal import record
from tests.cli.course import run
from tests.cli.test_bulking import bulk

DUE = datetime.fromisoformat("2027-03-14T12:00:00+00:00")
POLICY = LatePolicy(grace_minutes=15, percent_per_day=10, late_days=2)
COURSE = """\
lessons:
  greeting: {weight: 3, due: 2027-03-14T12:00:00Z}
  counting: {due: 2027-04-14T12:00:00Z}
late:
  grace_minutes: 15
  percent_per_day: 10
  late_days: 2
  extensions:
    ann: {greeting: 2027-03-20T12:00:00Z}
"""


@pytest.mark.parametrize(
    ("late", "days"),
    [
        (timedelta(days=-1), 0),
        (timedelta(minutes=15), 0),
        (timedelta(minutes=15, seconds=1), 1),
        (timedelta(days=1), 1),
        (timedelta(days=1, seconds=1), 2),
    ],
)
def test_each_day_that_has_begun_counts(late: timedelta, days: int) -> None:
    assert days_late(DUE + late, DUE, POLICY) == days


def test_nothing_is_late_that_has_no_time() -> None:
    assert days_late(None, DUE, POLICY) == days_late(DUE, None, POLICY) == 0


@pytest.mark.parametrize(
    ("days", "left", "counts", "spent", "note"),
    [
        (0, 2, 85, 0, ""),
        (1, 2, 85, 1, "1 day late, 1 of the late days used"),
        (3, 2, 76.5, 2, "3 days late, 2 of the late days used, -10 %"),
        (2, 0, 68, 0, "2 days late, -20 %"),
        (30, 0, 0, 0, "30 days late, -100 %"),
    ],
)
def test_late_days_are_used_before_anything_is_taken_off(
    days: int, left: int, counts: float, spent: int, note: str
) -> None:
    told = adjusted(85, days, POLICY, left)
    assert (told.raw, told.adjusted, told.spent, told.note) == (85, counts, spent, note)


def handed_in(name: str, score: int, time: str = "", **more: object) -> ResultRecord:
    """Return a result with the time of its submission."""
    return record(name, score).model_copy(update={"max_score": 100, "handed_in": time, **more})


def course(folder: Path) -> Course:
    """Read the course."""
    path = folder / "course.yaml"
    path.write_text(COURSE, encoding="utf-8")
    return load_course(path)


def test_lessons_are_joined_with_weights_and_late_days(tmp_path: Path) -> None:
    greeting = {
        "ann": handed_in("ann", 80, "2027-03-20T11:00:00+00:00"),
        "bob": handed_in("bob", 80, "2027-03-15T13:00:00+00:00"),
        "cyd": handed_in("cyd", 80, late=True),
        "dee": handed_in("dee", 0, error="broke"),
    }
    counting = {
        "ann": handed_in("ann", 40),
        "bob": handed_in("bob", 40, "2027-04-16T12:00:00+00:00"),
        "dee": handed_in("dee", 50),
    }
    lessons = [LessonResults("counting", 100, counting), LessonResults("greeting", 100, greeting)]
    students = [Enrolment("bob", "Bob"), Enrolment("ann")]
    rows = {row.student: row for row in join(lessons, course(tmp_path), students)}
    assert list(rows) == ["bob", "ann", "cyd", "dee"]
    assert rows["ann"].total == (3 * 80 + 40) / 4
    # Both late days go to the lesson that was due first; the other one costs two days.
    assert totals(rows["bob"]) == [32, 80]
    assert rows["bob"].notes == (
        "greeting: 2 days late, 2 of the late days used",
        "counting: 2 days late, -20 %",
    )
    assert rows["bob"].total == (3 * 80 + 32) / 4
    assert rows["cyd"].total == 3 * 80 / 4
    assert "nothing was taken off" in rows["cyd"].notes[0]
    assert rows["cyd"].notes[1] == "counting: not handed in"
    assert rows["dee"].total == 50
    lines = list(csv.DictReader(io.StringIO(table(list(rows.values()), lessons))))
    assert lines[0]["counting"] == "40"
    assert lines[0]["counting_adjusted"] == "32"
    assert lines[3]["greeting"] == ""


def totals(row: JoinedRow) -> list[float | None]:
    """Return the adjusted scores."""
    return [each.adjusted if each else None for each in row.scores]


def test_without_a_course_all_lessons_weigh_the_same() -> None:
    lessons = [LessonResults("a", 100, {"x": handed_in("x", 50)}), LessonResults("b", 100, {})]
    (row,) = join(lessons, None, [])
    assert row.total == 25
    assert (
        join([LessonResults("a", 0, {"x": handed_in("x", 0, error="e")})], None, [])[0].total == 0
    )


def test_gradebook_of_what_was_graded(tmp_path: Path) -> None:
    source, out = a_class(tmp_path / "class"), tmp_path / "out"
    listed = tmp_path / "list.csv"
    listed.write_text(
        "student,submission,handed_in\n"
        f"ada,{source / 'ada'},2027-03-18T12:00:00Z\n"
        f"bob,{source / 'bob'},\n",
        encoding="utf-8",
    )
    assert bulk(listed, out).code == ExitCode.FULL_MARKS
    course(tmp_path)
    words = ("--course", str(tmp_path / "course.yaml"))
    outcome = run("gradebook", str(out), *words)
    assert outcome.code == ExitCode.FULL_MARKS
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(outcome.out))}
    assert (rows["ada"]["greeting"], rows["ada"]["greeting_adjusted"]) == ("100", "80")
    assert rows["ada"]["total_percent"] == "80.00"
    written = tmp_path / "all.csv"
    assert run("gradebook", str(out), *words, "--out", str(written)).out == ""
    assert written.read_text(encoding="utf-8") == outcome.out
    twice = run("gradebook", str(out), str(out))
    assert (twice.code, "Two of the folders" in twice.err) == (ExitCode.USAGE, True)
    assert run("gradebook").code == ExitCode.USAGE
    listed.write_text("submission,handed_in\nx,tomorrow\n", encoding="utf-8")
    assert "line 2: `tomorrow` is not a time" in bulk(listed, out).err


@pytest.mark.parametrize("moment", ["yesterday", "2027-03-14T23:59:00"])
def test_folder_without_a_lesson_and_a_time_that_is_none_are_told(
    moment: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / NAME).touch()
    told = run("gradebook", str(out))
    assert (told.code, "has not graded anything yet" in told.err) == (ExitCode.USAGE, True)
    lines = [RunRecord(lesson="greeting", seed=1), record("ada"), record("bob"), EndRecord()]
    text = "".join(f"{each.model_dump_json()}\n" for each in lines)
    late = text.replace('"handed_in":""', f'"handed_in":"{moment}"', 1)
    assert late != text
    (out / NAME).write_text(late, encoding="utf-8")
    told = run("gradebook", str(out))
    assert (told.code, "line 2: this is no record" in told.err) == (ExitCode.USAGE, True)
