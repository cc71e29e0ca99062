"""What the tests of classrooms share: bundles on disk, and programs started as a classroom does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from graders.engine.bundles import kinds
from graders.engine.bundles.files import write_folder
from graders.engine.content.catalogue import Catalogue
from graders.engine.core.places import REPOSITORY

LESSON = Catalogue(REPOSITORY).lesson("lesson01")
SOLUTION = REPOSITORY / "reference_solutions" / "lesson01" / "solution"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what runs a program with nothing in its environment but what is given.

    `python` is this one; the grader's environment is that of these tests.
    """
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "utf-8")
    (tools / "python").chmod(0o755)

    def started(
        *words: str | Path, cwd: Path, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "CHATKIT_GRADER_VENV": sys.prefix,
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            **(variables or {}),
        }
        command = [str(word) for word in words]
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )

    return started


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a student's repository, made from the template, with the stub in it."""
    folder = tmp_path / "repository"
    write_folder(kinds.student(REPOSITORY, [LESSON]), folder)
    return folder


@pytest.fixture
def solved(repository: Path) -> Path:
    """Return a student's repository with a solution in it."""
    shutil.copytree(SOLUTION, repository / "assignments" / "lesson01", dirs_exist_ok=True)
    return repository
