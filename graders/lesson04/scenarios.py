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
    Said,
    Scene,
    Stalled,
    Step,
    Stream,
    Turn,
    attempt,
    call_tool,
    context_too_long,
    recorded_as,
    say,
    say_held,
)

TURNS = ("first", "second", "third", "fourth")
MESSAGES = 60
TOOL = "save_preference"
SAVING = 2
"""The message of the long conversation at which a preference is saved."""
PAGE = 100
MOST_TRIES = 60
"""More tries than any window has items: a server that sends more never stops."""


_FILLING = (
    "I have thought about it for some days now, and a few sentences are enough. "
    "One more thing at the end: "
)


class LongWindedScene(Scene):
    """A scene whose messages and answers are 150 characters long and have a word at their end too.

    So what is cut to its beginning on the way to the model is known.
    """

    def message(self, name: str) -> str:
        """Return the text of message ``name``."""
        return f"{super().message(name)} {_FILLING}{self.canary.word(f'{name} message end')}."

    def chunks(self, name: str) -> tuple[str, ...]:
        """Return the chunks of the model's answer to message ``name``."""
        return (*super().chunks(name), f" {_FILLING}{self.canary.word(f'{name} answer end')}.")


def ends_of(said: Said) -> tuple[str, str]:
    """Return the last words of a message and of its answer in a :class:`LongWindedScene`."""
    canary = said.scene.canary
    return canary.word(f"{said.name} message end"), canary.word(f"{said.name} answer end")


async def ask(scene: Scene, thread_id: str | None, name: str, *steps: Step) -> Said:
    """Say message ``name`` in a new thread or in ``thread_id``; the model answers in one piece."""
    return await scene.say(name, thread_id, *(steps or (say(scene.answer(name)),)))


async def _ask_with_bounds(scene: Scene, thread_id: str, name: str, *steps: Step) -> Said:
    """Say message ``name``, and leave when the server tries to answer it without end."""
    turn = scene.script(name, *steps)
    return await scene.say(
        name, thread_id, turn=turn, read=lambda stream: _read_tries(scene, turn, stream)
    )


async def _read_tries(scene: Scene, turn: Turn, stream: Stream) -> None:
    """Read to the end; leave if there is none, or tries without end."""
    reading = asyncio.ensure_future(stream.finish_or_leave())
    trying = asyncio.ensure_future(scene.student.until(lambda: len(turn.requests) > MOST_TRIES))
    await asyncio.wait({reading, trying}, return_when=asyncio.FIRST_COMPLETED)
    endless = len(turn.requests) > MOST_TRIES
    (reading if endless else trying).cancel()
    results = await asyncio.gather(reading, trying, return_exceptions=True)
    if endless:
        await stream.leave(Finding(f"the server tried more than {MOST_TRIES} times"))
    elif isinstance(results[0], BaseException):
        raise results[0]


@dataclass(frozen=True)
class OneThread:
    """Messages of one thread, in order; it stops after one about which the model was not asked."""

    asked: list[Said]

    def with_earlier(self) -> Iterator[tuple[Said, list[Said]]]:
        """Yield each message after the first, with those before it.

        Raises a :class:`Finding` where there are none: nothing can be earlier than the first one.
        """
        if len(self.asked) < 2:
            raise Finding("The conversation did not come to a second message.")
        for number, asked in enumerate(self.asked[1:], 1):
            yield asked, self.asked[:number]


@dataclass(frozen=True)
class Preference:
    """A preference whose key and value nobody can have guessed."""

    key: str
    value: str


@dataclass(frozen=True)
class LongConversation(OneThread):
    """``preference`` was saved at the second message, if the server has the tool and it works."""

    preference: Preference | None


@recorded_as("conversation")
async def play_conversation(scene: Scene) -> OneThread:
    """Say four messages in one thread."""
    long_winded = LongWindedScene(scene.student, scene.model, scene.canary)
    return OneThread(await _converse(long_winded, TURNS))


