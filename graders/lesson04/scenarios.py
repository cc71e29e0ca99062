"""The scenarios of lesson04, each played once on a pristine server; checks judge the record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graders.engine.harness import (
    Finding,
    Outcome,
    RecordedCall,
    Reply,
    Step,
    Stream,
    Talk,
    Turn,
    attempt,
    call_tool,
    context_too_long,
    say,
)
from graders.engine.harness.rate_limits import after_a_pause
from graders.lesson04.requests import Said

TURNS = ("first", "second", "third", "fourth")
MESSAGES = 60
TOOL = "save_preference"
SAVING = 2
"""The message of the long conversation at which a preference is saved."""
PAGE = 100
MOST_TRIES = 60
"""More tries than any window has items: a server that sends more never stops."""


@dataclass(frozen=True)
class Asked:
    """One message, what was streamed for it, and the model calls that were made for it.

    ``ends``: the server ended the stream; otherwise the client left.
    """

    said: Said
    turn: Turn
    begun: Outcome[Stream]
    calls: tuple[RecordedCall, ...] = ()
    ends: bool = True

    @property
    def stream(self) -> Stream:
        """The stream; raises the finding that there is none."""
        return self.begun.value

    @property
    def mark(self) -> int | None:
        """Where the transcript tells of it."""
        return None if self.begun.finding is not None else self.begun.value.last_serial

    @property
    def request(self) -> RecordedCall:
        """The first call that carried this message; a :class:`Finding` if the model had none."""
        if self.turn.requests:
            return self.turn.requests[0]
        if self.calls:
            return self.calls[0]
        raise self.turn.never_asked()

    @property
    def answer_words(self) -> list[str]:
        """The word of its answer, if that is what the client got."""
        heard = self.begun.finding is None and self.said.answer_word in self.stream.finished_text
        return [self.said.answer_word] if heard else []

    @property
    def words(self) -> list[str]:
        """The words that were said: the message's, then the answer's."""
        return [self.said.message_word, *self.answer_words]

    @property
    def answered(self) -> bool:
        """Whether an assistant message came, without an error."""
        return (
            self.begun.finding is None
            and self.ends
            and self.stream.status == 200
            and self.stream.answered
            and self.stream.error is None
        )


def said_of(talk: Talk, name: str) -> Said:
    """Give the texts and words of message ``name``."""
    answer_word = talk.chunks(name)[1]
    return Said(talk.message(name), talk.answer(name), talk.word(name), answer_word)


async def ask(
    talk: Talk, thread_id: str | None, name: str, *steps: Step, bounded: bool = False
) -> Asked:
    """Say message ``name`` in a new thread or in ``thread_id``, and read the answer.

    ``bounded``: leave when the server tries without end.
    """
    turn = talk.script(name, *(steps or (say(talk.answer(name)),)))
    before = len(talk.model.calls)
    begun = await after_a_pause(talk.student, lambda: talk.send(name, thread_id))
    ends = False
    if begun.finding is None:
        stream = begun.value
        ends = await (_read_tries(talk, turn, stream) if bounded else stream.finish_or_leave())
    calls = tuple(talk.model.calls[before:])
    return Asked(said_of(talk, name), turn, begun, calls, ends)


async def _read_tries(talk: Talk, turn: Turn, stream: Stream) -> bool:
    """Read to the end; leave and return False if there is none, or tries without end."""
    reading = asyncio.ensure_future(stream.finish_or_leave())
    trying = asyncio.ensure_future(talk.student.until(lambda: len(turn.requests) > MOST_TRIES))
    await asyncio.wait({reading, trying}, return_when=asyncio.FIRST_COMPLETED)
    endless = len(turn.requests) > MOST_TRIES
    (reading if endless else trying).cancel()
    results = await asyncio.gather(reading, trying, return_exceptions=True)
    if endless:
        await stream.close()
        return False
    if isinstance(results[0], BaseException):
        raise results[0]
    return results[0]


@dataclass(frozen=True)
class Conversation:
    """Messages of one thread, in order; it stops after one that was not answered."""

    asked: list[Asked]

    def with_earlier(self) -> Iterator[tuple[Asked, list[Asked]]]:
        """Give each message after the first, with those before it."""
        for number, asked in enumerate(self.asked[1:], 1):
            yield asked, self.asked[:number]


@dataclass(frozen=True)
class Preference:
    """A preference whose key and value nobody can have guessed."""

    key: str
    value: str


@dataclass(frozen=True)
class LongConversation(Conversation):
    """``preference`` was saved at the second message, if the server has the tool and it works."""

    preference: Preference | None


async def play_conversation(talk: Talk) -> Conversation:
    """Say four messages in one thread."""
    return Conversation(await _converse(talk, TURNS))


async def play_long_conversation(talk: Talk) -> LongConversation:
    """Say sixty messages in one thread, and save a preference at the second."""
    names = [f"long {n}" for n in range(1, MESSAGES + 1)]
    preference = _preference(talk, "long")
    asked = await _converse(talk, names, preference)
    if _offers_tool(asked[0]) and len(asked) > SAVING:
        return LongConversation(asked, preference)
    if len(asked) == SAVING:
        # That the tool fails is the matter of another criterion.
        asked = await _converse(talk, names)
    return LongConversation(asked, None)


async def _converse(
    talk: Talk, names: Sequence[str], preference: Preference | None = None
) -> list[Asked]:
    """Say messages in one thread; let the model save a preference at the second, if it can."""
    asked = [await ask(talk, None, names[0])]
    if not asked[0].answered:
        return asked
    thread_id = asked[0].stream.thread_id
    for number, name in enumerate(names[1:], 2):
        steps: tuple[Step, ...] = ()
        if preference and number == SAVING and _offers_tool(asked[0]):
            steps = (_save(preference), say(talk.answer(name)))
        asked.append(await ask(talk, thread_id, name, *steps))
        if not asked[-1].answered:
            break
    return asked


def _offers_tool(asked: Asked) -> bool:
    """Whether the model could call the tool, when it was asked about a message."""
    return any(TOOL in call.tools for call in asked.calls)


@dataclass(frozen=True)
class TooLong:
    """A thread in which the model found the fourth message's input too long."""

    talk: Talk
    refused: Asked
    items: Outcome[Reply]
    next: Asked


