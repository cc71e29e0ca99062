"""Words that nobody can have foreseen: new in each run, the same again for the same seed.

Must not know what the words are used for. A conversation writes ``{canary.NAME}`` where the word
for ``NAME`` shall stand.
"""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import Iterator

_NOUN_LIST = """
acorn anchor apple barley basket beacon birch bottle bridge button cactus candle canoe carpet
castle cedar cherry cloud copper cotton daisy desert dragon ember falcon feather fiddle forest
garden ginger glacier hammer harbor hazel helmet island ivory jasmine kettle kiwi ladder lantern
lemon marble meadow nutmeg orchid paddle pebble pepper pillow quartz ribbon saddle salmon
spruce teapot thistle tulip velvet walnut willow
"""
_NOUNS = _NOUN_LIST.split()

_NAME = r"[a-z][a-z0-9_-]*"
_PLACEHOLDER = re.compile(r"\{canary\.(" + _NAME + r")\}")
_ATTEMPT = re.compile(r"\{\s*canary\b[^{}]*\}?", re.IGNORECASE)


class Canaries:
    """The canary words of one run.

    ``seed`` is shown in the report, so that a failure can be replayed. A word depends on the seed
    and on its name only, not on the order in which words are asked for.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._words: dict[str, str] = {}

    def word(self, name: str) -> str:
        """Return the word for ``name``, such as ``kiwi-7f3a09``; other names give other words."""
        if name not in self._words:
            fresh = (word for word in _words(self.seed, name) if word not in self._words.values())
            self._words[name] = next(fresh)
        return self._words[name]

    def fill(self, text: str) -> str:
        """Return ``text`` with the word for ``NAME`` in place of each ``{canary.NAME}``."""
        return _PLACEHOLDER.sub(lambda match: self.word(match[1]), text)


def new_seed() -> int:
    """Return an unforeseeable seed, short enough to be typed in again."""
    return secrets.randbelow(10**9)


def misspelt_placeholder(text: str) -> str | None:
    """Return the first thing in ``text`` that looks like a placeholder but is none."""
    attempts = (match[0] for match in _ATTEMPT.finditer(text))
    return next((attempt for attempt in attempts if not _PLACEHOLDER.fullmatch(attempt)), None)


def _words(seed: int, name: str) -> Iterator[str]:
    source = random.Random(f"{seed}:{name}")  # noqa: S311 - repeatable on purpose; the seed is secret
    while True:
        yield f"{source.choice(_NOUNS)}-{source.randrange(16**6):06x}"
