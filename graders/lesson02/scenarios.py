"""The scenarios of lesson02, each played once on a pristine server; checks judge the record."""

from __future__ import annotations

from dataclasses import dataclass

from graders.engine.harness import (
    Outcome,
    Reply,
    Scene,
    Stream,
    Turn,
    attempt,
    fail,
    recorded_as,
    say,
)

TURNS = ("first", "second", "third")


@dataclass(frozen=True)
class FirstMessage:
    """A first message and its answer, then the thread's items, then another thread."""

    scene: Scene
    turns: tuple[Turn, Turn]
    begun: Outcome[Stream]
    ends: bool
    items: Outcome[Reply]

    @property
    def stream(self) -> Stream:
        """The stream of the first answer."""
        return self.begun.value


@recorded_as("first")
async def play_first_message(scene: Scene) -> FirstMessage:
    """Say a first message, list the items, and say a first message in another thread."""
    turns = (scene.script("first"), scene.script("other"))
    begun = await attempt(scene.chat.create(scene.message("first")))
    ends = begun.finding is None and await begun.value.finish_or_leave()
    items = await attempt(_items(scene, begun))
    other = await attempt(scene.chat.create(scene.message("other")))
    if other.finding is None:
        await other.value.finish_or_leave()
    return FirstMessage(scene, turns, begun, ends, items)


async def _items(scene: Scene, begun: Outcome[Stream]) -> Reply:
    return await scene.chat.items(begun.value.thread_id)


# What careless code changes: line ends, quotes, capitals, spaces at the ends, scripts, markup.
ASKED = (
    'Two lines:\n\tand "quotes", \\back\\slashes\\ and {braces} of WORD.',
    "Größe, naïve, 東京, שלום, 👩‍💻 and e\u0301 of WORD",
    "WORD: " + "a long message, " * 700,
)
SAID = ("  <b>Bold</b> & ", "*stars*\n\n", '"quotes" \\n ', "Größe 東京 👩", "‍💻 \u2028", " WORD  ")


@dataclass(frozen=True)
class Asked:
    """A message whose text is easily changed: ``word`` is the canary in it."""

    word: str
    text: str
    turn: Turn
    answer: Outcome[Stream]


@dataclass(frozen=True)
class OddWords:
    """Messages and an answer with characters that careless code changes."""

    asked: tuple[Asked, ...]
    said: str
    answer: Outcome[Stream]


@recorded_as("odd")
async def play_odd_words(scene: Scene) -> OddWords:
    """Ask each of the odd texts in a thread of its own, and let the model say one."""
    asked = tuple([await _ask(scene, number, text) for number, text in enumerate(ASKED)])
    chunks = tuple(chunk.replace("WORD", scene.canary.word("said")) for chunk in SAID)
    scene.script("first", say(*chunks))
    return OddWords(asked, "".join(chunks), await attempt(_whole(scene, scene.message("first"))))


async def _ask(scene: Scene, number: int, template: str) -> Asked:
    word = scene.canary.word(f"asked {number}")
    text = template.replace("WORD", word)
    turn = scene.model.on(text, say("Good question."))
    return Asked(word, text, turn, await attempt(_whole(scene, text)))


async def _whole(scene: Scene, text: str) -> Stream:
    return await (await scene.chat.create(text)).finish()


# Each is wrong in one way only; none of them names a thread.
MALFORMED = {
    "a body that is not JSON": b'{"type": "threads.create", "params": {',
    "an unknown request type": b'{"type": "threads.explode", "params": {}}',
    "a missing field": b'{"type": "threads.create", "params": {}}',
}


@dataclass(frozen=True)
class Malformed:
    """The answer to a malformed request, and to the good message behind it."""

    reply: Outcome[Reply]
    next: Outcome[Stream]


