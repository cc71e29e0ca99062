"""Plays a conversation script against a server and checks what the script expects.

The same player serves the public samples, ``grade.py replay`` and scenarios that students write.
Must not know points.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graders.engine import model as script
from graders.engine.content import steps as scripted
from graders.engine.content.canaries import Canaries
from graders.engine.content.conversation import Conversation, ConversationTurn, Expectation, Message
from graders.engine.core.text import quote
from graders.engine.harness.chat import Chat
from graders.engine.harness.expect import expect, found
from graders.engine.harness.items import messages_of
from graders.engine.harness.stream import Stream
from graders.engine.harness.student import Student
from graders.engine.harness.tokens import Tokens
from graders.engine.model import ScriptedModel, Turn
from graders.engine.protocol import ChatKitEvent

_ROLES = {"user_message": "user", "assistant_message": "assistant"}


async def play(
    conversation: Conversation, student: Student, model: ScriptedModel, canaries: Canaries
) -> None:
    """Play all turns; raises the :class:`Finding` of the first thing that is not as expected.

    Where the lesson gives the server a secret for tokens, each user has a token of their own.
    """
    filled = conversation.filled(canaries)
    tokens = Tokens.of(student)
    chats = {
        user: student.chat(name=user, headers=tokens.bearer(user) if tokens else None)
        for user in filled.users
    }
    threads: dict[tuple[str, str], str] = {}
    for number, turn in enumerate(filled.turns, 1):
        user = filled.speaker(turn)
        player = _TurnPlayer(number, turn, chats[user], model)
        key = (user, turn.thread)
        stream = await player.play(threads.get(key))
        if key not in threads:
            threads[key] = stream.thread_id
        await player.check(stream, threads[key])


class _TurnPlayer:
    """Plays one turn and checks it; ``number`` counts turns from 1, for messages."""

    def __init__(
        self, number: int, turn: ConversationTurn, chat: Chat, model: ScriptedModel
    ) -> None:
        self._where = f"Turn {number}"
        self._turn = turn
        self._chat = chat
        self._model = model
        self._script: Turn | None = None
        self._calls_before = len(model.calls)

    async def play(self, thread_id: str | None) -> Stream:
        """Say the turn's text, in a new thread or in ``thread_id``, and read the answer."""
        if self._turn.model:
            self._script = self._model.on(self._turn.say, *model_steps(self._turn.model))
        if thread_id is None:
            stream = await self._chat.create(self._turn.say)
        else:
            stream = await self._chat.say(thread_id, self._turn.say)
        await self._read_in_lock_step(stream)
        return stream

    async def check(self, stream: Stream, thread_id: str) -> None:
        """Check everything that the turn expects."""
        wanted = self._turn.expect
        self._check_stream(stream, wanted)
        self._check_model(stream, wanted)
        if wanted.items is not None:
            await self._check_items(thread_id, wanted.items)

    async def _read_in_lock_step(self, stream: Stream) -> None:
        """Read to the end; each delta that comes lets the model say its next held chunk."""
        await self._release()
        while (event := await stream.next()) is not None:
            if event.delta:
                await self._release()

    async def _release(self) -> None:
        if self._script is not None:
            await self._script.release()

    def _check_stream(self, stream: Stream, wanted: Expectation) -> None:
        expect(
            stream.status == 200,
            f"{self._where}: the server answered with status {stream.status}.",
            at=stream.last_serial,
        )
        expect(
            (stream.error is not None) == wanted.error,
            f"{self._where}: no `error` event came."
            if wanted.error
            else f"{self._where}: an `error` event came.",
            at=stream.mark_of(stream.error),
        )
        missing = _first_missing(wanted.events, stream.events)
        expect(
            missing is None,
            f"{self._where}: the event `{missing}` did not come, or not in this place.",
            at=stream.last_serial,
        )
        expect(
            wanted.text is None or stream.text == wanted.text,
            f"{self._where}: the deltas together are {quote(stream.text)}, not "
            f"{quote(wanted.text or '')}.",
            at=stream.last_serial,
        )

    def _check_model(self, stream: Stream, wanted: Expectation) -> None:
        calls = self._model.calls[self._calls_before :]
        if self._script is not None and not self._script.used:
            found(f"{self._where}: the model was not asked.", at=stream.last_serial)
        for text in wanted.model_saw:
            expect(
                any(call.contains(text) for call in calls),
                f"{self._where}: the model was not told {quote(text)}.",
                at=stream.last_serial,
            )
        for text in wanted.model_did_not_see:
            expect(
                not any(call.contains(text) for call in calls),
                f"{self._where}: the model was told {quote(text)}.",
                at=stream.last_serial,
            )

    async def _check_items(self, thread_id: str, wanted: Sequence[Message]) -> None:
        reply = await self._chat.items(thread_id, order="asc", limit=100)
        got = [(_ROLES[item.type], item.text) for item in messages_of(reply)]
        expected = [(message.role, message.text) for message in wanted]
        expect(
            got == expected,
            f"{self._where}: the thread holds {_told(got)}, not {_told(expected)}.",
            at=reply.serial,
        )


def model_steps(steps: Iterable[scripted.Step]) -> list[script.Step]:
    """Turn the steps of a script's text into those of the scripted model."""
    return [_model_step(step) for step in steps]


def _model_step(step: scripted.Step) -> script.Step:
    match step:
        case scripted.SayStep():
            return script.say(*step.say)
        case scripted.HoldStep():
            return script.say_held(*step.hold)
        case scripted.CallToolStep():
            call = step.call_tool
            return script.call_tool(call.name, call.arguments, malformed=call.malformed)
        case scripted.ReasonStep():
            return script.reason(step.reason)
        case scripted.FailStep():
            fault = step.fail
            return script.fail(fault.status, fault.code, fault.message, after=fault.after)
        case scripted.DropStep():
            return script.drop(after=step.drop.after)


def _first_missing(wanted: Sequence[str], events: Sequence[ChatKitEvent]) -> str | None:
    """Return the first of ``wanted`` that does not come in this order; others may lie between."""
    labels = iter(event.label for event in events)
    for name in wanted:
        if not any(label == name or label.startswith(f"{name}/") for label in labels):
            return name
    return None


def _told(messages: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{role}: {quote(text, 40)}" for role, text in messages) or "nothing"
