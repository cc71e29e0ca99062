"""What a request to the model holds, and where: words of the conversation, in order, by role.

A history may come in any form: an item for each message, a transcript folded into one message, or
remembered by the model's provider. So words are looked for in all of it, in the order in which the
model reads it. Must not know what ought to be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from graders.engine.harness import RecordedCall

_MOST_SHOWN = 7
_MOST_CHARACTERS = 60


def all_text(call: RecordedCall) -> str:
    """Return everything that the model reads, in order: instructions, then the input."""
    return "\n".join((call.instructions, *(item.text for item in call.input)))


def times(call: RecordedCall, word: str) -> int:
    """Count how often a word is in a request."""
    return all_text(call).count(word)


def missing(call: RecordedCall, words: Iterable[str]) -> list[str]:
    """Return the words that are not in a request."""
    text = all_text(call)
    return [word for word in words if word not in text]


def present(call: RecordedCall, words: Iterable[str]) -> list[str]:
    """Return the words that are in a request."""
    text = all_text(call)
    return [word for word in words if word in text]


def outline(call: RecordedCall) -> str:
    """Tell a request's input in a sentence: the role and the text of each item, oldest first."""
    if len(call.input) == 1:
        # A folded conversation: its end is where the newest message ought to be.
        return f"Its input was one item, which ends [{_end(call.input[0].text)}]."
    items = [f"{item.role or item.kind}: {_short(item.text)}" for item in call.input]
    shown = [*items[:3], "...", *items[-3:]] if len(items) > _MOST_SHOWN else items
    return f"Its input was [{' | '.join(shown)}]."


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]}..."


def _end(text: str) -> str:
    return " ".join(text.split())[-4 * _MOST_CHARACTERS :]


def size(call: RecordedCall) -> int:
    """Return the number of characters that the model reads."""
    return len(all_text(call))


def has_role(call: RecordedCall, text: str, word: str, role: str, others: Iterable[str]) -> bool:
    """Return whether it can be told that ``role`` said ``text``, which contains ``word``.

    By the role of its item; or, where one item holds words of ``others`` too or says more than the
    bare text, by order and labels, which are not judged here.
    """
    other_words = [other for other in others if other != word]
    if word in call.instructions:
        return True
    places_containing = [item for item in call.input if word in item.text]
    return any(
        item.role == role
        or any(other in item.text for other in other_words)
        or _says_more(item.text, text)
        for item in places_containing
    )


def _says_more(text: str, bare: str) -> bool:
    """Return whether there are words around a message, such as a label that says whose it is."""
    return bare in text and re.search(r"[^\W\d_]", text.replace(bare, "")) is not None