async def play_too_long(talk: Talk) -> TooLong:
    """Let the model refuse the fourth message until the input is shorter."""
    return await _refuse(talk, context_too_long(), say(talk.answer("fourth")))


async def play_always_too_long(talk: Talk) -> TooLong:
    """Let the model refuse the fourth message, whatever is sent."""
    return await _refuse(talk, context_too_long(limit_items=0))


async def _refuse(talk: Talk, *steps: Step) -> TooLong:
    begun = await _converse(talk, TURNS[:3])
    thread_id = begun[0].stream.thread_id
    refused = await ask(talk, thread_id, "fourth", *steps, bounded=True)
    items = await attempt(talk.chat.items(thread_id, limit=PAGE))
    return TooLong(talk, refused, items, await ask(talk, thread_id, "fifth"))


@dataclass(frozen=True)
class Preferences:
    """A thread in which two preferences were saved, another thread, and what the client got."""

    saved: tuple[Preference, Preference]
    saving: tuple[Asked, Asked]
    later: Asked
    other: Asked
    after_restart: Asked
    replies: Mapping[str, Outcome[Reply]] = field(default_factory=dict)


async def play_preferences(talk: Talk) -> Preferences:
    """Save two preferences by the tool, say more there and elsewhere, and restart the server."""
    one, two = (_preference(talk, name) for name in ("one", "two"))
    first = await ask(talk, None, "first", _save(one), say(talk.answer("first")))
    thread_id = first.stream.thread_id
    second = await ask(talk, thread_id, "second", _save(two), say(talk.answer("second")))
    later = await ask(talk, thread_id, "third")
    other = await ask(talk, None, "other")
    replies = await _read_back(talk, thread_id)
    await talk.student.restart()
    after_restart = await ask(talk, thread_id, "fourth")
    return Preferences((one, two), (first, second), later, other, after_restart, replies)


def _preference(talk: Talk, name: str) -> Preference:
    key = talk.canary.word(f"{name} key").replace("-", "_")
    return Preference(key, talk.canary.word(f"{name} value"))


def _save(preference: Preference) -> Step:
    return call_tool(TOOL, {"key": preference.key, "value": preference.value})


@dataclass(frozen=True)
class Hidden:
    """A thread to which hidden context was added by an action, and what the client got."""

    text: str
    action: Outcome[Stream]
    ends: bool
    asked: tuple[Asked, Asked]
    replies: Mapping[str, Outcome[Reply]] = field(default_factory=dict)


async def play_hidden(talk: Talk) -> Hidden:
    """Say something, add hidden context, say two more messages, and read all back."""
    first = await ask(talk, None, "first")
    thread_id = first.stream.thread_id
    text = f"The user looks at page {talk.canary.word('hidden')}."
    action = await attempt(talk.chat.custom_action(thread_id, "note_context", {"text": text}))
    ends = action.finding is None and await action.value.finish_or_leave()
    asked = (await ask(talk, thread_id, "second"), await ask(talk, thread_id, "third"))
    replies = await _read_back(talk, thread_id)
    return Hidden(talk.canary.word("hidden"), action, ends, asked, replies)


async def _read_back(talk: Talk, thread_id: str) -> dict[str, Outcome[Reply]]:
    """Read all that a client can read of a thread."""
    return {
        "threads.get_by_id": await attempt(talk.chat.get(thread_id)),
        "items.list": await attempt(talk.chat.items(thread_id, limit=PAGE)),
        "threads.list": await attempt(talk.chat.list()),
    }


def first_finding(*asked: Asked) -> Finding | None:
    """Give the first finding that some message ended in, if one did."""
    return next((each.begun.finding for each in asked if each.begun.finding is not None), None)
