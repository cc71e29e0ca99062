"""A streaming answer as the client sees it, event by event.

Judges nothing by itself; the properties that need something (:attr:`Stream.thread_id`) raise a
:class:`Finding` when it is not there. Must not know a lesson.
"""

from __future__ import annotations

from collections import deque

import httpx

from graders.engine.core.errors import Finding
from graders.engine.core.text import quote
from graders.engine.protocol import ChatKitEvent, SseDecoder, join_deltas, parse_event
from graders.engine.server.link.transport import CHUNKS, ExchangeStream
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import RanAway, ServerDied, ServerTrouble, Stalled

_UNAUTHORIZED = frozenset({401, 403})


class Stream:
    """The events so far, and the ones to come.

    ``events`` are all that :meth:`next` has handed out, ``body`` the raw bytes so far, ``broke``
    says how the stream broke off, if it did, ``left`` why the client left it before its end.
    """

    def __init__(self, response: httpx.Response, trace: Trace, *, request_serial: int) -> None:
        self._response = response
        self._trace = trace
        self._chunks: ExchangeStream = response.extensions[CHUNKS]
        self._decoder = SseDecoder()
        self._decoded: deque[ChatKitEvent] = deque()
        self._serials: list[int] = []
        self._request_serial = request_serial
        self.status = response.status_code
        self.headers = response.headers
        self.events: list[ChatKitEvent] = []
        self.body = bytearray()
        self.ended = False
        self.broke: ServerTrouble | None = None
        self.left: Finding | None = None
        if self.status != 200:
            self._serials.append(self._add("status", _status_told(response)))

    # --- reading -------------------------------------------------------------------------------

    async def next(self) -> ChatKitEvent | None:
        """Wait for the next event; ``None`` at the end, also when the stream broke off.

        Raises :class:`Stalled` (a Finding) when the server will send none as things are; once they
        have changed (a held chunk was released), it may be tried again.
        """
        while not self._decoded and not self.ended:
            await self._read()
        if not self._decoded:
            return None
        event = self._decoded.popleft()
        self.events.append(event)
        self._serials.append(self._add(event.label or "unreadable", told(event)))
        return event

    async def finish(self) -> Stream:
        """Read to the end; return the stream itself."""
        while await self.next() is not None:
            pass
        return self

    async def finish_or_leave(self) -> bool:
        """Read to the end; when the server will never end the stream, leave and return False."""
        try:
            await self.finish()
        except (Stalled, RanAway) as endless:
            await self.leave(endless)
            return False
        return True

    async def leave(self, reason: Finding) -> None:
        """Leave before the end, for a ``reason`` that is kept in ``left``."""
        self.left = reason
        await self.close()

    async def until(self, label: str) -> ChatKitEvent:
        """Read up to the first event whose label starts with ``label``; a Finding if none comes."""
        while (event := await self.next()) is not None:
            if event.label.startswith(label):
                return event
        raise Finding(f"the stream ended without `{label}`", mark=self.last_serial)

    async def close(self) -> None:
        """Leave, as a client does that closes its window."""
        if not self.ended:
            self._trace.add("client", "leaves", "closes the stream")
        self.ended = True
        await self._response.aclose()

    async def _read(self) -> None:
        try:
            chunk = await self._chunks.next()
        except (Stalled, RanAway) as trouble:
            trouble.mark = self._add("silent", trouble.seen)
            raise
        except ServerTrouble as trouble:
            self.broke = trouble
            kind = "ended" if isinstance(trouble, ServerDied) else "broke"
            self._add(kind, f"the stream breaks off: {trouble.seen}")
            chunk = None
        if chunk is None:
            self._end()
            return
        self.body += chunk
        self._decoded.extend(parse_event(event.data) for event in self._decoder.feed(chunk))

    def _end(self) -> None:
        self.ended = True
        self._decoder.flush()
        if self.status != 200 and self.body:
            self._add("body", self.excerpt)
        if self.error is None and self.broke is None and (lacking := _unfinished(self.events)):
            self._add("unfinished", lacking)

    def _add(self, kind: str, text: str) -> int:
        return self._trace.add("server", kind, text, request=self._request_serial)

    # --- what came -----------------------------------------------------------------------------

    def serial(self, index: int) -> int:
        """Return the transcript's serial number of event ``index``."""
        return self._serials[index + (1 if self.status != 200 else 0)]

    @property
    def last_serial(self) -> int:
        """The serial number of the last thing that came, or of the request."""
        return self._serials[-1] if self._serials else self._request_serial

    @property
    def excerpt(self) -> str:
        """The beginning of the body, safe to show; what an answer that is no stream says."""
        return quote(bytes(self.body[:2_000]).decode("utf-8", "replace"), 200)

    @property
    def text(self) -> str:
        """All text deltas of assistant messages so far, joined."""
        return join_deltas(event.delta for event in self.events)

    @property
    def thread_id(self) -> str:
        """The id in ``thread.created``; a :class:`Finding` when there was none."""
        if not self.new_thread_id:
            raise Finding("the stream has no `thread.created` event", mark=self.last_serial)
        return self.new_thread_id

    @property
    def new_thread_id(self) -> str:
        """The id in ``thread.created``, empty when there was none."""
        ids = (event.thread_id for event in self.events if event.type == "thread.created")
        return next(filter(None, ids), "")

    @property
    def any_thread_id(self) -> str:
        """The id in ``thread.created``, else the one that an item names; a Finding without both.

        So what can be asked about a thread is asked, although its creation was not announced.
        """
        named = (event.thread_id for event in self.events)
        return self.new_thread_id or next(filter(None, named), "") or self.thread_id

    @property
    def user_item(self) -> ChatKitEvent | None:
        """The event that brought the stored user message, if it came."""
        return self._done("user_message")

    @property
    def assistant_item(self) -> ChatKitEvent | None:
        """The event that brought the last finished assistant message, if one came."""
        found = [event for event in self.events if _is_done(event, "assistant_message")]
        return found[-1] if found else None

    @property
    def finished_text(self) -> str:
        """The text of the finished assistant messages, joined; of the deltas if none was."""
        finished = [event for event in self.events if _is_done(event, "assistant_message")]
        return "".join(event.text for event in finished) if finished else self.text

    @property
    def answered(self) -> bool:
        """Whether any event was about an assistant's message."""
        return any(
            event.item_type == "assistant_message"
            or event.update_type.startswith("assistant_message")
            for event in self.events
        )

    def mark_of(self, event: ChatKitEvent | None) -> int:
        """Return the serial number of ``event``, or of the last thing that came."""
        for index, known in enumerate(self.events):
            if known is event:
                return self.serial(index)
        return self.last_serial

    @property
    def error(self) -> ChatKitEvent | None:
        """The ``error`` event, if one came."""
        return next((event for event in self.events if event.type == "error"), None)

    @property
    def failure(self) -> ChatKitEvent | None:
        """The ``error`` event that came before an assistant message was finished, if one did.

        An answer that was finished before it is an answer all the same.
        """
        for event in self.events:
            if event.type == "error":
                return event
            if _is_done(event, "assistant_message"):
                return None
        return None

    def _done(self, item_type: str) -> ChatKitEvent | None:
        return next((event for event in self.events if _is_done(event, item_type)), None)


