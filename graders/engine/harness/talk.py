"""One user's talk with a server in which every message and every answer has words of its own.

The words are canaries: random in each run, so nothing can be hard-coded, and what came from where
can be told. Must not know a rubric.
"""

from __future__ import annotations

from graders.engine.content.canaries import Canaries
from graders.engine.harness.stream import Stream
from graders.engine.harness.student import Student
from graders.engine.model import (
    ScriptedModel,
    Step,
    Turn,
    say,
)


class Talk:
    """Messages are named; ``first`` is about the same words wherever it occurs in one run."""

    def __init__(self, student: Student, model: ScriptedModel, canary: Canaries) -> None:
        self.student = student
        self.model = model
        self.canary = canary
        self.chat = student.chat()

    def word(self, name: str) -> str:
        """Return the word that message ``name`` is about."""
        return self.canary.word(f"{name} message")

    def message(self, name: str) -> str:
        """Return the text of message ``name``."""
        return f"Please tell me about {self.word(name)}."

    def chunks(self, name: str) -> tuple[str, ...]:
        """Return the chunks of the model's answer to message ``name``."""
        return ("It is ", self.canary.word(f"{name} answer"), ", I would say.")

    def answer(self, name: str) -> str:
        """Return the whole text of the model's answer to message ``name``."""
        return "".join(self.chunks(name))

    def script(self, name: str, *steps: Step) -> Turn:
        """Let the model answer message ``name``: with its own words, or as ``steps`` say."""
        return self.model.on(self.message(name), *(steps or (say(*self.chunks(name)),)))

    async def send(self, name: str, thread_id: str | None = None) -> Stream:
        """Send message ``name`` in a new thread or in ``thread_id``, and read nothing yet."""
        if thread_id is None:
            return await self.chat.create(self.message(name))
        return await self.chat.say(thread_id, self.message(name))

    async def begin(self, name: str = "first", *steps: Step) -> tuple[Stream, Turn]:
        """Begin a thread with message ``name`` and read the whole answer."""
        turn = self.script(name, *steps)
        return await (await self.send(name)).finish(), turn

    async def go_on(self, thread_id: str, name: str, *steps: Step) -> tuple[Stream, Turn]:
        """Say message ``name`` in a thread and read the whole answer."""
        turn = self.script(name, *steps)
        return await (await self.send(name, thread_id)).finish(), turn
