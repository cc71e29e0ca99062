"""Which user message a call is about: found by content, never by the order of calls.

Pure functions, so that calls may come at once, twice or in any order. A call belongs to the
*last* known user text in its input, which may also be folded into one message with the whole
history. Must not know scripts or answers.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from graders.engine.model.calls import InputItem, RecordedCall

_SCRIPTS_WITHOUT_SPACES = "\u0e00"
"""Where they begin: Thai, then the East Asian ones, come after the alphabets with spaces."""


class Found(NamedTuple):
    """The last place of a known text in an item."""

    start: int
    end: int
    text: str

    def within(self, other: Found) -> bool:
        """Return whether this place is a part of a longer one.

        A text that is part of another text.
        """
        longer = other.end - other.start > self.end - self.start
        return longer and other.start <= self.start and self.end <= other.end


def last_known_text(
    call: RecordedCall, known: Sequence[str], is_used: Callable[[str], bool]
) -> str | None:
    """Return the known user text that the call is about, or ``None``.

    The user's messages count first; only without any match there the other places that a
    transcript may be folded into. Only whole words count.
    """
    messages = [item for item in call.input if item.kind == "message"]
    users = [item.text for item in messages if item.role == "user"]
    others = [call.instructions, *(i.text for i in messages if i.role in ("system", "developer"))]
    return _last_in(users, known, is_used) or _last_in(others, known, is_used)


def without_known_texts(text: str, known: Iterable[str]) -> str:
    """Return what an application wrote around the user's texts, to search for its own words."""
    bare = folded(text)
    for needle in sorted((n for t in known for n in needles(t)), key=len, reverse=True):
        bare = bare.replace(needle, " ")
    return bare


def last_user_item(call: RecordedCall) -> InputItem | None:
    """Return the newest message of the user in a call, if there is one."""
    users = (item for item in reversed(call.input) if item.role == "user")
    return next(users, None)


def folded(text: str) -> str:
    """Return a text as it is compared: case and the amount of white space do not matter."""
    return " ".join(text.split()).casefold()


@lru_cache(maxsize=1024)
def needles(text: str) -> tuple[str, ...]:
    """Return the forms in which a text may be folded into another: plain, in JSON, in markup."""
    forms = (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    compared = (folded(form) for form in (*forms, html.escape(text)))
    return tuple(dict.fromkeys(form for form in compared if form))


def _last_in(
    places: Sequence[str], known: Sequence[str], is_used: Callable[[str], bool]
) -> str | None:
    for place in reversed(places):
        found = [hit for text in known if (hit := _find(text, folded(place)))]
        apart = [hit for hit in found if not any(hit.within(other) for other in found)]
        if apart:
            return _choose(apart, is_used)
    return None


def _choose(found: list[Found], is_used: Callable[[str], bool]) -> str:
    """Return the last text, or one that still waits for its first call, if there is one.

    Some servers fold the newest message in before the history.
    """
    waiting = [hit for hit in found if not is_used(hit.text)]
    return max(waiting or found, key=lambda hit: (hit.end, -hit.start)).text


def _find(text: str, place: str) -> Found | None:
    hits = (_last_place(needle, place) for needle in needles(text))
    found = [
        (start, needle) for needle, start in zip(needles(text), hits, strict=True) if start >= 0
    ]
    if not found:
        return None
    start, needle = max(found, key=lambda pair: pair[0] + len(pair[1]))
    return Found(start, start + len(needle), text)


def _last_place(needle: str, place: str) -> int:
    start = place.rfind(needle)
    while start >= 0 and not _is_whole(place, start, start + len(needle)):
        start = place.rfind(needle, 0, start + len(needle) - 1)
    return start


def _is_whole(place: str, start: int, end: int) -> bool:
    return not (_joined(place, start) or _joined(place, end))


def _joined(place: str, index: int) -> bool:
    """Return whether a word goes on across this index: not after an escaped line end."""
    inside = 0 < index < len(place) and place[max(index - 2, 0)] != "\\"
    return inside and _is_letter(place[index - 1]) and _is_letter(place[index])


def _is_letter(character: str) -> bool:
    """Return whether a character is part of a word, in a script that puts spaces between words."""
    return character.isalnum() and character < _SCRIPTS_WITHOUT_SPACES
