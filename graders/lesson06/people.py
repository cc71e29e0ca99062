"""Users who sign in, what they send, and all that they get back.

Must not know what an answer ought to be, but for a first message, without which there is no thread
to look at. Limits on requests are waited out: they are no fault.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import httpx

from graders.engine.harness import (
    Chat,
    RecordedCall,
    Reply,
    Scene,
    ServerTrouble,
    Stream,
    Tokens,
    Turn,
    needed,
    user_input,
    within_limits,
)
from graders.engine.protocol import ChatKitEvent
from graders.lesson06.leaks import json_in, strings_of, tells

_PAUSES = (61.0, 901.0)
"""Seconds after which a server that limits requests is tried again."""

ANSWERED = "good-token"
"""The criterion that judges whether a first message is answered at all."""

Sending = Callable[[Chat], Awaitable[Reply | Stream]]


@dataclass(frozen=True)
class WholeAnswer:
    """All that came back for one request; ``status`` is 0 when the server gave none.

    ``shown`` is everything that the client could read of it, ``mark`` its place in the transcript,
    ``calls`` what the model was asked meanwhile.
    """

    status: int
    # asyncio makes, and drops, the repr of what a scenario returns: long ones cost CPU.
    headers: httpx.Headers = field(repr=False)
    body: str = field(repr=False)
    mark: int | None
    broke: bool = False
    stream: Stream | None = field(default=None, repr=False)
    calls: tuple[RecordedCall, ...] = field(default=(), repr=False)

    @property
    def events(self) -> list[ChatKitEvent]:
        """The events that were streamed."""
        return self.stream.events if self.stream is not None else []

    @property
    def shown(self) -> str:
        """The body and the values of the headers."""
        return "\n".join((self.body, *self.headers.values()))

    @cached_property
    def strings(self) -> frozenset[str]:
        """Every string in the body's JSON, or in its events."""
        if self.events:
            return strings_of(event.raw for event in self.events)
        return strings_of(json_in(self.body))

    @property
    def item_ids(self) -> set[str]:
        """The ids of the items that were streamed."""
        return {event.item_id for event in self.events if event.item_id}

    @property
    def thread_id(self) -> str:
        """The id of the thread that it began; raises a Finding if it began none."""
        if self.stream is None:
            raise ServerTrouble("the server gave no answer to a first message", mark=self.mark)
        return self.stream.thread_id

    @property
    def new_thread_id(self) -> str:
        """The id of the thread that it began, empty if it began none."""
        return self.stream.new_thread_id if self.stream is not None else ""

    @property
    def answered(self) -> bool:
        """Whether it is a stream with an assistant's message and without an error."""
        stream = self.stream
        return self.status == 200 and stream is not None and stream.answered and not stream.error

    @property
    def stream_text(self) -> str:
        """The text of the assistant's messages that was streamed."""
        return self.stream.finished_text if self.stream is not None else ""

    @property
    def kinds(self) -> list[str]:
        """The labels of the events that were streamed."""
        return [event.label for event in self.events]


