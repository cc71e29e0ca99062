"""``grade.py completion``: the words that may come next, and the scripts that ask for them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from graders.engine.cli.commands import NAMES
from graders.engine.cli.exit_codes import ExitCode
from graders.engine.cli.shells import Shell
from graders.engine.core.places import REPOSITORY
from tests.cli.course import run

CRITERIA = ["polite", "answers", "remembers"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ([""], ["counting", "greeting", *NAMES]),
        ([], ["counting", "greeting", *NAMES]),
        (["gr"], ["greeting", "grade", "gradebook"]),
        (["--v"], ["--version"]),
        (["greeting", "--s"], ["--show", "--seed"]),
        (["greeting", "--only", ""], CRITERIA),
        (["greeting", "folder", "--show", "r"], ["remembers"]),
        (["grade", ""], ["counting", "greeting"]),
        (["greeting", "--require", "s"], ["strong"]),
        (["greeting", "--audience", "a"], ["after_due_date", "after_published"]),
        (["greeting", "--seed", ""], []),
        (["greeting", ""], []),
        (["explain", "pol"], ["polite"]),
        (["list", ""], ["counting", "greeting"]),
        (["lesson", "m"], ["mutant"]),
        (["lesson", "check", "c"], ["counting"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["no-such-command", "x"], []),
    ],
    ids=" ".join,
)
def test_what_may_come_next(typed: list[str], offered: list[str]) -> None:
    found = (
        run("completion", "bash", "--", *typed) if typed else run("completion", "bash", "--", "")
    )
    assert found.code == ExitCode.FULL_MARKS
    assert found.out.splitlines() == offered


@pytest.mark.parametrize("shell", Shell)
def test_script_defines_a_command_and_its_completion(shell: Shell) -> None:
    script = run("completion", shell, root=REPOSITORY).out
    assert f"{REPOSITORY / 'grade.py'} completion {shell} --" in script
    assert "{{" not in script


def test_script_works_in_bash() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    script = run("completion", "bash", root=REPOSITORY).out
    ask = """
    COMP_WORDS=(grade less); COMP_CWORD=1; _grade; echo "${COMPREPLY[@]}"
    COMP_WORDS=(grade list ""); COMP_CWORD=2; _grade; echo "${#COMPREPLY[@]}"
    complete -p grade
    """
    done = subprocess.run(
        [bash, "--norc", "-c", script + ask], capture_output=True, text=True, check=True
    )
    found = done.stdout.splitlines()
    lessons = [path.parent.name for path in sorted(REPOSITORY.glob("graders/*/lesson.yaml"))]
    begun = [each for each in [*lessons, "lesson"] if each.startswith("less")]
    assert found == [
        " ".join(begun), str(len(lessons)), "complete -o default -F _grade grade"
    ]  # fmt: skip
