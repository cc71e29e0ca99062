"""The words of docs/words.md: what is retired there is in no message, content or help."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from graders.engine.cli.commands import COMMAND

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")
TEXTS = (
    *("README.md", "CONTRIBUTING.md", "docs/*.md", "assignments/*/README.md"),
    *("assignments/*/*.py", "assignments/*/*.yaml", "assignments/*/conversations/*.yaml"),
    *("graders/*/*.yaml", "fixtures/quiz/*.yaml"),
)
LINES_OF_A_PAGE = 80


def retired() -> list[str]:
    """Return each retired word or phrase."""
    rows = PAGE.partition("## Retired words")[2].splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("| ")][1:]
    return [word.strip() for cell in cells for word in cell.split(",")]


RETIRED = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, retired()))})(?![\w-])", re.IGNORECASE)


def messages(source: str) -> Iterator[tuple[int, str]]:
    """Yield the texts of a program with their lines: no docstrings, and nothing without a space."""
    tree = ast.parse(source)
    quiet = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in quiet:
            continue
        if isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def helps(command: Any, *before: str) -> Iterator[tuple[str, str]]:
    """Yield the page of ``--help`` of each command."""
    # A command keeps the names of its help option from the first page on, so they must be its own.
    own = COMMAND.context_settings
    context = typer.Context(command, info_name=" ".join(before), **own)
    yield " ".join((*before, "--help")), command.get_help(context)
    for name, each in getattr(command, "commands", {}).items():
        yield from helps(each, *before, name)


def all_texts() -> Iterator[tuple[str, str]]:
    """Yield every text that a student or an author reads, with its place."""
    for path in [ROOT / "grade.py", *sorted((ROOT / "graders").rglob("*.py"))]:
        for line, text in messages(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(ROOT)}:{line}", text
    for path in (path for pattern in TEXTS for path in sorted(ROOT.glob(pattern))):
        if path.name != "words.md":
            for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                yield f"{path.relative_to(ROOT)}:{line}", text
    yield from helps(COMMAND, "grade.py")


def refused(text: str) -> list[str]:
    """Return the retired words of a text."""
    return [match[0] for match in RETIRED.finditer(text)]


def test_no_text_has_a_retired_word() -> None:
    found = [f"{place}: {word}" for place, text in all_texts() for word in refused(text)]
    assert found == []


def test_every_kind_of_text_is_looked_at() -> None:
    places = [place for place, _ in all_texts()]
    for start in ("grade.py:", "graders/engine/server", "graders/lesson02/rubric", "assignments/"):
        assert any(place.startswith(start) for place in places)
    assert {"grade.py explain --help", "grade.py lesson check --help"} <= set(places)


@pytest.mark.parametrize("word", retired())
def test_every_retired_word_would_be_seen(word: str) -> None:
    assert refused(f"A text with {word.upper()}, and more.") == [word.upper()]
    assert refused(f"x{word} {word}x") == []


def test_words_fit_on_one_page_and_come_once() -> None:
    assert len(PAGE.splitlines()) <= LINES_OF_A_PAGE
    assert len(retired()) == len(set(retired()))
