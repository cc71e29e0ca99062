"""Who is in a class, and by which names they are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.bulk.roster import Roster, read_roster
from graders.engine.core.errors import UsageError

CLASS = """\
Student,Name,E-mail,GitHub,Canvas,Group
s1,Jane Doe,jane@uni.edu,janed,101,
s2,John Doe,john@uni.edu,,102,red
s3,Zoë Röder,zoe@uni.edu,zoe-r,103,red
"""


def roster(folder: Path, text: str | bytes = CLASS) -> Roster:
    """Read a class from a file."""
    path = folder / "students.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_roster(path)


@pytest.mark.parametrize(
    "name", ["s3", "S3", "Röder, Zoe", "roderzoe", "zoe@uni.edu", "zoe", "zoe-r", "103"]
)
def test_student_is_found_by_any_name(tmp_path: Path, name: str) -> None:
    found = roster(tmp_path).named(["nobody", name])
    assert found is not None
    assert found.id == "s3"


def test_canvas_name_in_its_order_is_found(tmp_path: Path) -> None:
    found = roster(tmp_path, 'id,name\ns9,"Doe, Jane"\n').named(["doejane"])
    assert found is not None
    assert found.id == "s9"


def test_name_of_two_is_nobodys(tmp_path: Path) -> None:
    assert roster(tmp_path, "id,name\n1,Jo Li\n2,Li Jo\n").named(["Jo Li"]) is None


def test_name_at_the_end_of_a_clone(tmp_path: Path) -> None:
    found = roster(tmp_path).ending("c1-lesson06-zoe-r")
    assert found is not None
    assert found.id == "s3"
    assert roster(tmp_path).ending("c1-lesson06-nobody") is None


def test_group_is_found_and_has_its_members(tmp_path: Path) -> None:
    students = roster(tmp_path)
    found = students.named(["red"])
    assert found is not None
    assert [each.id for each in students.group(found)] == ["s2", "s3"]
    alone = students.named(["s1"])
    assert alone is not None
    assert students.group(alone) == (alone,)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no student"),
        ("id,name\n", "names no student"),
        ("id,name\n1,a,b\n", "line 2: there are 3 cells, and 2 in the heading"),
        ("id,name\n1,a\n\n1,b\n", "line 4: `1` stands in line 2 already"),
        ("id,name\n ,a\n", "line 2: the student has no id"),
        ("id,ID\n1,2\n", "two columns are called `id`"),
        ("id\nJos\xe9\n".encode("latin-1"), "line 2: this is not UTF-8"),
        ("id\n" + 200_000 * "a", "line 2: field larger than field limit"),
    ],
)
def test_wrong_file_is_told_with_its_line(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        roster(tmp_path, text)
    assert told in caught.value.message
    assert caught.value.cure


def test_missing_and_endless_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_roster(tmp_path / "none.csv")
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(9 << 20)
    with pytest.raises(UsageError, match="too large"):
        read_roster(tmp_path / "large.csv")
