"""The passages that students index, and what of them is in the result of a search.

They are read from the assignment's own file. Must not know how a passage is found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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


def named(passages: Sequence[CoursePassage]) -> str:
    """Tell passages in a sentence, by their ids."""
    return ", ".join(f"`{passage.id}`" for passage in passages) or "none"


def holds(text: str, part: str) -> bool:
    """Return whether a text that is embedded holds a part: capitals and line ends do not matter."""
    return _plain(part).casefold() in _plain(text).casefold()


def is_embedded(passage: CoursePassage, texts: Sequence[str]) -> bool:
    """Return whether each sentence of a passage is in one of the texts: it may be cut in parts."""
    sentences = re.split(r"(?<=[.!?])\s+", passage.text)
    return all(any(holds(text, sentence) for text in texts) for sentence in sentences)


def _plain(text: str) -> str:
    """Return a text in which a line end counts as a space, also one that is written as in JSON."""
    return re.sub(r"(?:\s|\\n)+", " ", text)