def told(event: ChatKitEvent) -> str:
    """Tell an event in a few words, for a transcript."""
    if event.delta:
        return quote(event.delta, 60)
    if event.text:
        return quote(event.text, 120)
    if event.type == "error":
        return quote(str(event.raw.get("message") or event.raw.get("code") or ""), 120)
    if event.type == "progress_update":
        return quote(str(event.raw.get("text", "")), 120)
    return event.problems[0] if event.problems and not event.type else ""


def _unfinished(events: list[ChatKitEvent]) -> str:
    """Tell of an assistant's message that was announced and did not come under its id."""
    added = [
        event.item_id
        for event in events
        if event.type == "thread.item.added" and event.item_type == "assistant_message"
    ]
    done = [event.item_id for event in events if _is_done(event, "assistant_message")]
    removed = {event.item_id for event in events if event.type == "thread.item.removed"}
    lacking = [each for each in added if each not in {*done, *removed}]
    if not lacking:
        return ""
    named = f"`thread.item.added` announced the message `{quote(lacking[0], 40)}`"
    others = [each for each in done if each not in added]
    if others:
        return f"{named}, and `thread.item.done` came for `{quote(others[0], 40)}` instead"
    return f"{named}, and no `thread.item.done` came for it: it was never finished"


def _status_told(response: httpx.Response) -> str:
    """Tell a status, where to it sends the client, and whether a token was there to be refused."""
    target = response.headers.get("location")
    if target:
        return f"{response.status_code}, to {quote(target, 120)}"
    refused = response.status_code in _UNAUTHORIZED and _is_bare(response)
    return f"{response.status_code}{', without a token in the request' if refused else ''}"


def _is_bare(response: httpx.Response) -> bool:
    """Return whether the request bore nothing that a server could know a user by."""
    try:
        headers = response.request.headers
    except RuntimeError:  # a response that was made by hand
        return False
    return "authorization" not in headers and "cookie" not in headers


def _is_done(event: ChatKitEvent, item_type: str) -> bool:
    return event.type == "thread.item.done" and event.item_type == item_type
