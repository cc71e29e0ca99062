"""The scenarios of lesson02, each played once on a pristine server; checks judge the record."""

from __future__ import annotations

from dataclasses import dataclass

from graders.engine.harness import (
    Outcome,
    Reply,
    Said,
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

    said: Said
    items: Outcome[Reply]
    other: Said

    @property
    def stream(self) -> Stream:
        """The stream of the first answer."""
        return self.said.stream


@recorded_as("first")
async def play_first_message(scene: Scene) -> FirstMessage:
    """Say a first message, list the items, and say a first message in another thread."""
    said = await scene.say("first")
    return FirstMessage(said, await attempt(said.items()), await scene.say("other"))


# What careless code changes: line ends, quotes, capitals, scripts, markup. The user's texts have no
# spaces at their ends and no letter in two parts: to take these away changes nothing that one sees.
# The model's text has both: what the client gets is judged to the character.
ASKED = (
    'Two lines:\n\tand "quotes", \\back\\slashes\\ and {braces} of WORD.',
    "Größe, naïve, 東京, שלום, 👩‍💻 and é of WORD",
    "WORD: " + "a long message, " * 700 + "to its end.",
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
    """The answer to a malformed request, and the good message after it."""

    reply: Outcome[Reply]
    next: Said


@recorded_as("malformed")
async def play_malformed(scene: Scene) -> dict[str, Malformed]:
    """Send each malformed body, and a good message after each."""
    return {
        case: Malformed(reply=await attempt(scene.chat.raw(body)), next=await scene.say(case))
        for case, body in MALFORMED.items()
    }


@dataclass(frozen=True)
class ThreeTurns:
    """Three messages in one thread, and all the ways to read them back."""

    scene: Scene
    thread_id: str
    follow_up: Said
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
    first = await scene.say(TURNS[0])
    thread_id = first.whole.thread_id
    calls_before = len(scene.model.calls)
    follow_ups = [await first.go_on(name) for name in TURNS[1:]]
    title = f"About {scene.canary.word('title')}"
    return ThreeTurns(
        scene=scene,
        thread_id=thread_id,
        follow_up=follow_ups[0],
        calls_before_follow_up=calls_before,
        answer_ids=_answer_ids([first, *follow_ups]),
        oldest_first=await attempt(first.items(order="asc", limit=20)),
        newest_first=await attempt(first.items(order="desc", limit=20)),
        thread=await attempt(scene.chat.get(thread_id)),
        title=title,
        titled=await attempt(scene.chat.update(thread_id, title)),
        thread_with_title=await attempt(scene.chat.get(thread_id)),
    )


def _answer_ids(said: list[Said]) -> tuple[str, ...]:
    items = [each.stream.assistant_item for each in said if each.ends]
    return tuple(item.item_id for item in items if item is not None)


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
    one, two = await scene.say("first"), await scene.say("second")
    ids = (one.whole.thread_id, two.whole.thread_id)
    await one.go_on("third")
    await two.go_on("fourth")
    return TwoThreads(
        scene=scene,
        ids=ids,
        items=(await attempt(one.items(limit=20)), await attempt(two.items(limit=20))),
        threads=await attempt(scene.chat.list()),
    )


@dataclass(frozen=True)
class FailedThread:
    """A thread in which the model failed at the second message, and what came after."""

    said: Said
    items: Outcome[Reply]
    next: Said


@recorded_as("failed")
async def play_failure(scene: Scene) -> FailedThread:
    """Say a message that the model fails at, read the items, and say the next one."""
    first = await scene.say("first")
    _ = first.whole
    said = await first.go_on("second", fail(500, message="The server had an error."))
    return FailedThread(said, await attempt(first.items()), await first.go_on("third"))
