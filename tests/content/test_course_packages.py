"""A class's packages in `course.yaml` and in `course.lock`, and whether the two agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.bootstrap.agreement import mistake_in_course_lock
from graders.engine.content.course import checked_packages, find_course, load_course
from graders.engine.content.course_packages import (
    HashedPin,
    lock_text,
    require_locked,
    with_packages,
)
from graders.engine.content.locked_packages import LockedPackage, pins
from graders.engine.core.errors import ContentError, UsageError

PATH = Path("course.yaml")
HASH = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "packages:\n  - pandas\n"),
        ("name: A\n", "name: A\n\npackages:\n  - pandas\n"),
        ("name: A\n\n# the end\n", "name: A\n\n# the end\n\npackages:\n  - pandas\n"),
        (
            "packages:\n    - a  # why\n    # more\nname: A  # x\n",
            "packages:\n    - a  # why\n    - pandas\n    # more\nname: A  # x\n",
        ),
        ("packages:\n- a\n- b\n", "packages:\n- a\n- b\n- pandas\n"),
        ("packages: [a, 'b<1']  # why\n", "packages: [a, 'b<1', pandas]  # why\n"),
        ("packages: []\nname: A\n", "packages: [pandas]\nname: A\n"),
        ("packages: [pandas]\n", "packages: [pandas]\n"),
    ],
    ids=["none", "no-key", "comment", "block", "flush", "flow", "empty", "there"],
)
def test_package_is_added_and_the_rest_stays(before: str, after: str) -> None:
    assert with_packages(before, ["pandas"], PATH) == after


def test_version_is_written_in_quotes(tmp_path: Path) -> None:
    text = with_packages("name: A\n", ["pandas<3", "uvicorn[standard]", "pandas<3"], PATH)
    file = tmp_path / "course.yaml"
    file.write_text(text, encoding="utf-8")
    assert load_course(file).told.packages == ("pandas<3", "uvicorn[standard]")


@pytest.mark.parametrize(
    "text",
    ["{name: A}\n", "packages: [a,\n  b]\n", 'packages: ["u[standard]"]\n', "name: A\n...\n"],
)
def test_form_that_is_not_understood_is_left_alone_with_a_cure(text: str) -> None:
    with pytest.raises(UsageError, match="has a form that is not changed here") as refused:
        with_packages(text, ["pandas"], PATH)
    assert "Add pandas to `packages` yourself" in refused.value.cure


def test_course_that_is_wrong_is_told_first() -> None:
    with pytest.raises(ContentError, match="`trem` is not a known key"):
        with_packages("trem: A\n", ["pandas"], PATH)


def test_packages_of_the_command_line_are_checked() -> None:
    checked_packages(["pandas", "pandas[excel]>=2,<3"])
    with pytest.raises(UsageError, match="`--index-url` is not a package"):
        checked_packages(["pandas", "--index-url"])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "uv.lock").write_text("version = 1\n", encoding="utf-8")
    return tmp_path


def write(root: Path, packages: str, locked: tuple[str, ...]) -> None:
    (root / "course.yaml").write_text(f"name: A\n{packages}", encoding="utf-8")
    pin = HashedPin("pandas", "2.0", "", (HASH,))
    text = lock_text(locked, [pin], root, "every system")
    (root / "course.lock").write_text(text, encoding="utf-8")


def test_lock_is_read_by_who_installs_from_it(root: Path) -> None:
    found = [
        HashedPin("pandas", "2.0", "", (HASH, "sha256:" + "1" * 64)),
        HashedPin("numpy", "1.0", "sys_platform == 'win32'", (HASH,)),
    ]
    text = lock_text(["pandas<3"], found, root, "every system")
    assert (
        mistake_in_course_lock(
            text, {"package": [{"name": "x", "version": "0", "source": {"virtual": "."}}]}
        )
        == ""
    )
    windows = LockedPackage("numpy", "1.0", "sys_platform == 'win32'")
    assert list(pins(text)) == [windows, LockedPackage("pandas", "2.0")]
    assert "# packages: pandas<3\n" in text


def test_lock_of_the_packages_of_the_class_is_right(root: Path) -> None:
    require_locked(find_course(root), root)
    write(root, 'packages: [pandas, "b>1,<2"]\n', ("pandas", "b>1,<2"))
    require_locked(find_course(root), root)


@pytest.mark.parametrize(
    ("packages", "locked", "message"),
    [
        ("packages: [pandas]\n", None, "is missing, and course.yaml adds pandas"),
        ("packages: [scipy]\n", ("pandas",), "(pandas) than course.yaml has (scipy)"),
        ("", ("pandas",), "(pandas) than course.yaml has (none)"),
    ],
)
def test_lock_of_other_packages_is_told_with_the_cure(
    packages: str, locked: tuple[str, ...] | None, message: str, root: Path
) -> None:
    write(root, packages, locked or ())
    if locked is None:
        (root / "course.lock").unlink()
    with pytest.raises(ContentError) as refused:
        require_locked(find_course(root), root)
    assert message in str(refused.value)
    assert "python grade.py env lock" in refused.value.cure


def test_lock_from_beside_another_grader_is_told(root: Path) -> None:
    write(root, "packages: [pandas]\n", ("pandas",))
    (root / "uv.lock").write_text("version = 2\n", encoding="utf-8")
    with pytest.raises(ContentError, match="made beside another grader"):
        require_locked(find_course(root), root)


def test_lock_that_says_nothing_of_itself_is_of_no_packages(root: Path) -> None:
    write(root, "packages: [pandas]\n", ("pandas",))
    (root / "course.lock").write_text("# a comment\npandas==2.0\n", encoding="utf-8")
    with pytest.raises(ContentError, match=r"other packages \(none\)"):
        require_locked(find_course(root), root)
