"""The scenarios of lesson02, each played once on a pristine server; checks judge the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graders.engine.harness import (
    Outcome,
    Reply,
    Said,
    Scene,
    Step,
    Stream,
    Turn,
    attempt,
    drop,
    fail,
    needed,
    recorded_as,
    say,
    user_input,
)

TURNS = ("first", "second", "third")
MANY_TURNS = 12
"""Messages in one thread: from the eleventh on, the oldest 20 items do not hold the newest."""


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

    @property
    def begun(self) -> Stream:
        """The stream, in which ChatKit events came, whatever they are; else there is nothing."""
        found = self.said.begun.finding is None
        needed(
            found and self.stream.status == 200 and any(each.type for each in self.stream.events),
            "The first message got no stream of ChatKit events.",
            by="server-answers",
        )
        return self.stream

    @property
    def answered(self) -> Stream:
        """The stream, in which an answer came without an error in its place."""
        stream = self.begun
        needed(
            stream.answered and stream.failure is None,
            "The first message was not answered.",
            by="server-answers",
        )
        return stream


@recorded_as("first")
async def play_first_message(scene: Scene) -> FirstMessage:
    """Say a first message, list the items, and say a first message in another thread."""
    said = await scene.say("first")
    items = await attempt(_items(said))
    return FirstMessage(said, items, await scene.say("other"))


async def _items(said: Said, **page: Any) -> Reply:
    """List the items of the thread, also where `thread.created` did not come: others judge that."""
    return await said.scene.chat.items(said.stream.any_thread_id, **page)


# What careless code changes: line ends, quotes, capitals, scripts, markup. The user's texts have no
# spaces at their ends and no letter in two parts: to take these away changes nothing that one sees.
# The model's text has both: what the client gets is judged to the character.
LINES = "Lines of WORD:\r\nwith CR and LF,\rwith CR,\nwith LF."
ASKED = {
    "odd characters": (
        'Two lines:\n\tand "quotes", \\back\\slashes\\ and {braces} of WORD.',
        "Größe, naïve, 東京, שלום, 👩‍💻 and é of WORD",
    ),
    "all kinds of line breaks": (LINES,),
    "a long text": ("WORD: " + "a long message, " * 700 + "and its end.",),
    "a message of several parts": ("The first part is about WORD.", "The second part is its end."),
}
"""The texts by the name of their case; those of the last one are the parts of one message."""
SEVERAL_PARTS = "a message of several parts"
SAID = {
    "odd characters": (
        *("  <b>Bold</b> & ", "*stars*\n\n", '"quotes" \\n ', "Größe 東京 👩", "‍💻 \u2028"),
        " WORD  ",
    ),
    "all kinds of line breaks": (LINES[:17], LINES[17:]),
    "a long answer": ("WORD: ", *("the next piece of a long answer, " * 10,) * 40, "and its end."),
}
"""The chunks of the model's answers by the name of their case."""


@dataclass(frozen=True)
class Asked:
    """A message whose text is easily changed: ``word`` is the canary in it, ``texts`` its parts."""

    word: str
    texts: tuple[str, ...]
    turn: Turn
    answer: Outcome[Stream]


@dataclass(frozen=True)
class Answered:
    """An answer whose text is easily changed: what the model said, and what came of it."""

    said: str
    answer: Outcome[Stream]


@dataclass(frozen=True)
class OddWords:
    """Messages and answers, by case, with texts that careless code changes."""

    asked: dict[str, tuple[Asked, ...]]
    answers: dict[str, Answered]


@recorded_as("odd")
async def play_odd_words(scene: Scene) -> OddWords:
    """Ask each of the odd texts in a thread of its own, and let the model say others."""
    asked = {case: await _ask_all(scene, case, texts) for case, texts in ASKED.items()}
    # A server may read the provider's stream by itself, and a network cuts it anywhere.
    scene.model.cut_streams(scene.canary.seed)
    answers = {case: await _answer(scene, case, chunks) for case, chunks in SAID.items()}
    return OddWords(asked, answers)


async def _ask_all(scene: Scene, case: str, texts: tuple[str, ...]) -> tuple[Asked, ...]:
    messages = [texts] if case == SEVERAL_PARTS else [(text,) for text in texts]
    return tuple(
        [await _ask(scene, f"{case} {number}", parts) for number, parts in enumerate(messages)]
    )


async def _ask(scene: Scene, name: str, templates: tuple[str, ...]) -> Asked:
    word = scene.canary.word(f"asked {name}")
    texts = tuple(template.replace("WORD", word) for template in templates)
    turn = scene.model.on(texts[0], say("Good question."))
    return Asked(word, texts, turn, await attempt(_whole(scene, texts)))


