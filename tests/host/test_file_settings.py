"""Modes, owners and times: files that are there, and files that are not."""

from __future__ import annotations

import pytest

from tests.sandbox.wired import Starter

_MISSING = "nothing/is/here"
SETTINGS = {
    "os.utime({path!r})": "a time",
    "os.utime({path!r}, (1, 1))": "a given time",
    "os.utime({path!r}, ns=(1, 1), follow_symlinks=False)": "a time of a link",
    "os.chmod({path!r}, 0o644)": "a mode",
    "pathlib.Path({path!r}).chmod(0o644)": "a mode by its path",
    "os.chown({path!r}, os.getuid(), os.getgid())": "an owner",
    "os.lchown({path!r}, os.getuid(), os.getgid())": "an owner of a link",
}


@pytest.mark.parametrize("setting", SETTINGS, ids=SETTINGS.values())
def test_setting_of_a_missing_file_fails(students: Starter, setting: str) -> None:
    code = f"""
        import os, pathlib
        try:
            {setting.format(path=_MISSING)}
            answer = "done"
        except FileNotFoundError as error:
            answer = error.filename
    """
    assert students.serve().ask(code) == _MISSING


@pytest.mark.parametrize("setting", SETTINGS, ids=SETTINGS.values())
def test_setting_of_a_file_does_not_fail(students: Starter, setting: str) -> None:
    code = f"""
        import os, pathlib
        open("here", "w").close()
        {setting.format(path="here")}
        answer = "done"
    """
    assert students.serve().ask(code) == "done"


def test_touch_makes_a_file(students: Starter) -> None:
    code = """
        import pathlib
        marker = pathlib.Path("marker")
        marker.touch()
        marker.touch()
        answer = marker.read_text()
    """
    assert students.serve().ask(code) == ""


def test_a_copy_of_a_link_keeps_its_settings_apart(students: Starter) -> None:
    """`shutil` asks which functions can leave a link unfollowed: these still can."""
    code = """
        import os, shutil
        os.symlink("nowhere", "link")
        shutil.copy2("link", "copy", follow_symlinks=False)
        answer = [os.readlink("copy"), os.utime in os.supports_follow_symlinks]
    """
    assert students.serve().ask(code) == ["nowhere", True]


def test_a_descriptor_can_be_given(students: Starter) -> None:
    code = """
        import os
        with open("here", "w") as file:
            os.utime(file.fileno())
        answer = os.utime in os.supports_fd
    """
    assert students.serve().ask(code) is True
