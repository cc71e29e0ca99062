"""Gradebooks: one column filled in, the rest as it was, and nothing where something is refused."""

from __future__ import annotations

import csv
import io

import pytest

from graders.engine.core.errors import UsageError
from graders.engine.core.results import Problem, Result, Status
from graders.engine.reports.gradebooks import canvas, moodle
from tests.reports.samples import result, row

COLUMN = "Lesson 6 (123)"
CANVAS = f"""Student,ID,SIS User ID,SIS Login ID,Section,{COLUMN},Lesson 7 (124),Final Score
    Points Possible,,,,,100,100.00,(read only)
"Liddell, Alice",11,u-11,alice,A,,88,91.5
"Brown, Bob",12,u-12,bob,A,EX,,70
"Müller, Zoë",13,,zoe,B,5,=1+1,
"""
MOODLE = """Identifier,Full name,Email address,Status,Grade,Maximum Grade,Last modified (grade)
Participant 7,Alice Liddell,alice@example.org,Submitted,,100.00,-
Participant 8,Bob Brown,bob@example.org,Submitted,,80.00,-
"""


def scored(points: int, lesson: str = "lesson06") -> Result:
    """Return a result of so many of 100 points."""
    graded = result(row("a", "A", Status.FAILED, 100, score=points), advisory=False)
    return graded.model_copy(update={"lesson": lesson})


