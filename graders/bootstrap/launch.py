"""The way from ``python grade.py`` into the environment, and what is started there.

``grade.py`` runs twice: first in whatever Python the user has, which makes sure that the
environment stands; then in the environment's own Python, isolated (``-I``), so that neither the
current folder nor ``PYTHON*`` variables steer the judge. Must not know how to build.
"""

from __future__ import annotations

import os
import re
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from graders.bootstrap.notices import Notices
from graders.bootstrap.stamp import Stamp, python_of, stands, wanted_stamp
from graders.bootstrap.trouble import SetupError

PLACE_VARIABLE = "CHATKIT_GRADER_VENV"
GRADER_BROKE = 4
INTERRUPTED = 130
MARK = "chatkit-grader-environment"


def launch(root: str, arguments: Sequence[str]) -> int:
    """Run ``grade.py`` with these arguments; return its exit code, if it comes back at all."""
    folder = Path(root)
    venv = environment_folder(folder)
    if in_environment():
        return run_here(folder, list(arguments))
    notices = Notices(sys.stderr)
    try:
        prepare(folder, venv, groups_for(arguments, course_text(folder, arguments)), notices)
    except SetupError as error:
        notices.fail(error.text())
        return GRADER_BROKE
    except KeyboardInterrupt:
        notices.fail("Interrupted while setting up; the next run finishes what is half-made.")
        return INTERRUPTED
    return hand_over(second_run(folder, venv, arguments))


def environment_folder(root: Path) -> Path:
    """Return where the environment is: beside ``grade.py`` unless the user says otherwise."""
    chosen = os.environ.get(PLACE_VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else root / ".venv"


def course_text(root: Path, arguments: Sequence[str]) -> str:
    """Return the text of the ``course.yaml`` that counts here; nothing where none can be read.

    It is not read as YAML yet: what is wrong with it is told once the environment stands.
    """
    file = root / "course.yaml"
    for place, word in enumerate(arguments):
        if word == "--course" and place + 1 < len(arguments):
            file = Path(arguments[place + 1])
        elif word.startswith("--course="):
            file = Path(word.partition("=")[2])
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def groups_for(arguments: Sequence[str], course: str = "") -> tuple[str, ...]:
    """Return the dependency groups that a command line needs, in the order of the alphabet.

    ``course`` is the text of the class's ``course.yaml``.
    """
    if arguments[:1] == ["test"]:
        return ("test",)
    words = {word.partition("=")[0] for word in arguments}
    is_worker = arguments[:1] == ["worker"]
    # A worker is told later what it grades, and must not find then that something is missing.
    everything = is_worker or list(arguments[:2]) == ["lesson", "check"]
    wanted = {
        "cluster": is_worker or "--dask" in words,
        "postgresql": everything or "--database" in words or "postgresql" in course,
        "rag": everything or any("rag" in re.split(r"[/\\=]", word) for word in arguments),
        "similarity": "--similarity" in words,
    }
    return tuple(group for group, is_wanted in wanted.items() if is_wanted)


def prepare(root: Path, venv: Path, groups: tuple[str, ...], notices: Notices) -> None:
    """Make sure that the environment stands; where it does, only a stamp is compared."""
    wanted: Stamp = wanted_stamp(root, groups)
    if not stands(venv, wanted):
        from graders.bootstrap.build import build

        build(root, venv, wanted, notices)


def in_environment() -> bool:
    """Return whether this is the second run, as :func:`second_run` starts it."""
    return MARK in sys._xoptions  # noqa: SLF001 - documented, and the only way to read -X


def second_run(root: Path, venv: Path, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs ``grade.py`` again, isolated, in the environment.

    The mark is an option and not a variable, so that no process started later inherits it.
    """
    python = str(python_of(venv))
    return [python, "-I", "-X", "utf8", "-X", MARK, str(root / "grade.py"), *arguments]


def hand_over(command: Sequence[str]) -> int:
    """Become the command; where a process cannot (Windows), run it and pass its exit code on."""
    sys.stdout.flush()
    sys.stderr.flush()
    if sys.platform != "win32":
        os.execv(command[0], list(command))  # noqa: S606 - no shell is wanted
    return _run_and_wait(command)


def _run_and_wait(command: Sequence[str]) -> int:
    import signal
    import subprocess

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the child's to answer
    return subprocess.call(command)


def run_here(root: Path, arguments: list[str]) -> int:
    """Do what was asked for, now that everything is installed."""
    if arguments[:1] == ["test"]:
        return run_tests(root, arguments[1:])
    sys.argv[1:] = arguments
    runpy.run_module("graders.engine.cli", run_name="__main__", alter_sys=True)
    return 0


def run_tests(root: Path, arguments: list[str]) -> int:
    """Run the project's own tests; the exit code is pytest's, which is 5 where none ran."""
    import pytest

    os.chdir(root)
    return int(pytest.main(arguments))
