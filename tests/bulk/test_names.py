"""What names of handed-in files say, and how names of people are compared."""

from __future__ import annotations

import pytest

from graders.engine.bulk.names import (
    NameRead,
    file_name,
    joined,
    key_of,
    names_of_clone,
    read_name,
    shared_start,
    without_ending,
)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("ada", NameRead(("ada",), "ada", "ada")),
        ("ada.tar.gz", NameRead(("ada",), "ada", "ada.tar.gz")),
        (
            "doejane_LATE_123_456_my_work-2.zip",
            NameRead(("123", "doejane"), "123", "my_work.zip", 2, late=True, platform="Canvas"),
        ),
        (
            "doejane_123_456_server.py",
            NameRead(("123", "doejane"), "123", "server.py", platform="Canvas"),
        ),
        (
            "Jane Doe_77_assignsubmission_file_",
            NameRead(("77", "Jane Doe"), "77", "", platform="Moodle"),
        ),
        (
            "Jane_Doe_77_assignsubmission_file_a_1_2.zip",
            NameRead(("77", "Jane_Doe"), "77", "a_1_2.zip", platform="Moodle"),
        ),
        (
            "Eve_12_assignsubmission_file_x_77_assignsubmission_file_server.py",
            NameRead(
                ("12", "Eve"), "12", "x_77_assignsubmission_file_server.py", platform="Moodle"
            ),
        ),
    ],
)
def test_name_is_read(name: str, read: NameRead) -> None:
    assert read_name(name) == read


@pytest.mark.parametrize("name", ["a.ZIP", "a.tar.gz", "a.tgz", "a.tar.bz2", "a"])
def test_ending_is_taken_off(name: str) -> None:
    assert without_ending(name) == "a"


@pytest.mark.parametrize(
    ("names", "clones", "start"),
    [
        (["c1-lesson06-ada", "c1-lesson06-bob-b"], False, "c1-lesson06-"),
        (["c1-lesson-06-anna-b", "c1-lesson-06-anna-c"], True, "c1-lesson-06-anna-"),
        (["anna-b", "anna-c"], False, ""),
        (["x-ada", "x-bob"], True, "x-"),
        (["lesson06-ada"], False, ""),
        (["lesson06-ada", "bob"], False, ""),
    ],
)
def test_start_of_clones(names: list[str], clones: bool, start: str) -> None:
    assert shared_start(names, "lesson06", clones=clones) == start


@pytest.mark.parametrize(
    ("name", "start", "people"),
    [
        ("c1-lesson06-ada", "c1-lesson06-", ("ada", "lesson06-ada", "c1-lesson06-ada")),
        ("c1-eve-ada", "c1-", ("eve-ada", "c1-eve-ada")),
        ("c1-", "c1-", ("c1-",)),
        ("eve-ada", "", ("eve-ada",)),
    ],
)
def test_student_of_a_clone_is_what_follows_the_start_or_more(
    name: str, start: str, people: tuple[str, ...]
) -> None:
    assert names_of_clone(name, start) == people


@pytest.mark.parametrize("name", ["Doe, Jané", "jane doe", "Jane  DOE", "doe_jane"])
def test_people_are_found_however_they_are_written(name: str) -> None:
    assert key_of(name) == "doe jane"


def test_canvas_joins_the_words_of_a_name() -> None:
    assert joined("Doe, Jane")[0] == joined("Jane Doe")[1] == "doejane"


def test_files_of_students_never_meet_nor_leave_the_folder() -> None:
    taken: set[str] = set()
    names = [file_name(each, taken) for each in ("Ada", "ada", "../../etc", "", "..", "a/b", "ü@x")]
    assert names == ["Ada", "ada-2", "etc", "student", "student-2", "a-b", "ü@x"]