def cells(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_canvas_fills_one_column_and_leaves_every_other_cell() -> None:
    before = cells(CANVAS.encode())
    filled = canvas.filled(
        CANVAS.encode(), "g.csv", COLUMN, {"alice": scored(90), "12": scored(3), "13": scored(0)}
    )
    after = cells(filled)
    assert [each[COLUMN] for each in after] == ["100", "90", "EX", "0"]
    for each in (*before, *after):
        del each[COLUMN]
    assert after == before


def test_canvas_keeps_a_byte_order_mark() -> None:
    data = b"\xef\xbb\xbf" + CANVAS.encode()
    assert canvas.filled(data, "g.csv", COLUMN, {"11": scored(1)}).startswith(
        b"\xef\xbb\xbfStudent"
    )


@pytest.mark.parametrize(
    ("results", "column", "words"),
    [
        ({"11": scored(1)}, "Lesson 6", ("no column “Lesson 6”", "Did you mean `Lesson 6 (123)`")),
        ({"11": scored(1)}, "Final Score", ("is not an assignment",)),
        ({"11": scored(1)}, "Student", ("is not an assignment",)),
        ({"mallory": scored(1)}, COLUMN, ("mallory: no student of g.csv",)),
        ({"11": scored(1), "alice": scored(2)}, COLUMN, ("alice: the same student as 11",)),
        ({"x": scored(1), "y": scored(1)}, COLUMN, ("- x: no student", "- y: no student")),
        ({}, COLUMN, ("There is no result",)),
        ({"11": scored(1), "12": scored(1, "lesson05")}, COLUMN, ("lesson05, lesson06",)),
    ],
)
def test_canvas_refuses(results: dict[str, Result], column: str, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as refused:
        canvas.filled(CANVAS.encode(), "g.csv", column, results)
    assert all(each in f"{refused.value.message} {refused.value.cure}" for each in words)


def test_more_points_than_possible_are_refused() -> None:
    low = CANVAS.replace(",100,100.00", ",50,100.00")
    with pytest.raises(UsageError, match="11: 90 points, and at most 50 are possible"):
        canvas.filled(low.encode(), "g.csv", COLUMN, {"11": scored(90), "12": scored(50)})


def test_score_that_is_not_whole_is_refused() -> None:
    broken = result(row("a", "A", Status.ERROR, 100)).model_copy(update={"lesson": "lesson06"})
    with pytest.raises(UsageError, match="11: the grader broke on a check"):
        canvas.filled(CANVAS.encode(), "g.csv", COLUMN, {"11": broken})


def test_scores_that_do_not_count_are_refused_and_listed() -> None:
    withheld = row("b", "B", Status.WITHHELD, 0)
    later = row("b", "B", Status.NOT_RUN, 0).model_copy(update={"graded_later": True})
    whole = scored(1)
    results = {
        "11": whole.model_copy(update={"advisory": True}),
        "12": whole.model_copy(update={"criteria": (*whole.criteria, withheld)}),
        "13": whole.model_copy(update={"criteria": (row("c", "C", Status.NOT_RUN, 100),)}),
    }
    with pytest.raises(UsageError) as refused:
        canvas.filled(CANVAS.encode(), "g.csv", COLUMN, results)
    assert "11: a practice run, which does not count (--practice takes it)" in str(refused.value)
    assert "12: made for students, so that the score is not whole" in str(refused.value)
    assert "13: only some of the criteria were tried" in str(refused.value)
    assert "strong" in refused.value.cure
    later = later.model_copy(update={"max_score": 30})
    copied = whole.model_copy(update={"criteria": (later,), "max_score": 130})
    with pytest.raises(UsageError, match="12: 30 points are graded later") as also:
        canvas.filled(CANVAS.encode(), "g.csv", COLUMN, {"12": copied, "11": whole})
    assert "the results are of 100 and 130 points" in str(also.value)


def test_criterion_without_points_may_be_left_out() -> None:
    optional = row("b", "B", Status.NOT_RUN, 0)
    whole = scored(1)
    results = {"11": whole.model_copy(update={"criteria": (*whole.criteria, optional)})}
    assert canvas.filled(CANVAS.encode(), "g.csv", COLUMN, results) == canvas.filled(
        CANVAS.encode(), "g.csv", COLUMN, {"11": whole}
    )


def test_practice_is_taken_where_it_is_asked_for() -> None:
    practice = {"11": scored(7).model_copy(update={"advisory": True})}
    filled = canvas.filled(CANVAS.encode(), "g.csv", COLUMN, practice, practice=True)
    assert cells(filled)[1][COLUMN] == "7"
    by_name = {"7": scored(7).model_copy(update={"advisory": True})}
    graded = moodle.filled(MOODLE.encode(), "w.csv", by_name, practice=True)
    assert cells(graded)[0]["Grade"] == "7"
    with pytest.raises(UsageError, match="7: a practice run"):
        moodle.filled(MOODLE.encode(), "w.csv", by_name)


def test_server_that_did_not_start_has_a_score_all_the_same() -> None:
    problem = Problem(kind="syntax-error", title="It is wrong.")
    crashed = result(row("a", "A", Status.NOT_RUN, 100), problem=problem, advisory=False)
    results = {"11": crashed.model_copy(update={"lesson": "lesson06"})}
    assert cells(canvas.filled(CANVAS.encode(), "g.csv", COLUMN, results))[1][COLUMN] == "0"


def test_two_students_of_one_name_are_refused_with_their_lines() -> None:
    twice = f'{CANVAS}"Brown, Bob",14,u-12,bob2,B,,,\n'
    with pytest.raises(UsageError, match=r"“u-12” is the name of lines 4 and 6 of g\.csv"):
        canvas.filled(twice.encode(), "g.csv", COLUMN, {"11": scored(1)})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (CANVAS.encode("utf-16"), "g.csv is UTF-16"),
        (CANVAS.encode("utf-16-le"), "g.csv is UTF-16"),
        (CANVAS.encode("latin-1"), "g.csv, line 5, is not UTF-8"),
        (CANVAS.replace(",", ";").encode(), "semicolons between its columns"),
        (b"", "g.csv is empty"),
        (CANVAS.encode() + b"only,two\n", "g.csv, line 6: there are 2 cells, and 8 in the heading"),
        (CANVAS.encode() + b'"open', "g.csv, line 6, is no CSV"),
        (CANVAS.replace("Lesson 7 (124)", COLUMN).encode(), "two columns are called"),
        (CANVAS.replace("Student,", "Name,").encode(), "no column “Student”"),
    ],
)
def test_file_that_is_no_export_is_refused_with_its_line(data: bytes, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        canvas.filled(data, "g.csv", COLUMN, {"11": scored(1)})
    assert words in refused.value.message
    assert refused.value.cure


def test_long_list_of_refusals_is_cut() -> None:
    results = {f"nobody-{n:03}": scored(1) for n in range(60)}
    with pytest.raises(UsageError, match=r"\.\.\. and 10 more"):
        canvas.filled(CANVAS.encode(), "g.csv", COLUMN, results)


def test_moodle_fills_the_grades() -> None:
    filled = moodle.filled(
        MOODLE.encode(), "w.csv", {"Participant 7": scored(90), "bob@example.org": scored(80)}
    )
    assert [each["Grade"] for each in cells(filled)] == ["90", "80"]
    by_number = moodle.filled(MOODLE.encode(), "w.csv", {"7": scored(1)})
    assert [each["Grade"] for each in cells(by_number)] == ["1", ""]


def test_moodle_refuses_more_than_the_maximum() -> None:
    with pytest.raises(UsageError, match="8: 81 points, and at most 80 are possible"):
        moodle.filled(MOODLE.encode(), "w.csv", {"8": scored(81)})


def test_gradebook_that_names_no_highest_points_takes_any_score() -> None:
    without = CANVAS.replace("    Points Possible,,,,,100,100.00,(read only)\n", ",,,,,,,\n")
    filled = cells(canvas.filled(without.encode(), "g.csv", COLUMN, {"11": scored(90)}))
    assert [each[COLUMN] for each in filled] == ["", "90", "EX", "5"]
    no_most = MOODLE.replace(",Maximum Grade", "").replace(",100.00", "").replace(",80.00", "")
    graded = cells(moodle.filled(no_most.encode(), "w.csv", {"8": scored(90)}))
    assert [each["Grade"] for each in graded] == ["", "90"]


def test_moodle_refuses_a_file_that_is_no_worksheet() -> None:
    with pytest.raises(UsageError, match="no column “Identifier”"):
        moodle.filled(CANVAS.encode(), "w.csv", {"7": scored(1)})
