"""What is said to be there is what the lock holds."""

from __future__ import annotations

import importlib.metadata
import runpy
import tomllib
from pathlib import Path

import pytest

from graders.engine.content import locked_packages
from graders.engine.content.locked_packages import (
    GRADERS_OWN,
    LockedPackage,
    normal,
    packages_of,
    page,
    pins,
)
from graders.engine.core.places import REPOSITORY

PAGE = REPOSITORY / "docs" / "environment.md"


def test_page_is_made_from_the_lock(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(locked_packages.__file__, run_name="__main__")
    assert capsys.readouterr().out == PAGE.read_text(encoding="utf-8")


def test_versions_are_those_that_are_locked_and_installed() -> None:
    lock = tomllib.loads((REPOSITORY / "uv.lock").read_text(encoding="utf-8"))
    locked = {(each["name"], each.get("version")) for each in lock["package"]}
    found = packages_of(REPOSITORY)
    here = [each for each in (*found.promised, *found.others) if each.is_for_here]
    assert {(each.name, each.version) for each in here} <= locked
    assert {each.name: importlib.metadata.version(each.name) for each in here} == {
        each.name: each.version for each in here
    }


def test_all_that_the_project_asks_for_is_promised_or_its_own() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = {each.name for each in packages_of(REPOSITORY).promised}
    asked = {
        normal(each.split("[")[0].split("=")[0].split("<")[0]) for each in project["dependencies"]
    }
    assert promised | GRADERS_OWN == asked
    assert not promised & GRADERS_OWN


def test_pins_are_read_with_their_systems() -> None:
    text = (
        "# a comment==1\nFlask_Login[all]==1.0 \\\n    --hash=sha256:00\n"
        "colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n    # via x==2\n"
    )
    assert list(pins(text)) == [
        LockedPackage("flask-login", "1.0"),
        LockedPackage("colorama", "0.4.6", "sys_platform == 'win32'"),
    ]


def test_what_a_class_adds_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "graders").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["a", "rich"]\n')
    (tmp_path / "graders" / "requirements.txt").write_text("a==1\nb==2\nrich==3\n")
    (tmp_path / "course.lock").write_text("c==4\n")
    found = packages_of(tmp_path)
    names = [[each.name for each in group] for group in found]
    assert names == [["a"], ["b", "rich"], ["c"]]
    (tmp_path / "course.lock").unlink()
    assert packages_of(tmp_path).of_course == ()
    assert "`rich` 3." in page(found)
