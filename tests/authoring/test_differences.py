"""What differs between two folders, written so that it fits again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.engine.authoring.differences import Change, change_between, files_in
from graders.engine.core.errors import UsageError
from graders.engine.course_servers.patches import apply_patch

Files = Mapping[str, bytes]
FRUIT = b"apple\nbanana\ncherry\ndate\n"


def folder_of(place: Path, files: Files) -> Path:
    """Write the files into a new folder."""
    place.mkdir()
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


def change(place: Path, old: Files, new: Files) -> Change:
    """Return the change between two folders."""
    return change_between(folder_of(place / "old", old), folder_of(place / "new", new))


def applied(found: Change, place: Path) -> Files:
    """Apply the change to the old folder, and return what is in it then."""
    if found.patch:
        (place / "change.patch").write_bytes(found.patch.encode())
        apply_patch(place / "change.patch", place / "old")
    for name, content in found.files.items():
        (place / "old" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "old" / name).write_bytes(content)
    return files_in(place / "old")


def test_equal_folders_do_not_differ(tmp_path: Path) -> None:
    assert change(tmp_path, {"a": FRUIT}, {"a": FRUIT}) == Change((), "", {})


def test_line_is_changed_with_three_lines_around_it(tmp_path: Path) -> None:
    old = b"".join(b"%d\n" % number for number in range(20))
    found = change(tmp_path, {"a.py": old}, {"a.py": old.replace(b"10\n", b"ten\n")})
    assert found.patch == (
        "--- a/a.py\n+++ b/a.py\n@@ -8,7 +8,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n"
    )


def test_context_is_widened_until_the_old_text_occurs_once(tmp_path: Path) -> None:
    old = b"first\n" + b"same\n" * 9 + b"middle\n" + b"same\n" * 9
    new = b"first\n" + b"same\n" * 5 + b"new\n" + b"same\n" * 4 + b"middle\n" + b"same\n" * 9
    found = change(tmp_path, {"a": old}, {"a": new})
    assert found.patch.splitlines()[2] == "@@ -2,10 +2,11 @@"
    assert applied(found, tmp_path) == {"a": new}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": FRUIT}, {"a": b"apple\n"}),
        ({"a": FRUIT}, {"a": b""}),
        ({"a": b""}, {"a": FRUIT}),
        ({"a": FRUIT}, {"a": FRUIT.rstrip()}),
        ({"a": FRUIT}, {"a": FRUIT, "b": FRUIT}),
        ({"a": FRUIT}, {"a": FRUIT, "web/b": FRUIT}),
        ({"a": FRUIT, "b": FRUIT}, {"a": FRUIT}),
        ({"a": FRUIT}, {"b": FRUIT}),
        ({"a": FRUIT, "b": FRUIT}, {"a": b"fig\n", "b": b"fig\n"}),
        ({"a": b"\r\n\xe2\x80\xa8\n\x00\n"}, {"a": b"\n\xe2\x80\xa8\r\n\x00"}),
        ({"a": b"-- x\n++ y\n"}, {"a": b"++ y\n-- x\n"}),
        ({"name of it.py": FRUIT}, {"name of it.py": b"fig\n"}),
        ({"a/a.py": FRUIT}, {"a/a.py": b"fig\n"}),
    ],
)
def test_patch_says_it_all_for_texts(tmp_path: Path, old: Files, new: Files) -> None:
    found = change(tmp_path, old, new)
    assert not found.files
    assert applied(found, tmp_path) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": FRUIT}, {"a": b"\xff"}),
        ({"a": b"\xff"}, {"a": FRUIT}),
        ({"a": b"\xff"}, {"a": b"\xfe"}),
        ({}, {"a": b"\xff"}),
        ({}, {"a": b""}),
        ({"a": b"\xff"}, {"a": b""}),
    ],
)
def test_file_that_a_patch_cannot_say_is_given_whole(
    tmp_path: Path, old: Files, new: Files
) -> None:
    found = change(tmp_path, old, new)
    assert not found.patch
    assert applied(found, tmp_path) == new


@pytest.mark.parametrize("content", [b"", b"\xff"])
def test_removal_that_a_patch_cannot_say_is_a_usage_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError, match="`b` was removed"):
        change(tmp_path, {"a": FRUIT, "b": content}, {"a": FRUIT})


@pytest.mark.parametrize("name", [" a", "a\tb", "a\nb", "a\x1bb"])
def test_name_that_a_patch_cannot_hold_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="file's name that a patch cannot hold"):
        change(tmp_path, {}, {name: FRUIT})


@pytest.mark.parametrize(
    "name", ["__pycache__/a.pyc", "web/__pycache__/a.pyc", "a.py~", ".a.py.swp", ".mypy_cache/a"]
)
def test_what_tools_leave_behind_is_no_change(tmp_path: Path, name: str) -> None:
    assert change(tmp_path, {}, {name: b"\xff"}).names == ()


CONTENTS = st.none() | st.lists(
    st.sampled_from([b"a\n", b"b\n", b"\n", b"- a\n", b"end", b"\xc3\xa4\r\n"]),
    min_size=1,
    max_size=30,
).map(b"".join)
FOLDERS = st.fixed_dictionaries(dict.fromkeys(("a", "web/b"), CONTENTS))


@settings(max_examples=100, deadline=None)
@given(old=FOLDERS, new=FOLDERS)
def test_change_of_any_texts_fits_where_it_came_from(
    tmp_path_factory: pytest.TempPathFactory,
    old: dict[str, bytes | None],
    new: dict[str, bytes | None],
) -> None:
    place = tmp_path_factory.mktemp("case")
    before, after = (
        {name: content for name, content in each.items() if content is not None}
        for each in (old, new)
    )
    assert applied(change(place, before, after), place) == after
