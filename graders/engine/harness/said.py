"""What scenarios are written with: a scene, and the messages that are said in it.

Each message and each answer has words of its own. They are canaries: random in each run, so nothing
can be hard-coded, and what came from where can be told. Must not know a rubric.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from graders.engine.content.canaries import Canaries
from graders.engine.core.errors import Finding
from graders.engine.harness.chat import Reply
from graders.engine.harness.outcome import Outcome, attempt
from graders.engine.harness.rate_limits import PAUSES, within_limits
from graders.engine.harness.stream import Stream
from graders.engine.harness.student import Student
from graders.engine.harness.tokens import Tokens
from graders.engine.model import RecordedCall, ScriptedModel, Step, Turn, say

_T = TypeVar("_T")
_ROUNDS = 5
"""How often the server finishes what it does, so that what it causes is finished too."""


class Scene:
    """What a scenario is played with: a server, its scripted model, and one user's client.

    The user is signed in where the lesson gives the server a secret for tokens, so a scenario can
    be played in a lesson with users and in one without.
    Messages are named; ``first`` is about the same words wherever it occurs in one run.
    """

    def __init__(
        self,
        student: Student,
        model: ScriptedModel,
        canary: Canaries,
        *,
        name: str = "user",
        sub: str = "user",
    ) -> None:
        self.student = student
        self.model = model
        self.canary = canary
        self.name = name
        self.sub = sub
        self.chat = student.chat(name=name, sign_in=self._token)

    def as_user(self, name: str) -> Scene:
        """Return a scene on the same server, played by a user of this name and an id of its own."""
        sub = f"{name.lower()}-{self.canary.word(f'user {name}')}"
        return Scene(self.student, self.model, self.canary, name=name, sub=sub)

    def _token(self) -> Mapping[str, str]:
        """Return the header of a fresh token; without a secret for tokens nobody signs in."""
        tokens = Tokens.of(self.student)
        return tokens.bearer(self.sub) if tokens is not None else {}

    # --- words ---------------------------------------------------------------------------------

    def word(self, name: str) -> str:
        """Return the word that message ``name`` is about."""
        return self.canary.word(f"{name} message")

    def message(self, name: str) -> str:
        """Return the text of message ``name``."""
        return f"Please tell me about {self.word(name)}."

    def answer_word(self, name: str) -> str:
        """Return the word that the model's answer to message ``name`` is about."""
        return self.canary.word(f"{name} answer")

    def chunks(self, name: str) -> tuple[str, ...]:
        """Return the chunks of the model's answer to message ``name``."""
        return ("It is ", self.answer_word(name), ", I would say.")

    def answer(self, name: str) -> str:
        """Return the whole text of the model's answer to message ``name``."""
        return "".join(self.chunks(name))

    # --- steps ---------------------------------------------------------------------------------

    def script(self, name: str, *steps: Step) -> Turn:
        """Let the model answer message ``name``: with its own words, or as ``steps`` say."""
        return self.model.on(self.message(name), *(steps or (say(*self.chunks(name)),)))

    async def send(self, name: str, thread_id: str | None = None) -> Stream:
        """Send message ``name`` in a new thread or in ``thread_id``, and read nothing yet."""
        if thread_id is None:
            return await self.chat.create(self.message(name))
        return await self.chat.say(thread_id, self.message(name))

    async def say(
        self,
        name: str,
        thread_id: str | None = None,
        *steps: Step,
        turn: Turn | None = None,
        once: bool = False,
        read: Callable[[Stream], Awaitable[object]] = Stream.finish_or_leave,
    ) -> Said:
        """Say message ``name`` in a new thread or in ``thread_id``, and read the answer.

        A limit on requests is waited out, unless it is to be sent ``once``. ``turn`` is the script
        of the answer, where it was written before; ``read`` reads the stream, and leaves one that
        does not end.
        """
        script = turn or self.script(name, *steps)

        async def begin() -> Outcome[Stream]:
            pauses = () if once else PAUSES
            send = within_limits(self.student, lambda: self.send(name, thread_id), pauses)
            begun = await attempt(send)
            if begun.finding is None:
                await read(begun.value)
            return begun

        begun, calls = await self.with_calls(begin())
        return Said(self, name, script, begun, calls)

    async def with_calls(self, step: Awaitable[_T]) -> tuple[_T, tuple[RecordedCall, ...]]:
        """Take a step; return what it gave, and what the model was asked meanwhile."""
        before = len(self.model.calls)
        return await step, tuple(self.model.calls[before:])

    async def rest(self) -> None:
        """Let the server do all that it has to do, in its threads as well, and what follows."""
        for _ in range(_ROUNDS):
            await attempt(self.student.rest())


