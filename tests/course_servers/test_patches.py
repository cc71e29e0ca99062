"""Unified diffs, applied strictly."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.engine.core.errors import ContentError
from graders.engine.course_servers.patches import NOWHERE, apply_patch

FRUIT = "apple\nbanana\ncherry\ndate\n"
CHANGE = """\
--- a/fruit.txt
+++ b/fruit.txt
@@ -1,4 +1,4 @@
 apple
-banana
+blueberry
 cherry
 date
"""


def hunks(*written: str) -> str:
    """Return a patch of ``fruit.txt`` with these hunks."""
    return "--- a/fruit.txt\n+++ b/fruit.txt\n" + "".join(written)


def patched(folder: Path, patch: str, **files: str) -> dict[str, str]:
    """Apply ``patch`` to files (``fruit`` is ``fruit.txt``) and return what is there then."""
    place = folder / "submission"
    place.mkdir()
    for name, text in (files or {"fruit": FRUIT}).items():
        (place / f"{name}.txt").write_bytes(text.encode())
    (folder / "change.patch").write_bytes(patch.encode())
    apply_patch(folder / "change.patch", place)
    found = sorted(path for path in place.rglob("*") if path.is_file())
    return {path.relative_to(place).as_posix(): path.read_bytes().decode() for path in found}


def test_line_is_changed(tmp_path: Path) -> None:
    assert patched(tmp_path, CHANGE) == {"fruit.txt": "apple\nblueberry\ncherry\ndate\n"}


def test_headers_of_git_are_passed_over(tmp_path: Path) -> None:
    header = "diff --git a/fruit.txt b/fruit.txt\nindex 1..2 100644\n"
    assert patched(tmp_path, header + CHANGE)["fruit.txt"].startswith("apple\nblueberry\n")


def test_two_files_are_changed(tmp_path: Path) -> None:
    patch = "--- a.txt\n+++ a.txt\n@@ -1 +1 @@\n-1\n+2\n--- b.txt\n+++ b.txt\n@@ -1 +1 @@\n-3\n+4\n"
    assert patched(tmp_path, patch, a="1\n", b="3\n") == {"a.txt": "2\n", "b.txt": "4\n"}


def test_file_is_created(tmp_path: Path) -> None:
    patch = "--- /dev/null\n+++ b/web/new.txt\n@@ -0,0 +1,2 @@\n+one\n+two\n"
    assert patched(tmp_path, patch)["web/new.txt"] == "one\ntwo\n"


def test_file_is_removed(tmp_path: Path) -> None:
    patch = "--- a/fruit.txt\n+++ /dev/null\n@@ -1,4 +0,0 @@\n-apple\n-banana\n-cherry\n-date\n"
    assert patched(tmp_path, patch) == {}


def test_file_that_is_removed_must_be_removed_whole(tmp_path: Path) -> None:
    patch = "--- a/fruit.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-apple\n-banana\n"
    with pytest.raises(ContentError, match="leaves lines"):
        patched(tmp_path, patch)


def test_file_is_renamed(tmp_path: Path) -> None:
    patch = CHANGE.replace("+++ b/fruit.txt", "+++ b/berries.txt")
    assert list(patched(tmp_path, patch)) == ["berries.txt"]


@pytest.mark.parametrize(
    ("old", "new"), [("1\n2", "1\n3"), ("1\n2", "1\n2\n"), ("1\n2\n", "1\n2"), ("1\n2", "0\n2")]
)
def test_last_line_without_newline_is_kept_so(tmp_path: Path, old: str, new: str) -> None:
    assert patched(tmp_path, diff(old, new), fruit=old) == {"fruit.txt": new}


def test_blank_context_line_may_have_lost_its_blank(tmp_path: Path) -> None:
    patch = "--- a/fruit.txt\n+++ b/fruit.txt\n@@ -1,3 +1,3 @@\n 1\n\n-2\n+3\n"
    assert patched(tmp_path, patch, fruit="1\n\n2\n") == {"fruit.txt": "1\n\n3\n"}


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (
            CHANGE.replace("-banana", "-bananas"),
            "does not fit: .*line 2 is .*banana.*not .*bananas",
        ),
        (CHANGE.replace("-1,4 +1,4", "-1,5 +1,5") + " elderberry\n", "`elderberry.*` is missing"),
        (CHANGE.replace(" apple", " elderberry"), "line 1 is .*apple.*not .*elderberry"),
        (CHANGE.replace(" date\n", ""), "not a line of a hunk"),
        (CHANGE.replace("-1,4 +1,4", "-1,5 +1,5"), "not a line of a hunk"),
        (CHANGE.replace("-1,4 +1,4", "-1,3 +1,4"), "comes after a hunk that is longer"),
        (CHANGE.replace("-1,4 +1,4", "-1,3 +1,3"), "not a line of a unified diff"),
        (CHANGE.replace("@@ -1,4", "@@ -x,4"), "not a hunk's first line"),
        (CHANGE.replace("+++ b/fruit.txt\n", ""), "must begin with"),
        (CHANGE.split("@@", maxsplit=1)[0], "has no hunk"),
        (CHANGE.replace("a/fruit.txt", "../fruit.txt"), "not inside the submission"),
        (CHANGE.replace("a/fruit.txt", "/etc/passwd"), "not inside the submission"),
        (CHANGE.replace("a/fruit.txt", "a/veg.txt"), "There is no `veg.txt`"),
        ("please change the fruit\n", "not a line of a unified diff"),
        ("", "changes nothing"),
        (CHANGE + CHANGE.split("\n", 2)[2], "overlaps the one before"),
        (hunks("@@ -3 +3 @@\n-cherry\n+c\n", "@@ -1 +1 @@\n-apple\n+a\n"), "belongs above it"),
        (hunks("@@ -9,2 +9,1 @@\n-fig\n grape\n"), "none of its old lines is there, such as `fig"),
        (hunks("@@ -2,0 +3,1 @@\n+blueberry\n"), "only adds lines and does not say where"),
        (hunks("@@ -1 +1 @@\n-apple\n+a\n").replace("a/fruit.txt", NOWHERE), "has already"),
        ("--- /dev/null\n+++ fruit.txt/a\n@@ -0,0 +1 @@\n+a\n", "cannot be applied: "),
    ],
)
def test_patch_that_does_not_fit_is_a_content_error(
    tmp_path: Path, patch: str, message: str
) -> None:
    with pytest.raises(ContentError, match=message):
        patched(tmp_path, patch)


def test_error_names_the_line_of_the_patch(tmp_path: Path) -> None:
    with pytest.raises(ContentError) as caught:
        patched(tmp_path, CHANGE.replace("-banana", "?banana"))
    assert caught.value.line == 5


@pytest.mark.parametrize("number", ["-1,4 +1,4", "-2,4 +7,4", "-400,4 +400,4"])
@pytest.mark.parametrize("above", ["", "elderberry\n", "elderberry\nfig\n\n"])
def test_hunk_is_found_by_its_text_and_not_by_its_number(
    tmp_path: Path, number: str, above: str
) -> None:
    patch = CHANGE.replace("-1,4 +1,4", number)
    found = patched(tmp_path, patch, fruit=f"{above}{FRUIT}")
    assert found["fruit.txt"] == f"{above}apple\nblueberry\ncherry\ndate\n"


@pytest.mark.parametrize(
    ("fruit", "message"),
    [
        (FRUIT + FRUIT, "occur 2 times, at lines 1, 5. Give the hunk more lines of context"),
        (FRUIT * 7, "occur 7 times, at lines 1, 5, 9, 13, 17, ..."),
    ],
)
def test_old_text_that_occurs_more_than_once_is_a_content_error(
    tmp_path: Path, fruit: str, message: str
) -> None:
    with pytest.raises(ContentError, match=re.escape(message)):
        patched(tmp_path, CHANGE, fruit=fruit)


def test_old_texts_that_overlap_are_counted_each(tmp_path: Path) -> None:
    patch = hunks("@@ -1,2 +1,2 @@\n a\n-a\n+b\n")
    with pytest.raises(ContentError, match="occur 2 times, at lines 1, 2"):
        patched(tmp_path, patch, fruit="a\na\na\n")


def test_lines_are_added_to_an_empty_file(tmp_path: Path) -> None:
    patch = hunks("@@ -0,0 +1,2 @@\n+apple\n+banana\n")
    assert patched(tmp_path, patch, fruit="") == {"fruit.txt": "apple\nbanana\n"}


def test_bytes_that_are_no_text_are_a_content_error(tmp_path: Path) -> None:
    (tmp_path / "change.patch").write_bytes(CHANGE.encode() + b"\xff")
    with pytest.raises(ContentError, match=r"change\.patch: is not UTF-8"):
        apply_patch(tmp_path / "change.patch", tmp_path)
    (tmp_path / "change.patch").write_text(CHANGE, encoding="utf-8")
    (tmp_path / "fruit.txt").write_bytes(b"\xff")
    with pytest.raises(ContentError, match=r"`fruit\.txt` is not UTF-8"):
        apply_patch(tmp_path / "change.patch", tmp_path)


def diff(old: str, new: str, context: int = 3) -> str:
    """Return what `diff -u` would say."""
    marker = "\n\\ No newline at end of file\n"
    lines = difflib.unified_diff(
        _lines(old), _lines(new), "a/fruit.txt", "b/fruit.txt", n=context, lineterm="\n"
    )
    return "".join(line if line.endswith("\n") else line + marker for line in lines)


def _lines(text: str) -> list[str]:
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "\n", "-\n", "+ x\n", "\u2028\r\n"]), max_size=12)


@settings(max_examples=100, deadline=None)
@given(old=TEXTS, new=TEXTS, bare=st.booleans())
def test_patch_with_the_whole_file_as_context_gives_the_new_text(
    tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str], bare: bool
) -> None:
    before, after = "".join(old) + "end" * bare, "".join(new) + "end"
    if before != after:
        patch = diff(before, after, context=len(old) + 1)
        folder = tmp_path_factory.mktemp("case")
        assert patched(folder, patch, fruit=before) == {"fruit.txt": after}


@settings(max_examples=100, deadline=None)
@given(old=TEXTS, new=TEXTS, above=TEXTS, context=st.integers(0, 3))
def test_patch_gives_the_new_text_wherever_its_old_text_is_or_says_that_it_cannot(
    tmp_path_factory: pytest.TempPathFactory,
    old: list[str],
    new: list[str],
    above: list[str],
    context: int,
) -> None:
    before, after, top = "".join(old), "".join(new), "".join(above)
    if before != after:
        folder = tmp_path_factory.mktemp("case")
        try:
            found = patched(folder, diff(before, after, context), fruit=top + before)
        except ContentError as error:
            assert re.search(r"occur \d+ times|only adds lines", error.message)  # noqa: PT017
        else:
            assert found == {"fruit.txt": top + after}
