"""How statuses look on a terminal: one mark, one style and one word each.

Pure. Colours only underline what the marks and words say already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.text import Text

from graders.engine.core.results import Status

STYLES: Mapping[Status, str] = {
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.BLOCKED: "dim",
    Status.ERROR: "magenta",
    Status.NOT_RUN: "dim",
    Status.WITHHELD: "dim",
}


@dataclass(frozen=True)
class Glyphs:
    """The characters that a terminal can show."""

    marks: Mapping[Status, str]
    here: str
    dots: str
    rule: str
    overflow: Literal["ellipsis", "crop"]
    """How a line that is too long ends; rich's sign for it is not in ASCII."""

    def mark(self, status: Status) -> Text:
        """Return the mark of a status, in its colour."""
        return Text(self.marks[status], style=STYLES[status])


UNICODE = Glyphs(
    marks={
        Status.PASSED: "✓",
        Status.FAILED: "✗",
        Status.BLOCKED: "–",  # noqa: RUF001 - an en dash is meant
        Status.ERROR: "!",
        Status.NOT_RUN: "·",
        Status.WITHHELD: "?",
    },
    here="▶",
    dots="…",
    rule="─",
    overflow="ellipsis",
)
ASCII = Glyphs(
    marks={
        Status.PASSED: "+",
        Status.FAILED: "x",
        Status.BLOCKED: "-",
        Status.ERROR: "!",
        Status.NOT_RUN: ".",
        Status.WITHHELD: "?",
    },
    here=">",
    dots="...",
    rule="-",
    overflow="crop",
)


def glyphs_for(console: Console) -> Glyphs:
    """Return the characters that this console can write."""
    return UNICODE if console.encoding.lower().startswith("utf") else ASCII
