"""Ids that no server gave out, and answers without their ids, so that they can be compared.

Must not know what is compared, nor why.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterable

_CHANGED = 8
"""Characters at the end of an id that are made up; a prefix or a UUID's version stay."""
_FEW_DIGITS = 9
_HEX = frozenset("0123456789abcdef")
_TRIES = 10
_PASSING = re.compile(r"[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,}){0,4}|\d+")
"""What may differ from answer to answer: ids of requests, times."""


def similar_id(known: str, seed: int) -> str:
    """Make up an id of the same form as ``known``, the same one for the same seed."""
    source = random.Random(f"{seed}:{known}")  # noqa: S311 - repeatable on purpose
    if known.isdigit() and len(known) <= _FEW_DIGITS:
        return str(int(known) + source.randrange(10**6, 10**7))
    kept, changed = known[:-_CHANGED], known[-_CHANGED:]
    for _ in range(_TRIES):
        fabricated = kept + "".join(_other(character, changed, source) for character in changed)
        if fabricated != known:
            return fabricated
    return f"{known}0"


def _other(character: str, others: str, source: random.Random) -> str:
    """Return a character of the same kind, such as the server uses in its ids."""
    if set(others) <= _HEX:
        return source.choice(string.digits if character.isdigit() else "abcdef")
    for letters in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if character in letters:
            return source.choice([used for used in others if used in letters])
    return character


def bare(text: str, sent: Iterable[str]) -> str:
    """Return what a text says, without the ids that were ``sent`` and what passes."""
    for each in sorted(filter(None, sent), key=len, reverse=True):
        # A short id is a part of much else, so it counts only as a word of its own.
        text = re.sub(rf"(?<![0-9A-Za-z]){re.escape(each)}(?![0-9A-Za-z])", "ID", text)
    return _PASSING.sub("#", text)
