"""Where the programs of PostgreSQL are found, and what is said where there are none."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

from graders.engine.core.errors import UsageError
from graders.engine.database import programs
from graders.engine.database.programs import programs_for


def version_of(folder: Path) -> str:
    """Return what the server in a folder calls itself."""
    command = [str(folder / "postgres"), "--version"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_programs_are_used_where_they_are_installed(tmp_path: Path) -> None:
    found = programs_for(tmp_path, others=False)
    assert "PostgreSQL" in version_of(found)
    assert not list(tmp_path.iterdir())


def test_another_user_gets_a_copy_where_it_may_not_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "may_be_passed", lambda _: False)
    found = programs_for(tmp_path, others=True)
    assert found.is_relative_to(tmp_path)
    assert version_of(found) == version_of(programs_for(tmp_path, others=False))


def test_what_is_not_installed_is_told_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="PostgreSQL is not installed") as error:
        programs_for(tmp_path, others=False)
    assert "course.yaml" in error.value.cure
