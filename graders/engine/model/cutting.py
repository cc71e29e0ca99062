"""Cuts the bytes of a stream where networks do: anywhere, also inside a character or a line.

Must not know what the bytes say.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_LINE_FEED = 0x0A


@dataclass(frozen=True)
class Cuts:
    """Where streams are cut: the same places again for the same seed."""

    seed: int

    def parts(self, data: bytes, number: int) -> Iterator[bytes]:
        """Yield the bytes of piece ``number`` of a stream in parts.

        A cut goes through a character that has several bytes, if there is one, and one through a
        line of every second piece.
        """
        source = random.Random(f"{self.seed}:{number}")  # noqa: S311 - repeatable on purpose
        places = _some(source, [i for i in range(1, len(data)) if data[i] & 0xC0 == 0x80])
        if number % 2 == self.seed % 2:
            whole_lines = pairwise(data)
            places += _some(
                source, [i for i, pair in enumerate(whole_lines, 1) if _LINE_FEED not in pair]
            )
        start = 0
        for place in sorted(set(places)):
            yield data[start:place]
            start = place
        yield data[start:]


def _some(source: random.Random, places: list[int]) -> list[int]:
    return [source.choice(places)] if places else []