@recorded_as("malformed")
async def play_malformed(scene: Scene) -> dict[str, Malformed]:
    """Send each malformed body, and a good message behind each."""
    return {
        case: Malformed(
            reply=await attempt(scene.chat.raw(body)), next=await attempt(_begin(scene, case))
        )
        for case, body in MALFORMED.items()
    }


async def _begin(scene: Scene, name: str) -> Stream:
    stream, _ = await scene.begin(name)
    return stream


@dataclass(frozen=True)
class ThreeTurns:
    """Three messages in one thread, and all the ways to read them back."""

    scene: Scene
    thread_id: str
    follow_up: Outcome[Stream]
    calls_before_follow_up: int
    answer_ids: tuple[str, ...]
    oldest_first: Outcome[Reply]
    newest_first: Outcome[Reply]
    thread: Outcome[Reply]
    title: str
    titled: Outcome[Reply]
    thread_with_title: Outcome[Reply]


@recorded_as("three")
async def play_three_turns(scene: Scene) -> ThreeTurns:
    """Say three messages, read them back, set a title and read them again."""
    stream, _ = await scene.begin(TURNS[0])
    thread_id = stream.thread_id
    calls_before = len(scene.model.calls)
    follow_ups = [await attempt(_follow_up(scene, thread_id, name)) for name in TURNS[1:]]
    title = f"About {scene.canary.word('title')}"
    return ThreeTurns(
        scene=scene,
        thread_id=thread_id,
        follow_up=follow_ups[0],
        calls_before_follow_up=calls_before,
        answer_ids=_answer_ids([stream, *(each.value for each in follow_ups if not each.finding)]),
        oldest_first=await attempt(scene.chat.items(thread_id, order="asc", limit=20)),
        newest_first=await attempt(scene.chat.items(thread_id, order="desc", limit=20)),
        thread=await attempt(scene.chat.get(thread_id)),
        title=title,
        titled=await attempt(scene.chat.update(thread_id, title)),
        thread_with_title=await attempt(scene.chat.get(thread_id)),
    )


def _answer_ids(streams: list[Stream]) -> tuple[str, ...]:
    items = [stream.assistant_item for stream in streams]
    return tuple(item.item_id for item in items if item is not None)


async def _follow_up(scene: Scene, thread_id: str, name: str) -> Stream:
    stream, _ = await scene.go_on(thread_id, name)
    return stream


@dataclass(frozen=True)
class TwoThreads:
    """Two threads in which messages were said in turns: first and third, second and fourth."""

    scene: Scene
    ids: tuple[str, str]
    items: tuple[Outcome[Reply], Outcome[Reply]]
    threads: Outcome[Reply]


@recorded_as("two")
async def play_two_threads(scene: Scene) -> TwoThreads:
    """Begin two threads, go on in both, and list what there is."""
    one, two = [(await scene.begin(name))[0].thread_id for name in ("first", "second")]
    for thread_id, name in ((one, "third"), (two, "fourth")):
        await attempt(_follow_up(scene, thread_id, name))
    return TwoThreads(
        scene=scene,
        ids=(one, two),
        items=(
            await attempt(scene.chat.items(one, limit=20)),
            await attempt(scene.chat.items(two, limit=20)),
        ),
        threads=await attempt(scene.chat.list()),
    )


@dataclass(frozen=True)
class FailedThread:
    """A thread in which the model failed at the second message, and what came after."""

    scene: Scene
    items: Outcome[Reply]
    next: Outcome[Stream]


@recorded_as("failed")
async def play_failure(scene: Scene) -> FailedThread:
    """Say a message that the model fails at, read the items, and say the next one."""
    first, _ = await scene.begin("first")
    thread_id = first.thread_id
    scene.script("second", fail(500, message="The server had an error."))
    failed = await attempt(scene.chat.say(thread_id, scene.message("second")))
    if failed.finding is None:
        await failed.value.finish_or_leave()
    return FailedThread(
        scene=scene,
        items=await attempt(scene.chat.items(thread_id)),
        next=await attempt(_follow_up(scene, thread_id, "third")),
    )
