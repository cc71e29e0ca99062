"""``python grade.py`` as a whole, in a copy of its own, with a uv that only pretends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRETENDS = """#!/bin/sh
[ "$1" = --version ] && exit 0
mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"
touch "$UV_PROJECT_ENVIRONMENT/pyvenv.cfg"
printf '#!/bin/sh\\necho "entered: $*"\\nexit 3\\n' > "$UV_PROJECT_ENVIRONMENT/bin/python"
chmod +x "$UV_PROJECT_ENVIRONMENT/bin/python"
echo 'Installed 2 packages in 1ms'
"""
FAILS = """#!/bin/sh
[ "$1" = --version ] && exit 0
echo 'error: Failed to fetch: dns error'; exit 2
"""
HANGS = """#!/bin/sh
[ "$1" = --version ] && exit 0
echo 'Downloading openai (1.2MiB)'; exec sleep 600
"""


@pytest.fixture
def copy(project: Path) -> Path:
    """Return a project with the real entry, where nobody has run anything yet."""
    shutil.copy(ROOT / "grade.py", project)
    shutil.copy(ROOT / "graders" / "__init__.py", project / "graders")
    shutil.copytree(ROOT / "graders" / "bootstrap", project / "graders" / "bootstrap")
    return project


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let started programs be interrupted, also where these tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def start(copy: Path, uv: str, *arguments: str) -> subprocess.Popen[str]:
    """Start ``grade.py`` with this script as the only uv on PATH."""
    tools = copy.parent / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "uv").write_text(uv)
    (tools / "uv").chmod(0o755)
    variables = {**os.environ, "PATH": f"{tools}:/usr/bin:/bin"}
    variables.pop("CHATKIT_GRADER_VENV", None)
    return subprocess.Popen(
        [sys.executable, "-S", str(copy / "grade.py"), *arguments],
        cwd=copy.parent,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def grade(copy: Path, uv: str, *arguments: str) -> tuple[int, str, str]:
    """Run ``grade.py`` to its end; return exit code, standard output, standard error."""
    process = start(copy, uv, *arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_first_run_sets_up_and_goes_on_with_the_arguments_and_the_exit_code(copy: Path) -> None:
    code, out, err = grade(copy, PRETENDS, "lesson02", "--seed", "7")
    assert code == 3
    assert out.startswith("entered: -I ")
    assert out.endswith(f"{copy / 'grade.py'} lesson02 --seed 7\n")
    assert "first run: installing the locked packages into .venv with uv" in err


def test_later_run_goes_on_at_once_even_without_uv_and_network(copy: Path) -> None:
    grade(copy, PRETENDS, "lesson02")
    code, out, err = grade(copy, FAILS, "lesson02")
    assert code == 3
    assert "entered" in out
    assert err == ""


def test_no_network_ends_with_4_and_the_cure_and_the_next_run_mends_it(copy: Path) -> None:
    code, out, err = grade(copy, FAILS, "lesson02")
    assert (code, out) == (4, "")
    assert "The package index could not be reached" in err
    assert "Traceback" not in err
    assert grade(copy, PRETENDS, "lesson02")[0] == 3


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_while_setting_up_ends_with_130_and_the_next_run_mends_it(copy: Path) -> None:
    process = start(copy, HANGS, "lesson02")
    assert process.stderr is not None
    while "downloading" not in process.stderr.readline():
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted while setting up; the next run finishes what is half-made." in err
    assert grade(copy, PRETENDS, "lesson02")[0] == 3


def test_file_beside_the_entry_named_like_a_library_is_not_imported(copy: Path) -> None:
    for name in ("json", "hashlib", "pathlib", "subprocess"):
        (copy / f"{name}.py").write_text("raise SystemExit('imported')")
        (copy.parent / f"{name}.py").write_text("raise SystemExit('imported')")
    assert grade(copy, PRETENDS, "lesson02")[0] == 3
