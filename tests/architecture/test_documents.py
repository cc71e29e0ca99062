"""The documents tell the truth: what they name exists.

A command, option, file, link or module that a document names is looked up; nothing is run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from graders.engine.cli.commands import COMMAND
from tests.architecture.table import packages_of_table

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
DOCUMENTS += ["graders/ARCHITECTURE.md", "graders/AUTHORING.md"]
DOCUMENTS += [f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))]
# The lesson is not there: the test of the page (`tests/authoring/test_authoring_page.py`) makes it.
ABOUT_A_NEW_LESSON = ("graders/AUTHORING.md", "lesson09")
ABOUT_MODULES = ["graders/ARCHITECTURE.md", "docs/decisions.md"]
ENGINE = ROOT / "graders" / "engine"
PACKAGES = packages_of_table((ROOT / "graders/ARCHITECTURE.md").read_text("utf-8"))
# What stands for the reader's own lesson: LESSON, [LESSON...], <lesson>.
PLACEHOLDER = re.compile(r"\[?[A-Z.]+\]?|<\w+>")


def texts(names: list[str]) -> list[tuple[str, str]]:
    """Return the named documents with their texts."""
    return [(name, (ROOT / name).read_text("utf-8")) for name in names]


def named(pattern: str, names: list[str]) -> list[Any]:
    """Return one parameter for each different match of a pattern in some documents."""
    found = {
        (name, match.strip()): None
        for name, text in texts(names)
        for match in re.findall(pattern, text)
    }
    return [pytest.param(*pair, id=f"{pair[0]}: {pair[1]}") for pair in found]


def commands(group: Any, *before: str) -> Iterator[tuple[str, Any]]:
    """Yield every command with the words that it is called by."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *before, name)
        else:
            yield " ".join((*before, name)), command


EXISTING = dict(commands(COMMAND))


def options_of(command: Any) -> set[str]:
    """Return the options of a command."""
    return {"--help", *(option for parameter in command.params for option in parameter.opts)}


@pytest.mark.parametrize(
    ("document", "line"), named(r"(?:python |[`(])grade\.py ([^`\n#:]+)", DOCUMENTS)
)
def test_every_command_of_the_grader_exists(document: str, line: str) -> None:
    words = line.split()
    if words[0] == "test":
        assert not missing_files(words[1:])
        return
    fitting = (name for name in EXISTING if f"{line} ".startswith(f"{name} "))
    name = max(fitting, key=len, default="grade")
    if name == "grade":
        is_lesson = (ROOT / "graders" / words[0] / "lesson.yaml").is_file()
        assert is_lesson or words[0] == "--help" or PLACEHOLDER.fullmatch(words[0]), document
    assert {word for word in words if word.startswith("--")} <= options_of(EXISTING[name])


def missing_files(arguments: list[str]) -> list[str]:
    """Return the arguments of pytest that look like paths and do not exist."""
    return [word for word in arguments if "/" in word and not (ROOT / word).exists()]


@pytest.mark.parametrize(("document", "module"), named(r"python -m ([\w.]+)", DOCUMENTS))
def test_every_module_to_run_exists(document: str, module: str) -> None:
    assert find_spec(module), document


@pytest.mark.parametrize(("document", "script"), named(r"`(\.ci/\w+)[ `]", DOCUMENTS))
def test_every_script_exists_and_may_be_run(document: str, script: str) -> None:
    assert os.access(ROOT / script, os.X_OK), document


@pytest.mark.parametrize(
    ("document", "path"),
    named(
        r"`((?:assignments|docs|fixtures|graders|reference_solutions|tests)/[^`\s]+)`", DOCUMENTS
    ),
)
def test_every_file_exists(document: str, path: str) -> None:
    page, lesson = ABOUT_A_NEW_LESSON
    if document == page:
        path = path.replace(lesson, "lesson01").partition("/lesson01/")[0]
    pattern = re.sub(r"<\w+>", "*", path).replace("lessonNN", "lesson*")
    assert list(ROOT.glob(pattern)), document


@pytest.mark.parametrize(("document", "target"), named(r"\]\(([^)#:]+)\)", DOCUMENTS))
def test_every_link_leads_to_a_file(document: str, target: str) -> None:
    assert (ROOT / document).parent.joinpath(target).resolve().is_file()


@pytest.mark.parametrize(
    ("document", "name"), named(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)`", ABOUT_MODULES)
)
def test_every_module_that_is_named_exists(document: str, name: str) -> None:
    place = ENGINE.joinpath(*name.split("."))
    assert place.is_dir() or place.with_suffix(".py").is_file(), document