async def _answer(scene: Scene, case: str, templates: tuple[str, ...]) -> Answered:
    word = scene.canary.word(f"said {case}")
    chunks = tuple(template.replace("WORD", word) for template in templates)
    scene.script(case, say(*chunks))
    return Answered("".join(chunks), await attempt(_whole(scene, (scene.message(case),))))


async def _whole(scene: Scene, texts: tuple[str, ...]) -> Stream:
    parts = [{"type": "input_text", "text": text} for text in texts]
    message = {**user_input(""), "content": parts}
    return await (await scene.chat.stream("threads.create", {"input": message})).finish()


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
    follow_ups: tuple[Said, ...]
    calls_before_follow_up: int
    answer_ids: tuple[str, ...]
    oldest_first: Outcome[Reply]
    newest_first: Outcome[Reply]
    thread: Outcome[Reply]
    title: str
    titled: Outcome[Reply]
    thread_with_title: Outcome[Reply]

    @property
    def follow_up(self) -> Said:
        """The second message."""
        return self.follow_ups[0]

    def need_answers(self) -> None:
        """Raise, unless each follow-up was answered and made no thread of its own."""
        for said in self.follow_ups:
            needed(
                _is_answered(said) and not said.stream.new_thread_id,
                "A follow-up was not answered in its thread.",
                by="follow-up-answered",
                at=said.mark,
            )


def _is_answered(said: Said) -> bool:
    """Return whether a message was answered; an error may come after the answer."""
    return (
        said.ends
        and said.stream.status == 200
        and said.stream.answered
        and said.stream.failure is None
    )


@recorded_as("three")
async def play_three_turns(scene: Scene) -> ThreeTurns:
    """Say three messages, read them back, set a title and read them again."""
    first = await scene.say(TURNS[0])
    thread_id = first.whole.any_thread_id
    calls_before = len(scene.model.calls)
    follow_ups = [await scene.say(name, thread_id) for name in TURNS[1:]]
    title = f"About {scene.canary.word('title')}"
    return ThreeTurns(
        scene=scene,
        thread_id=thread_id,
        follow_ups=tuple(follow_ups),
        calls_before_follow_up=calls_before,
        answer_ids=_answer_ids([first, *follow_ups]),
        oldest_first=await attempt(_items(first, order="asc", limit=20)),
        newest_first=await attempt(_items(first, order="desc", limit=20)),
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
    follow_ups: tuple[Said, Said]
    items: tuple[Outcome[Reply], Outcome[Reply]]
    threads: Outcome[Reply]


@recorded_as("two")
async def play_two_threads(scene: Scene) -> TwoThreads:
    """Begin two threads, go on in both, and list what there is."""
    one, two = await scene.say("first"), await scene.say("second")
    ids = (one.whole.any_thread_id, two.whole.any_thread_id)
    third = await scene.say("third", ids[0])
    fourth = await scene.say("fourth", ids[1])
    return TwoThreads(
        scene=scene,
        ids=ids,
        follow_ups=(third, fourth),
        items=(await attempt(_items(one, limit=20)), await attempt(_items(two, limit=20))),
        threads=await attempt(scene.chat.list()),
    )


@dataclass(frozen=True)
class TwelveTurns:
    """Many messages in one thread, and its newest items after them."""

    said: tuple[Said, ...]
    newest_first: Outcome[Reply]


@recorded_as("long")
async def play_long_conversation(scene: Scene) -> TwelveTurns:
    """Say so many messages in one thread that the oldest items of it are not the newest."""
    first = await scene.say("turn 1")
    thread_id = first.whole.any_thread_id
    names = [f"turn {number}" for number in range(2, MANY_TURNS + 1)]
    said = (first, *[await scene.say(name, thread_id) for name in names])
    return TwelveTurns(said, await attempt(_items(first, order="desc", limit=4)))


@dataclass(frozen=True)
class Failed:
    """A message that the model failed at, the items then, and the message after it."""

    said: Said
    items: Outcome[Reply]
    next: Said


@recorded_as("failed")
async def play_failures(scene: Scene) -> dict[str, Failed]:
    """In one thread, let the model fail in each way, and say the next message after each."""
    first = await scene.say("first")
    thread_id = first.whole.any_thread_id
    steps: dict[str, Step] = {
        "status 500": fail(500, message="The server had an error."),
        "a dropped connection": drop(after=("It is", " half")),
    }
    failures = {}
    for case, step in steps.items():
        said = await scene.say(f"at {case}", thread_id, step)
        items = await attempt(_items(first, limit=20))
        failures[case] = Failed(said, items, await scene.say(f"after {case}", thread_id))
    return failures