class RepeatingScene(Scene):
    """A scene in which the user says the same each time, and gets another answer."""

    def word(self, name: str) -> str:  # noqa: ARG002 - all are alike
        """Return the word that each message is about."""
        return super().word("repeated")


@recorded_as("repeated")
async def play_repeated(scene: Scene) -> OneThread:
    """Say the same three times in one thread."""
    repeating = RepeatingScene(scene.student, scene.model, scene.canary)
    return OneThread(await _converse(repeating, TURNS[:3]))


@recorded_as("long")
async def play_long_conversation(scene: Scene) -> LongConversation:
    """Say sixty messages in one thread, and save a preference at the second."""
    names = [f"long {n}" for n in range(1, MESSAGES + 1)]
    preference = _preference(scene, "long")
    asked = await _converse(scene, names, preference)
    if _offers_tool(asked[0]) and len(asked) > SAVING:
        return LongConversation(asked, preference)
    if len(asked) == SAVING:
        # Another criterion judges whether the tool works.
        asked = await _converse(scene, names)
    return LongConversation(asked, None)


async def _converse(
    scene: Scene, names: Sequence[str], preference: Preference | None = None
) -> list[Said]:
    """Say messages in one thread; let the model save a preference at the second, if it can."""
    asked = [await ask(scene, None, names[0])]
    if not goes_on(asked[0]):
        return asked
    thread_id = asked[0].stream.thread_id
    for number, name in enumerate(names[1:], 2):
        steps: tuple[Step, ...] = ()
        if preference and number == SAVING and _offers_tool(asked[0]):
            steps = (_save(preference), say(scene.answer(name)))
        asked.append(await ask(scene, thread_id, name, *steps))
        if not goes_on(asked[-1]):
            break
    return asked


def was_put(asked: Said) -> bool:
    """Return whether the model was asked this message when it was said, and not only later."""
    return any(call is request for call in asked.calls for request in asked.turn.requests)


def words_said(asked: Said) -> list[str]:
    """Return the words of a message and, if the model was asked it, of its answer."""
    return asked.words if was_put(asked) else [asked.word]


def goes_on(asked: Said) -> bool:
    """Return whether more can be said after a message: the model was asked, and the stream ended.

    Whether it ended in an error, or held an answer, says nothing about the next request.
    """
    return asked.ends and asked.stream.status == 200 and bool(asked.calls)


def _offers_tool(asked: Said) -> bool:
    """Return whether the model could call the tool, when it was asked about a message."""
    return any(TOOL in call.tools for call in asked.calls)


@dataclass(frozen=True)
class TooLong:
    """A thread in which the model found the fourth message's input too long."""

    scene: Scene
    refused: Said
    items: Outcome[Reply]
    next: Said


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
    refused = await _ask_with_bounds(scene, thread_id, "fourth", *steps)
    items = await attempt(scene.chat.items(thread_id, limit=PAGE))
    return TooLong(scene, refused, items, await ask(scene, thread_id, "fifth"))


@dataclass(frozen=True)
class Preferences:
    """A thread in which two preferences were saved, another thread, and what the client got."""

    saved: tuple[Preference, Preference]
    saving: tuple[Said, Said]
    later: Said
    other: Said
    after_restart: Said
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
    await attempt(scene.student.restart())
    after_restart = await ask(scene, thread_id, "fourth")
    return Preferences((one, two), (first, second), later, other, after_restart, replies)


@dataclass(frozen=True)
class SaidAtOnce:
    """Two threads in which a message came at once; ``earlier`` was said in each of them before.

    ``calls`` are those that the model got meanwhile.
    """

    earlier: tuple[Said, Said]
    said: tuple[Said, Said]
    calls: tuple[RecordedCall, ...]

    def words_of(self, thread: int) -> list[str]:
        """Return what was said in one of the threads, in order."""
        return [*self.earlier[thread].words, self.said[thread].word]


@recorded_as("said_at_once")
async def play_said_at_once(scene: Scene) -> SaidAtOnce:
    """Say a message in each of two threads, and then one in both at the same time."""
    one, two = await ask(scene, None, "one"), await ask(scene, None, "two")
    at_once = asyncio.gather(
        ask(scene, one.thread_id, "one later"), ask(scene, two.thread_id, "two later")
    )
    said, calls = await scene.with_calls(at_once)
    return SaidAtOnce((one, two), (said[0], said[1]), calls)