class Person:
    """One user: ``sub`` is who the token says they are, ``claims`` what else it says.

    ``own`` are the ids that the user got for what is theirs; others may have the same ones, where
    the server counts for each user or thread.
    """

    def __init__(
        self,
        scene: Scene,
        name: str,
        sub: str | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.sub = sub or f"{name.lower()}-{scene.canary.word(f'user {name}')}"
        self.scene = scene
        self.own: set[str] = set()
        self._claims = dict(claims or {})
        self._tokens = tokens_for(scene)
        self._chat = scene.student.chat(name=name)

    @property
    def chat(self) -> Chat:
        """The user's client, with a token that was made just now."""
        claims = {**self._claims, **self._tokens.claims(self.sub)}
        token = self._tokens.sign(claims)
        self._chat.headers["authorization"] = f"Bearer {token}"
        return self._chat

    def keep(
        self, *, headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
    ) -> None:
        """Let more headers, or parameters of the URL, go with each request."""
        self._chat.headers.update(headers or {})
        self._chat.query.update(query or {})

    async def send(self, sending: Sending) -> WholeAnswer:
        """Send a request and read the whole answer."""
        return await send(self.scene, lambda: self.chat, sending)


def tokens_for(scene: Scene) -> Tokens:
    """Return what makes the tokens that the server ought to trust."""
    tokens = Tokens.of(scene.student)
    assert tokens is not None, "lesson.yaml gives the server a secret"
    return tokens


async def send(scene: Scene, chat: Callable[[], Chat], sending: Sending) -> WholeAnswer:
    """Send a request and read the whole answer; ``chat`` is asked anew for each try."""
    answer, calls = await scene.with_calls(
        within_limits(scene.student, lambda: once(chat(), sending), _PAUSES)
    )
    return replace(answer, calls=calls)


async def once(chat: Chat, sending: Sending) -> WholeAnswer:
    """Send a request and read the whole answer, whatever it is."""
    try:
        got = await sending(chat)
    except ServerTrouble as trouble:
        return WholeAnswer(0, httpx.Headers(), "", trouble.mark, broke=True)
    return await read(got)


async def read(got: Reply | Stream) -> WholeAnswer:
    """Read the whole of an answer."""
    if isinstance(got, Reply):
        return WholeAnswer(got.status, got.headers, _text(got.body), got.serial)
    ends = await got.finish_or_leave()
    broke = got.broke is not None or not ends
    return WholeAnswer(got.status, got.headers, _text(got.body), got.last_serial, broke, got)


def _text(body: bytes | bytearray) -> str:
    return bytes(body).decode("utf-8", "replace")


def creates(scene: Scene, key: str) -> Sending:
    """Return the request that begins a thread with message ``key``."""
    params = {"input": user_input(scene.message(key))}
    return lambda chat: chat.stream("threads.create", params)


@dataclass(frozen=True)
class Thread:
    """A thread as its owner knows it: its ids, and the words of its first message and answer."""

    owner: Person
    id: str
    message: str
    answer: str
    message_id: str
    answer_id: str
    turn: Turn
    begun: WholeAnswer

    @property
    def words(self) -> tuple[str, ...]:
        """What nobody else may read, and what must not be lost: what its owner has seen of it."""
        seen = self.begun.shown
        return tuple(word for word in (self.message, self.answer) if word in seen)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the thread and of its first items, as far as they came."""
        return tuple(filter(None, (self.id, self.message_id, self.answer_id)))

    def leaked(self, answer: WholeAnswer, reader: Person, sent: Collection[str] = ()) -> str | None:
        """Return what ``answer`` tells another user of this thread: a word, its owner, an id.

        What ``reader`` has ``sent`` is known to them anyway, and so is any part of it.
        """
        for word in (*self.words, self.owner.sub):
            if tells(answer.shown, word, sent):
                return word
        known = reader.own.union(sent)
        return next((each for each in self.ids if each in answer.strings - known), None)


async def begin(person: Person, key: str) -> Thread:
    """Begin a thread; ``key`` names the words in it. Raises a Finding if there is no thread."""
    scene = person.scene
    turn = scene.script(key)
    answer = await person.send(creates(scene, key))
    return thread_of(person, key, turn, answer)


def thread_of(person: Person, key: str, turn: Turn, answer: WholeAnswer) -> Thread:
    """Read the thread that ``answer`` tells of; raises a Finding if it tells of none."""
    scene, stream = person.scene, answer.stream
    needed(
        bool(answer.new_thread_id),
        f"A first message of {person.name} began no thread (status {answer.status}).",
        by=ANSWERED,
        at=answer.mark,
    )
    person.own |= {answer.thread_id, *answer.item_ids}
    user = stream.user_item if stream else None
    reply = stream.assistant_item if stream else None
    return Thread(
        owner=person,
        id=answer.thread_id,
        message=scene.word(key),
        answer=scene.answer_word(key),
        message_id=user.item_id if user else "",
        answer_id=reply.item_id if reply else "",
        turn=turn,
        begun=answer,
    )
