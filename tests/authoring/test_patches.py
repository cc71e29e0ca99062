"""Unified diffs, applied strictly."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.engine.authoring.patches import apply_patch
from graders.engine.core.errors import ContentError

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
        (CHANGE.replace("-banana", "-bananas"), "does not fit: line 2 is .*banana.*not .*bananas"),
        (CHANGE.replace("-1,4 +1,4", "-2,4 +2,4"), "does not fit: line 2"),
        (CHANGE.replace("-1,4 +1,4", "-4,4 +4,4"), "does not fit: line 4"),
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


def diff(old: str, new: str) -> str:
    """Return what `diff -u` would say."""
    marker = "\n\\ No newline at end of file\n"
    lines = difflib.unified_diff(
        _lines(old), _lines(new), "a/fruit.txt", "b/fruit.txt", lineterm="\n"
    )
    return "".join(line if line.endswith("\n") else line + marker for line in lines)


def _lines(text: str) -> list[str]:
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "\n", "-\n", "+ x\n", "\u2028\r\n"]), max_size=12)


@settings(max_examples=100, deadline=None)
@given(old=TEXTS, new=TEXTS, bare=st.booleans())
def test_patch_made_by_difflib_gives_the_new_text(
    tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str], bare: bool
) -> None:
    before, after = "".join(old) + "end" * bare, "".join(new) + "end"
    if before != after and before:
        folder = tmp_path_factory.mktemp("case")
        assert patched(folder, diff(before, after), fruit=before) == {"fruit.txt": after}
