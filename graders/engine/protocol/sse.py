"""Server-sent events: bytes in, events out, by the WHATWG text and nothing else.

The rules are those of "Interpreting an event stream" in the HTML standard
(https://html.spec.whatwg.org/multipage/server-sent-events.html). Lines end with CR, LF or CRLF
and with nothing else, so U+2028, NEL, FF and VT are ordinary characters. Lines are found in the
bytes, before decoding: CR and LF never occur inside a longer UTF-8 sequence, and a broken
sequence never swallows one, so decoding line by line gives what decoding the whole would.

Must not know what the data means, where the bytes come from, or that ChatKit exists.
"""

from __future__ import annotations

from dataclasses import dataclass

_BOM = b"\xef\xbb\xbf"
_MOST_RETRY_DIGITS = 18
"""More digits than this (30 million years) are not a time: such a ``retry`` is ignored."""


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One dispatched event.

    ``event`` is ``message`` unless the block named another type; ``id`` is the last event id
    seen so far in the stream, which lives on from block to block; ``retry`` is the reconnection
    time in milliseconds if this block set one.
    """

    event: str
    data: str
    id: str = ""
    retry: int | None = None


class SseDecoder:
    """Turns the bytes of one stream into events, as early as they are complete.

    The events depend on the bytes only, never on how they were cut into pieces. The work is
    linear in the number of bytes, however small the pieces and however long a line.
    """

    def __init__(self) -> None:
        # The raw bytes of the block under way; a blank line empties it. One growing buffer, so
        # that a long line in many pieces is never copied again and again.
        self._block = bytearray()
        self._line_start = 0
        self._at_stream_start = True
        self._after_cr = False
        self._data: list[str] = []
        self._event = ""
        self._id = ""
        self._block_retry: int | None = None
        self._has_fields = False

    def feed(self, data: bytes) -> list[SseEvent]:
        """Take the next bytes of the stream; return the events that they complete."""
        if not data:
            return []
        rest = self._without_second_half_of_crlf(data)
        self._after_cr = data.endswith(b"\r")
        events: list[SseEvent] = []
        for line in rest.splitlines(keepends=True):
            self._block += line
            if line.endswith((b"\r", b"\n")) and (event := self._end_line()) is not None:
                events.append(event)
        return events

    def flush(self) -> list[SseEvent]:
        """End the stream: nothing more is dispatched, since an unfinished block is dropped.

        What was dropped stays visible in :attr:`leftover` and :attr:`unfinished`.
        """
        return []

    @property
    def leftover(self) -> bytes:
        """The bytes that came after the last blank line, exactly as they came."""
        return bytes(self._block)

    @property
    def unfinished(self) -> bool:
        """Whether the leftover holds a piece of an event, not only comments."""
        last_line = self._block[self._line_start :]
        return self._has_fields or not (last_line == b"" or last_line.startswith(b":"))

    def _without_second_half_of_crlf(self, data: bytes) -> bytes:
        if not (self._after_cr and data.startswith(b"\n")):
            return data
        if self._block:
            self._block += b"\n"
            self._line_start = len(self._block)
        return data[1:]

    def _end_line(self) -> SseEvent | None:
        raw = bytes(self._block[self._line_start :]).rstrip(b"\r\n")
        self._line_start = len(self._block)
        if self._at_stream_start:
            self._at_stream_start = False
            raw = raw.removeprefix(_BOM)
        if not raw:
            return self._end_block()
        self._take_line(raw.decode("utf-8", "replace"))
        return None

    def _take_line(self, line: str) -> None:
        name, _, value = line.partition(":")
        if not name:
            return  # A comment.
        self._has_fields = True
        self._take_field(name, value.removeprefix(" "))

    def _take_field(self, name: str, value: str) -> None:
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self._take_retry(value.lstrip("0") or "0")

    def _take_retry(self, digits: str) -> None:
        if len(digits) <= _MOST_RETRY_DIGITS:
            self._block_retry = int(digits)

    def _end_block(self) -> SseEvent | None:
        event = None
        # A block that has a data field, even an empty one, is an event; any other is not.
        if self._data:
            data = "\n".join(self._data)
            event = SseEvent(self._event or "message", data, self._id, self._block_retry)
        self._block.clear()
        self._line_start = 0
        self._data = []
        self._event = ""
        self._block_retry = None
        self._has_fields = False
        return event
