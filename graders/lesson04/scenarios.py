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
    Scene,
    Step,
    Stream,
    Turn,
    attempt,
    call_tool,
    context_too_long,
    recorded_as,
    say,
)
from graders.engine.harness.rate_limits import within_limits
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


def said_of(scene: Scene, name: str) -> Said:
    """Give the texts and words of message ``name``."""
    answer_word = scene.chunks(name)[1]
    return Said(scene.message(name), scene.answer(name), scene.word(name), answer_word)


async def ask(
    scene: Scene, thread_id: str | None, name: str, *steps: Step, bounded: bool = False
) -> Asked:
    """Say message ``name`` in a new thread or in ``thread_id``, and read the answer.

    ``bounded``: leave when the server tries without end.
    """
    turn = scene.script(name, *(steps or (say(scene.answer(name)),)))
    before = len(scene.model.calls)
    begun = await attempt(within_limits(scene.student, lambda: scene.send(name, thread_id)))
    ends = False
    if begun.finding is None:
        stream = begun.value
        ends = await (_read_tries(scene, turn, stream) if bounded else stream.finish_or_leave())
    calls = tuple(scene.model.calls[before:])
    return Asked(said_of(scene, name), turn, begun, calls, ends)


async def _read_tries(scene: Scene, turn: Turn, stream: Stream) -> bool:
    """Read to the end; leave and return False if there is none, or tries without end."""
    reading = asyncio.ensure_future(stream.finish_or_leave())
    trying = asyncio.ensure_future(scene.student.until(lambda: len(turn.requests) > MOST_TRIES))
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


@recorded_as("conversation")
async def play_conversation(scene: Scene) -> Conversation:
    """Say four messages in one thread."""
    return Conversation(await _converse(scene, TURNS))


@recorded_as("long")
async def play_long_conversation(scene: Scene) -> LongConversation:
    """Say sixty messages in one thread, and save a preference at the second."""
    names = [f"long {n}" for n in range(1, MESSAGES + 1)]
    preference = _preference(scene, "long")
    asked = await _converse(scene, names, preference)
    if _offers_tool(asked[0]) and len(asked) > SAVING:
        return LongConversation(asked, preference)
    if len(asked) == SAVING:
        # That the tool fails is the matter of another criterion.
        asked = await _converse(scene, names)
    return LongConversation(asked, None)


async def _converse(
    scene: Scene, names: Sequence[str], preference: Preference | None = None
) -> list[Asked]:
    """Say messages in one thread; let the model save a preference at the second, if it can."""
    asked = [await ask(scene, None, names[0])]
    if not asked[0].answered:
        return asked
    thread_id = asked[0].stream.thread_id
    for number, name in enumerate(names[1:], 2):
        steps: tuple[Step, ...] = ()
        if preference and number == SAVING and _offers_tool(asked[0]):
            steps = (_save(preference), say(scene.answer(name)))
        asked.append(await ask(scene, thread_id, name, *steps))
        if not asked[-1].answered:
            break
    return asked


def _offers_tool(asked: Asked) -> bool:
    """Whether the model could call the tool, when it was asked about a message."""
    return any(TOOL in call.tools for call in asked.calls)


@dataclass(frozen=True)
class TooLong:
    """A thread in which the model found the fourth message's input too long."""

    scene: Scene
    refused: Asked
    items: Outcome[Reply]
    next: Asked


@recorded_as("too_long")
async def play_too_long(scene: Scene) -> TooLong:
    """Let the model refuse the fourth message until the input is shorter."""
    return await _refuse(scene, context_too_long(), say(scene.answer("fourth")))


@recorded_as("always_too_long")
async def play_always_too_long(scene: Scene) -> TooLong:
    """Let the model refuse the fourth message, whatever is sent."""
    return await _refuse(scene, context_too_long(limit_items=0))


async def _refuse(scene: Scene, *steps: Step) -> TooLong:
    begun = await _converse(scene, TURNS[:3])
    thread_id = begun[0].stream.thread_id
    refused = await ask(scene, thread_id, "fourth", *steps, bounded=True)
    items = await attempt(scene.chat.items(thread_id, limit=PAGE))
    return TooLong(scene, refused, items, await ask(scene, thread_id, "fifth"))


@dataclass(frozen=True)
class Preferences:
    """A thread in which two preferences were saved, another thread, and what the client got."""

    saved: tuple[Preference, Preference]
    saving: tuple[Asked, Asked]
    later: Asked
    other: Asked
    after_restart: Asked
    replies: Mapping[str, Outcome[Reply]] = field(default_factory=dict)


@recorded_as("preferences")
async def play_preferences(scene: Scene) -> Preferences:
    """Save two preferences by the tool, say more there and elsewhere, and restart the server."""
    one, two = (_preference(scene, name) for name in ("one", "two"))
    first = await ask(scene, None, "first", _save(one), say(scene.answer("first")))
    thread_id = first.stream.thread_id
    second = await ask(scene, thread_id, "second", _save(two), say(scene.answer("second")))
    later = await ask(scene, thread_id, "third")
    other = await ask(scene, None, "other")
    replies = await _read_back(scene, thread_id)
    await scene.student.restart()
    after_restart = await ask(scene, thread_id, "fourth")
    return Preferences((one, two), (first, second), later, other, after_restart, replies)


def _preference(scene: Scene, name: str) -> Preference:
    key = scene.canary.word(f"{name} key").replace("-", "_")
    return Preference(key, scene.canary.word(f"{name} value"))


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


@recorded_as("hidden")
async def play_hidden(scene: Scene) -> Hidden:
    """Say something, add hidden context, say two more messages, and read all back."""
    first = await ask(scene, None, "first")
    thread_id = first.stream.thread_id
    text = f"The user looks at page {scene.canary.word('hidden')}."
    action = await attempt(scene.chat.custom_action(thread_id, "note_context", {"text": text}))
    ends = action.finding is None and await action.value.finish_or_leave()
    asked = (await ask(scene, thread_id, "second"), await ask(scene, thread_id, "third"))
    replies = await _read_back(scene, thread_id)
    return Hidden(scene.canary.word("hidden"), action, ends, asked, replies)


async def _read_back(scene: Scene, thread_id: str) -> dict[str, Outcome[Reply]]:
    """Read all that a client can read of a thread."""
    return {
        "threads.get_by_id": await attempt(scene.chat.get(thread_id)),
        "items.list": await attempt(scene.chat.items(thread_id, limit=PAGE)),
        "threads.list": await attempt(scene.chat.list()),
    }


def first_finding(*asked: Asked) -> Finding | None:
    """Give the first finding that some message ended in, if one did."""
    return next((each.begun.finding for each in asked if each.begun.finding is not None), None)