@dataclass(frozen=True)
class Said:
    """One message with words of its own, and what came of it.

    ``turn`` is the script of its answer, ``begun`` the stream or the finding that there is none,
    ``calls`` are those that the model got meanwhile.
    """

    scene: Scene
    name: str
    turn: Turn
    begun: Outcome[Stream]
    calls: tuple[RecordedCall, ...] = ()

    # --- words ---------------------------------------------------------------------------------

    @property
    def message(self) -> str:
        """The text of the message."""
        return self.scene.message(self.name)

    @property
    def word(self) -> str:
        """The word that the message is about."""
        return self.scene.word(self.name)

    @property
    def answer(self) -> str:
        """The text of the model's answer."""
        return self.scene.answer(self.name)

    @property
    def answer_word(self) -> str:
        """The word that the model's answer is about."""
        return self.scene.answer_word(self.name)

    @property
    def words(self) -> list[str]:
        """The word of the message and that of its answer."""
        return [self.word, self.answer_word]

    @property
    def words_heard(self) -> list[str]:
        """The word of the message, and that of its answer if the client got it."""
        return self.words if self.answer_word in self.heard else [self.word]

    # --- what came -----------------------------------------------------------------------------

    @property
    def stream(self) -> Stream:
        """The stream; raises the finding that there is none."""
        return self.begun.value

    @property
    def whole(self) -> Stream:
        """The stream that came to its end; raises the finding that it did not."""
        if self.stream.left is not None:
            raise self.stream.left
        return self.stream

    @property
    def thread_id(self) -> str:
        """The id of the thread that this message began."""
        return self.stream.thread_id

    @property
    def mark(self) -> int | None:
        """Where the transcript tells of it."""
        finding = self.begun.finding
        return finding.mark if finding is not None else self.stream.last_serial

    @property
    def ends(self) -> bool:
        """Whether the server ended the stream; otherwise the client left."""
        return self.begun.finding is None and self.stream.left is None

    @property
    def answered(self) -> bool:
        """Whether an assistant message came, without an error, and the stream ended."""
        return (
            self.ends
            and self.stream.status == 200
            and self.stream.answered
            and self.stream.error is None
        )

    @property
    def complete(self) -> bool:
        """Whether the model's answer came, without an error, and the stream ended."""
        return self.answered and self.stream.broke is None and self.answer_word in self.heard

    @property
    def heard(self) -> str:
        """The text that the client got, if any."""
        return "" if self.begun.finding is not None else self.stream.finished_text

    @property
    def confirmed(self) -> list[str]:
        """The words that the client was told are stored: it got the finished items.

        A stream that ends in an error confirms nothing.
        """
        if self.begun.finding is not None or self.stream.error or self.stream.broke:
            return []
        items = (self.stream.user_item, self.stream.assistant_item)
        texts = [item.text for item in items if item is not None]
        return [word for word in self.words if any(word in text for text in texts)]

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

    @property
    def request(self) -> RecordedCall:
        """The first call that carried this message; a :class:`Finding` if the model had none."""
        if self.turn.requests:
            return self.turn.requests[0]
        if self.calls:
            return self.calls[0]
        raise self.turn.never_asked()

    @property
    def item_ids(self) -> list[str]:
        """The ids of the message and of its answer; a :class:`Finding` if one has none."""
        items = (self.stream.user_item, self.stream.assistant_item)
        ids = [item.item_id for item in items if item is not None]
        if len(ids) < len(items):
            raise Finding("A message has no finished item, or no finished answer.", mark=self.mark)
        return ids

    async def items(self, **page: Any) -> Reply:
        """List the items of the thread that this message began."""
        return await self.scene.chat.items(self.thread_id, **page)

    async def go_on(self, name: str, *steps: Step) -> Said:
        """Say message ``name`` in the thread that this message began."""
        return await self.scene.say(name, self.thread_id, *steps)
