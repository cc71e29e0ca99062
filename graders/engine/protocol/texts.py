"""Whether the pieces of an assistant message add up to what the server says they are.

Must not know what the model said: it compares a stream only with itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graders.engine.protocol import order_table as table
from graders.engine.protocol.events import ChatKitEvent

_EXCERPT = 30


@dataclass(frozen=True, slots=True)
class TextMismatch:
    """A finished text that is not what was streamed before.

    ``index`` is the place of the event that finished it, counted from 0; ``part`` the content
    part; ``streamed`` what the deltas add up to; ``final`` what the event says; ``text`` a
    sentence for the student.
    """

    index: int
    event: str
    item_id: str
    part: int
    streamed: str
    final: str
    text: str


def join_deltas(deltas: Iterable[str]) -> str:
    """Put pieces of text together as a browser does.

    JSON may carry half a surrogate pair in one piece and half in the next; a browser's strings
    join the halves to one character, Python's do not.
    """
    text = "".join(deltas)
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def check_texts(events: Sequence[ChatKitEvent]) -> list[TextMismatch]:
    """Every part whose deltas do not make the text of its ``content_part.done`` or final item.

    Parts without a single delta are not compared: a refusal or a message sent whole has none.
    Order is not judged here.
    """
    found: list[TextMismatch] = []
    messages: dict[str, _Pieces] = {}
    for index, event in enumerate(events):
        pieces = messages.setdefault(event.item_id, _Pieces())
        for part, final in _finished(event, pieces):
            streamed = pieces.text(part)
            if streamed != final:
                found.append(_mismatch(index, event, part, streamed, final))
                pieces.begin(part, final)  # The same difference is not told twice.
        _collect(event, pieces)
    return found


class _Pieces:
    """The pieces of one message so far, by part."""

    def __init__(self) -> None:
        self.by_part: dict[int, list[str]] = {}
        self.streamed_parts: set[int] = set()

    def reset(self, texts: tuple[str, ...]) -> None:
        """Begin the message anew with the texts that its parts already have."""
        self.by_part = {part: [text] for part, text in enumerate(texts)}
        self.streamed_parts.clear()

    def begin(self, part: int, text: str) -> None:
        """Let a part begin anew with a text."""
        self.by_part[part] = [text]

    def add(self, part: int, delta: str) -> None:
        """Append a delta to a part."""
        self.by_part.setdefault(part, []).append(delta)
        self.streamed_parts.add(part)

    def text(self, part: int) -> str:
        """Return what the pieces of a part add up to."""
        return join_deltas(self.by_part.get(part, []))


def _collect(event: ChatKitEvent, pieces: _Pieces) -> None:
    part = event.content_index
    if event.label == table.MESSAGE_ADDED:
        pieces.reset(event.part_texts)
    elif part is not None and event.label == table.PART_ADDED:
        pieces.begin(part, event.part_text)
    elif part is not None and event.label == table.TEXT_DELTA:
        pieces.add(part, event.delta)


def _finished(event: ChatKitEvent, pieces: _Pieces) -> list[tuple[int, str]]:
    """Return the streamed parts that this event finishes, with the text that it gives them."""
    part = event.content_index
    if event.label == table.PART_DONE and part in pieces.streamed_parts and part is not None:
        return [(part, event.part_text)]
    if event.label != table.MESSAGE_DONE:
        return []
    finals = dict(enumerate(event.part_texts))
    return [(number, finals.get(number, "")) for number in sorted(pieces.streamed_parts)]


def _mismatch(
    index: int, event: ChatKitEvent, part: int, streamed: str, final: str
) -> TextMismatch:
    where = _first_difference(streamed, final)
    text = (
        f"Event {index + 1}, `{event.label}`, says another text for part {str(part)[:12]} of "
        f"message {event.item_id[:60]!a} than its deltas made: from character {where + 1} on "
        f"the deltas have {_excerpt(streamed, where)}, the event has {_excerpt(final, where)}."
    )
    return TextMismatch(index, event.label, event.item_id, part, streamed, final, text)


def _first_difference(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _excerpt(text: str, start: int) -> str:
    piece = text[start : start + _EXCERPT]
    return f"{piece!r}" + ("..." if len(text) > start + _EXCERPT else "") if piece else "no more"
