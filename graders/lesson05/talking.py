"""What all scenarios of lesson05 are made of: messages that are said, and what was seen of them.

Must not know criteria.
"""

from __future__ import annotations

from dataclasses import dataclass

from graders.engine.harness import (
    Finding,
    Outcome,
    Reply,
    Scene,
    Step,
    Stream,
    Turn,
    attempt,
    items_of,
    say,
)
from graders.engine.harness.rate_limits import within_limits

HOUR = 3_600.0
PAGE = 100


@dataclass(frozen=True)
class Said:
    """One message with words of its own, and the stream that came for it.

    ``ends``: the server ended the stream; otherwise the client left.
    """

    scene: Scene
    name: str
    turn: Turn
    begun: Outcome[Stream]
    ends: bool

    @property
    def stream(self) -> Stream:
        """The stream; raises the finding that there is none."""
        return self.begun.value

    @property
    def thread_id(self) -> str:
        """The id of the thread that this message began."""
        return self.stream.thread_id

    @property
    def mark(self) -> int | None:
        """Where the transcript tells of it."""
        return None if self.begun.finding is not None else self.begun.value.last_serial

    @property
    def word(self) -> str:
        """The word that the message is about."""
        return self.scene.word(self.name)

    @property
    def answer_word(self) -> str:
        """The word that the model's answer is about."""
        return self.scene.chunks(self.name)[1]

    @property
    def answered(self) -> bool:
        """Whether the model's whole answer came, without an error, and the stream ended."""
        return (
            self.begun.finding is None
            and self.ends
            and self.stream.status == 200
            and self.stream.error is None
            and self.stream.broke is None
            and self.answer_word in self.stream.finished_text
        )

    @property
    def confirmed(self) -> list[str]:
        """The words that the client was told are stored: it got the finished items.

        A stream that ends in an error confirms nothing.
        """
        if self.begun.finding is not None or self.stream.error or self.stream.broke:
            return []
        items = (self.stream.user_item, self.stream.assistant_item)
        texts = [item.text for item in items if item is not None]
        return [w for w in (self.word, self.answer_word) if any(w in text for text in texts)]

    @property
    def how(self) -> str:
        """What came of it, in a few words."""
        if self.begun.finding is not None:
            return self.begun.finding.seen
        if self.stream.status != 200:
            return f"status {self.stream.status}"
        if self.stream.error is not None:
            return "an `error` event"
        if self.stream.broke is not None:
            return "a stream that broke off"
        return "a stream without the model's answer" if self.ends else "a stream that did not end"


async def tell(scene: Scene, name: str, thread_id: str | None = None, *steps: Step) -> Said:
    """Say message ``name`` in a new thread or in ``thread_id``, and read the answer."""
    turn = scene.script(name, *steps)
    begun = await attempt(within_limits(scene.student, lambda: scene.send(name, thread_id)))
    ends = begun.finding is None and await begun.value.finish_or_leave()
    return Said(scene, name, turn, begun, ends)


async def begin(scene: Scene, name: str, *steps: Step) -> Said:
    """Begin a thread with message ``name``; raises a :class:`Finding` if that does not work."""
    said = await tell(scene, name, None, *steps)
    if not said.answered:
        raise Finding(f"A message in a new thread got {said.how}.", mark=said.mark)
    return said


def briefly(scene: Scene, name: str) -> Step:
    """Answer message ``name`` in one piece, where only ids and whole texts are looked at."""
    return say(scene.chunks(name)[1])


def steps_with_tool(scene: Scene, name: str, tool: Step) -> tuple[Step, Step]:
    """Give a tool call and then the answer to message ``name``."""
    return tool, say(*scene.chunks(name))


@dataclass(frozen=True)
class Views:
    """All that a client can read of one thread."""

    thread_id: str
    threads: Outcome[Reply]
    thread: Outcome[Reply]
    items: Outcome[Reply]


async def look(scene: Scene, thread_id: str) -> Views:
    """Read the list of threads, the thread and its items."""
    return Views(
        thread_id,
        threads=await attempt(scene.chat.list(limit=PAGE)),
        thread=await attempt(scene.chat.get(thread_id)),
        items=await attempt(scene.chat.items(thread_id, limit=PAGE, order="asc")),
    )


def ids_in(reply: Reply) -> list[str]:
    """Read the ids of a page of threads."""
    data = reply.object.get("data")
    if type(data) is not list:
        raise Finding(f"the answer has no list `data`: {reply.excerpt}", mark=reply.serial)
    return [str(entry.get("id")) for entry in data if type(entry) is dict]


def texts_in(reply: Reply) -> list[str]:
    """Read the texts of a page of items, or of a thread."""
    return [item.text for item in items_of(reply)]


def lacking(reply: Reply, words: list[str]) -> list[str]:
    """Give those of ``words`` that no item of the page holds."""
    texts = texts_in(reply)
    return [word for word in words if not any(word in text for text in texts)]


def is_gone(outcome: Outcome[Reply]) -> bool:
    """Whether a request for a thread or its items was refused, or answered with no items."""
    if outcome.finding is not None or outcome.value.status != 200:
        return True
    try:
        return not items_of(outcome.value)
    except Finding:
        return True