@dataclass(frozen=True)
class TwoAtOnce:
    """Two threads that were answered at once; in the ``left`` one a preference was saved meanwhile.

    ``left`` and ``right`` are what was said in each of them afterwards.
    """

    saved: Preference
    saving: Said
    left: Said
    right: Said


@recorded_as("at_once")
async def play_two_threads_at_once(scene: Scene) -> TwoAtOnce:
    """Begin an answer in each of two threads, then let the model save a preference in the first."""
    preference = _preference(scene, "left")
    hold = say_held("One moment, please. ")
    saves = scene.script("left", hold, _save(preference), say(scene.answer("left")))
    waits = scene.script("right", hold, say(scene.answer("right")))
    gone_on = asyncio.Event()
    saving = await _begin(scene, "left", saves, gone_on)
    if (await attempt(scene.student.rest())).finding is not None:
        # The model's silence blocks the event loop: such a server answers one after the other.
        await saves.release_all()
    waiting = await _begin(scene, "right", waits, gone_on)
    # The tool runs now, while the newer answer waits.
    await saves.release_all()
    await scene.rest()
    await waits.release_all()
    gone_on.set()
    left, right = await saving, await waiting
    return TwoAtOnce(
        saved=preference,
        saving=left,
        left=await ask(scene, left.thread_id, "left later"),
        right=await ask(scene, right.thread_id, "right later"),
    )


async def _begin(
    scene: Scene, name: str, turn: Turn, gone_on: asyncio.Event
) -> asyncio.Future[Said]:
    """Say message ``name``; return, with the answer still to come, when the server waits for it.

    Its silence means nothing before the model has ``gone_on``.
    """

    async def read(stream: Stream) -> None:
        try:
            await stream.finish()
        except Stalled:
            await gone_on.wait()
            await stream.finish_or_leave()

    saying = asyncio.ensure_future(scene.say(name, turn=turn, once=True, read=read))
    await scene.rest()
    return saying


def _preference(scene: Scene, name: str) -> Preference:
    key = scene.canary.word(f"{name} key").replace("-", "_")
    # Capitals as in a name: a value that is written in other letters is another value.
    return Preference(key, f"Mac{scene.canary.word(f'{name} value').capitalize()}")


def _save(preference: Preference) -> Step:
    return call_tool(TOOL, {"key": preference.key, "value": preference.value})


@dataclass(frozen=True)
class Hidden:
    """A thread to which hidden context was added by an action, and what the client got.

    ``other`` was said in another thread afterwards.
    """

    text: str
    action: Outcome[Stream]
    asked: tuple[Said, Said]
    other: Said
    replies: Mapping[str, Outcome[Reply]] = field(default_factory=dict)


@recorded_as("hidden")
async def play_hidden(scene: Scene) -> Hidden:
    """Say something, add hidden context, say two more messages, read all back, and go elsewhere."""
    first = await ask(scene, None, "first")
    thread_id = first.stream.thread_id
    text = f"The user looks at page {scene.canary.word('hidden')}."
    action = await attempt(scene.chat.custom_action(thread_id, "note_context", {"text": text}))
    if action.finding is None:
        await action.value.finish_or_leave()
    asked = (await ask(scene, thread_id, "second"), await ask(scene, thread_id, "third"))
    replies = await _read_back(scene, thread_id)
    other = await ask(scene, None, "other")
    return Hidden(scene.canary.word("hidden"), action, asked, other, replies)


async def _read_back(scene: Scene, thread_id: str) -> dict[str, Outcome[Reply]]:
    """Read all that a client can read of a thread."""
    return {
        "threads.get_by_id": await attempt(scene.chat.get(thread_id)),
        "items.list": await attempt(scene.chat.items(thread_id, limit=PAGE)),
        "threads.list": await attempt(scene.chat.list()),
    }
