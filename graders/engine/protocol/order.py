"""Walks a stream's events through the order table and says, in words, where they leave it.

Must not know what is graded or how many points an order is worth. What may come where is in
:mod:`graders.engine.protocol.order_table`; here is only the walking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from graders.engine.protocol import order_table as table
from graders.engine.protocol.events import ChatKitEvent

Kind = Literal["create", "follow_up", "resumed"]
"""``create`` answers ``threads.create``, ``follow_up`` answers ``threads.add_user_message``;
``resumed`` is a stream without a user's message of its own: a retry, a custom action, the output
of a client tool."""


@dataclass(frozen=True, slots=True)
class OrderViolation:
    """One event that came where it must not.

    ``index`` counts from 0 in the list that was checked, and equals its length for a stream that
    ended too early; ``event`` is the event's label; ``state`` the row of the table; ``expected``
    what a good server sends at this place; ``text`` one or two sentences for the student.
    """

    index: int
    event: str
    state: str
    expected: tuple[str, ...]
    text: str


def check_order(
    events: Sequence[ChatKitEvent],
    kind: Kind = "create",
    *,
    streamed: bool = True,
    closed_parts: bool = False,
) -> list[OrderViolation]:
    """Every place where the events of one finished stream leave the order table.

    ``streamed`` asks that each assistant message with a text is announced and comes in deltas;
    without it a message may also come whole. (A model's refusal is never streamed by the SDK:
    check such an answer without it.) ``closed_parts`` asks for a ``content_part.done`` for each
    part before its message is done: the SDK sends one over the Responses API and none over Chat
    Completions. Events of types that the SDK does not have are passed over.
    """
    walk = _Walk(kind, streamed=streamed, closed_parts=closed_parts)
    for index, event in enumerate(events):
        # A slash inside a type would let it pass for the label of another event.
        if event.label in table.KNOWN_LABELS and "/" not in event.type:
            walk.take(index, event)
    walk.end(len(events))
    return walk.violations


class _Row:
    """Where one thing (the stream, a message, a part) stands in its table.

    ``state`` is ``None`` once it left the table for good: nothing more is said about it.
    """

    def __init__(self, state: str, name: str = "") -> None:
        self.state: str | None = state
        self.name = name

    def step(self, rows: table.Table, label: str) -> str | None:
        """Go on by ``label``; the state that has no entry for it, or ``None`` if all is well."""
        before = self.state
        if before is None:
            return None
        self.state = rows[before].next.get(label)
        if self.state is not None:
            return None
        self.state = _state_further_on(rows, before, label)
        return before


def _state_further_on(rows: table.Table, state: str, label: str) -> str | None:
    """Where to go on after a violation, so that one mistake is told once and not a hundred times.

    That is where the label leads from a later state, if it leads anywhere from one.
    """
    if label in table.ANY_TIME:
        return state
    names = list(rows)
    later = (rows[name].next.get(label) for name in names[names.index(state) + 1 :])
    return next((name for name in later if name is not None), None)


class _Walk:
    """Where everything in one stream stands, and the violations so far."""

    def __init__(self, kind: Kind, *, streamed: bool, closed_parts: bool) -> None:
        self.violations: list[OrderViolation] = []
        self._streamed = streamed
        self._part_table = table.CLOSED_PART if closed_parts else table.PART
        self._stream = _Row(table.FIRST_STATE[kind])
        self._messages: dict[str, _Row] = {}
        self._parts: dict[str, dict[int | None, _Row]] = {}

    def take(self, index: int, event: ChatKitEvent) -> None:
        """Step the stream, then the message that the event is about, then its parts."""
        before = self._stream.state
        self._step(index, event.label, table.STREAM, self._stream)
        self._stream.state = self._stream.state or before
        if before != "failed" and _is_about_a_message(event) and self._take_message(index, event):
            self._take_parts(index, event)

    def end(self, index: int) -> None:
        """Note that the stream has ended, and check that it may: after an error it always may."""
        has_failed = self._stream.state == "failed"
        self._step(index, table.END, table.STREAM, self._stream)
        for row in () if has_failed else self._messages.values():
            self._step(index, table.END, table.MESSAGE, row)

    def _take_message(self, index: int, event: ChatKitEvent) -> bool:
        """Step the event's message; whether its parts are still worth looking at."""
        name = f"message {_quoted(event.item_id)}"
        row = self._messages.setdefault(event.item_id, _Row("unknown", name))
        must_stream = self._streamed and (event.label != table.MESSAGE_DONE or bool(event.text))
        rows = table.MESSAGE if must_stream else table.WHOLE_MESSAGE
        return self._step(index, event.label, rows, row)

    def _take_parts(self, index: int, event: ChatKitEvent) -> None:
        if event.label == table.MESSAGE_ADDED:
            # The SDK fills a message up when an update of its first part comes, so that part
            # needs no announcement; and a part that the item already has needs none either.
            numbers = range(max(1, len(event.part_texts)))
            self._parts[event.item_id] = {
                number: _Row("open", _part_name(number, event.item_id)) for number in numbers
            }
        parts = self._parts.get(event.item_id)
        if parts is None:
            return  # The message was never announced: that has been said.
        if event.label in table.PART_UPDATES:
            number = event.content_index
            row = parts.setdefault(number, _Row("unknown", _part_name(number, event.item_id)))
            self._step(index, event.label, self._part_table, row)
        elif event.label == table.MESSAGE_DONE and event.text:
            for row in parts.values():
                self._step(index, event.label, self._part_table, row)

    def _step(self, index: int, label: str, rows: table.Table, row: _Row) -> bool:
        """Step one row and report where it has no entry; whether the row stands in its table."""
        missed = row.step(rows, label)
        if missed is None:
            return row.state is not None
        state = rows[missed]
        text = _text(index, label, missed, state, row.name)
        self._report(OrderViolation(index, label, missed, state.usual, text))
        return False

    def _report(self, violation: OrderViolation) -> None:
        if not any(_is_same(violation, told) for told in self.violations):
            self.violations.append(violation)


def _is_about_a_message(event: ChatKitEvent) -> bool:
    is_message = event.item_type == "assistant_message"
    return is_message or event.label in table.PART_UPDATES or event.label == table.REMOVED


def _is_same(one: OrderViolation, other: OrderViolation) -> bool:
    """Return whether a student would learn nothing new from the second."""
    return (one.event, one.state, one.expected) == (other.event, other.state, other.expected)


def _text(index: int, label: str, missed: str, state: table.State, name: str) -> str:
    place = state.place.format(it=name)
    came = "The stream ended" if label == table.END else f"Event {index + 1}, `{label}`, came"
    why = table.WHY.get((missed, label))
    text = f"{came} {place}; expected at this place: {_either(state.usual)}."
    return f"{text} {why}" if why else text


def _either(labels: tuple[str, ...]) -> str:
    return " or ".join(label if " " in label else f"`{label}`" for label in labels)


def _part_name(number: int | None, item_id: str) -> str:
    return f"part {str(number)[:12]} of message {_quoted(item_id)}"


def _quoted(item_id: str) -> str:
    """Return a foreign id, made harmless for any terminal or report."""
    return ascii(item_id[:60])
