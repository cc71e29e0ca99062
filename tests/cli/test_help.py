"""Help and exit codes: what is documented exists, and what exists is documented."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from graders.engine.cli.commands import COMMAND, NAMES
from graders.engine.cli.exit_codes import MEANINGS, ExitCode, table
from graders.engine.cli.main import main
from graders.engine.core.version import VERSION

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
HEAVY = ("pytest", "fastapi", "chatkit", "agents", "openai", "httpx", "hypothesis", "sqlalchemy")


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)


@pytest.mark.parametrize("code", ExitCode)
def test_exit_codes_are_in_the_readme(code: ExitCode) -> None:
    assert f"| {code.value} | {MEANINGS[code]}" in README


def test_help_shows_exit_codes_and_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == ExitCode.FULL_MARKS
    shown = capsys.readouterr().out
    assert table().splitlines()[0].strip() in shown
    assert all(name in shown for name in NAMES)


OF_LESSONS = ("check", "coverage", "mutant", "new", "quiz", "scenarios")
COMMANDS = [
    (),
    *((name,) for name in NAMES if name != "test"),
    *(("lesson", name) for name in OF_LESSONS),
    *(("chapter-quiz", name) for name in ("new", "answer", "grade")),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_is_whole_and_plain(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "-h"]) == ExitCode.FULL_MARKS
    page = capsys.readouterr().out
    assert main([*words, "--help"]) == ExitCode.FULL_MARKS
    assert capsys.readouterr().out == page
    # `LESSON...` is no text that was cut.
    assert not re.search(r"[a-z0-9]\.\.\.$|<\w+|[{}]|x>=|repeatable|\[\[", page, re.MULTILINE)


def test_help_of_a_lesson_is_that_of_grading(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["2", "-h"]) == ExitCode.FULL_MARKS
    assert "Usage: grade.py grade [OPTIONS] LESSON [FOLDER]" in capsys.readouterr().out


def test_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == ExitCode.FULL_MARKS
    assert capsys.readouterr().out == f"grade.py {VERSION}\n"


def test_no_words_at_all_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.FULL_MARKS
    assert "Usage: grade.py" in capsys.readouterr().out


def test_known_names_are_those_of_the_commands() -> None:
    context = typer.Context(COMMAND)
    assert tuple(COMMAND.list_commands(context)) == NAMES  # type: ignore[attr-defined]


def test_list_imports_nothing_heavy() -> None:
    code = (
        "import sys; from graders.engine.cli.main import main; main(['list']);"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_commands_and_options_in_the_readme_exist() -> None:
    named = set(re.findall(r"^\| `python grade\.py ((?:lesson )?[a-z-]+)\b", README, re.MULTILINE))
    assert named == {*NAMES, *(f"lesson {name}" for name in OF_LESSONS)} - {
        "grade",
        "lesson",
    }
    shown = README.split("## For those")[0]
    options = set(re.findall(r"`(--[a-z0-9-]+)", shown))
    existing = {option for command in _commands(COMMAND) for option in _options(command)}
    assert options <= existing
    assert {"--seed", "--only", "--json", "--verbose"} <= options


def _commands(group: Any) -> Iterator[Any]:
    for command in group.commands.values():
        yield from _commands(command) if hasattr(command, "commands") else (command,)


def _options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}
