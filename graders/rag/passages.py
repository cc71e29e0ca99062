"""The passages that students index, and what of them is in the result of a search.

They are read from the assignment's own file. Must not know how a passage is found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WORDS_IN_A_ROW = 5
"""So many words of a passage, in its order, show that a text is of it."""
CONTENT_FILE = Path(__file__).parents[2] / "assignments" / "rag" / "content.json"


@dataclass(frozen=True)
class CoursePassage:
    """One passage of the course's content."""

    id: str
    chapter: str
    lesson: str
    title: str
    text: str


@dataclass(frozen=True)
class OpenPage:
    """The page that a user is on."""

    chapter: str
    lesson: str

    def __str__(self) -> str:
        return f"{self.chapter}/{self.lesson}"


def load_passages(path: Path = CONTENT_FILE) -> tuple[CoursePassage, ...]:
    """Return the passages of the assignment, in its order."""
    return tuple(CoursePassage(**each) for each in json.loads(path.read_text(encoding="utf-8")))


PASSAGES = load_passages()
BY_ID = {passage.id: passage for passage in PASSAGES}


def times_in(result: str, passage: CoursePassage) -> int:
    """Count how often the text of a passage is in a result, however its lines are broken."""
    return _plain(result).count(_plain(passage.text))


def found_in(result: str) -> list[CoursePassage]:
    """Return the passages whose texts are in a result, in the order in which they come."""
    plain = _plain(result)
    places = {passage.id: plain.find(_plain(passage.text)) for passage in PASSAGES}
    found = [passage for passage in PASSAGES if places[passage.id] >= 0]
    return sorted(found, key=lambda passage: places[passage.id])


def cut_in(result: str) -> list[CoursePassage]:
    """Return the passages of whose texts only the beginning is in a result.

    Some begin alike: as long as one of those is there as a whole, the beginning is taken for its.
    """
    plain = _plain(result)
    whole = " ".join(_plain(passage.text) for passage in found_in(result))
    beginnings = {passage: " ".join(passage.text.split()[:WORDS_IN_A_ROW]) for passage in PASSAGES}
    return [each for each, begins in beginnings.items() if begins in plain and begins not in whole]


def named(passages: Sequence[CoursePassage]) -> str:
    """Tell passages in a sentence, by their ids."""
    return ", ".join(f"`{passage.id}`" for passage in passages) or "none"


def holds(text: str, part: str) -> bool:
    """Return whether a text that is embedded holds a part: capitals and line ends do not matter."""
    return _plain(part).casefold() in _plain(text).casefold()


def is_embedded(passage: CoursePassage, texts: Sequence[str]) -> bool:
    """Return whether the words of a passage are in the texts: it may be cut in parts anywhere.

    The last part may be too short to be known for one.
    """
    known = {row for text in texts for row in _rows(text)}
    rows = _rows(passage.text)
    covered = {start + n for start, row in enumerate(rows) if row in known
               for n in range(WORDS_IN_A_ROW)}  # fmt: skip
    return len(covered) >= len(rows)


def is_of_passage(text: str) -> bool:
    """Return whether a text that is embedded holds a part of a passage."""
    return not _ROWS_OF_PASSAGES.isdisjoint(_rows(text))


def _rows(text: str) -> list[tuple[str, ...]]:
    """Return all words of a text that stand in a row, some at a time."""
    words = re.findall(r"\w+", text.casefold())
    return [tuple(words[start:][:WORDS_IN_A_ROW])
            for start in range(len(words) - WORDS_IN_A_ROW + 1)]  # fmt: skip


_ROWS_OF_PASSAGES = frozenset(row for passage in PASSAGES for row in _rows(passage.text))


def _plain(text: str) -> str:
    """Return a text in which a line end counts as a space, also one that is written as in JSON."""
    return re.sub(r"(?:\s|\\n)+", " ", text)
