"""Plays the turns of a conversation, one after the other or at the same time.

Must not know points, nor what is right: that is in the script.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from graders.engine import model as script
from graders.engine.content import steps as scripted
from graders.engine.content.canaries import Canaries
from graders.engine.content.conversation import Conversation, ConversationTurn
from graders.engine.core.errors import Finding
from graders.engine.harness.chat import Reply
from graders.engine.harness.pages import Page
from graders.engine.harness.playback.answers import TurnAnswer, ask
from graders.engine.harness.playback.expected import TurnExpectations, learn
from graders.engine.harness.playback.stage import Participant, Paused, Stage
from graders.engine.harness.stream import Stream
from graders.engine.harness.student import Student
from graders.engine.model import ScriptedModel, Turn
from graders.engine.server.link.transport import AppCrashed
from graders.engine.server.trace import Trace

_OK = 200
_UNWANTED = "This answer must not come."
_ROUNDS = 5
"""How often the server finishes what it does, so that what it causes is finished too."""


async def play(
    conversation: Conversation,
    student: Student,
    model: ScriptedModel,
    canaries: Canaries,
    trace: Trace | None = None,
    *,
    users_end: str = "",
) -> None:
    """Play all turns; raises the :class:`Finding` of the first thing that is not as expected.

    Where the lesson gives the server a secret for tokens, each user has a token of their own.
    ``trace`` gets what the author tells beside the turns. The ids of users end with ``users_end``:
    where one server plays several conversations, each has users of its own.
    """
    filled = conversation.filled(canaries)
    player = _Player(Stage(filled, student, model, users_end), trace or Trace())
    try:
        for number, turn in enumerate(filled.turns, 1):
            await player.play(f"Turn {number}", turn, filled.turns[number:])
    finally:
        await player.leave_all()


class _Player:
    """Plays turns on one stage."""

    def __init__(self, stage: Stage, trace: Trace) -> None:
        self._stage = stage
        self._trace = trace

    async def play(
        self, where: str, turn: ConversationTurn, after: Sequence[ConversationTurn]
    ) -> None:
        """Play one turn and check it; ``after`` are the turns that follow."""
        for word, text in turn.prose:
            self._trace.add("grader", word, text)
        student = self._stage.student
        match turn.action:
            case "wait":
                await student.advance(float(turn.wait or 0))
            case "restart":
                await self._rest()
                await self._start_again()
            case "kill":
                await self._start_again()
            case "together":
                await self._together(where, turn.together)
            case _ if self._stage.is_own_by_chance(turn):
                self._trace.add("grader", "left out", f"{where}: the id is the user's own as well")
            case _:
                answer = await self._request(where, turn, after, alone=True)
                await TurnExpectations(where, self._stage, turn, answer).check()

    async def leave_all(self) -> None:
        """Let the clients leave that still read."""
        for user in self._stage.users.values():
            for thread in user.threads.values():
                if thread.paused is not None:
                    await thread.paused.stream.close()
                    thread.paused = None

    async def _start_again(self) -> None:
        await self._stage.student.restart()
        await self.leave_all()

    async def _together(self, where: str, turns: Sequence[ConversationTurn]) -> None:
        numbered = [(f"{where}.{number}", turn) for number, turn in enumerate(turns, 1)]
        answers = await asyncio.gather(
            *(self._request(name, turn, (), alone=False) for name, turn in numbered),
            return_exceptions=True,
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        for (name, turn), answer in zip(numbered, answers, strict=True):
            assert isinstance(answer, TurnAnswer), "what is no answer was raised"
            await TurnExpectations(name, self._stage, turn, answer).check()

    async def _request(
        self,
        where: str,
        turn: ConversationTurn,
        after: Sequence[ConversationTurn],
        *,
        alone: bool,
    ) -> TurnAnswer:
        """Send the request of a turn and read the answer; a finding says which turn it is."""
        try:
            return await self._answered(turn, after, alone=alone)
        except Finding as finding:
            finding.seen = f"{where}: {finding.seen}"
            raise

    async def _answered(
        self, turn: ConversationTurn, after: Sequence[ConversationTurn], *, alone: bool
    ) -> TurnAnswer:
        stage, user = self._stage, self._stage.speaker(turn)
        before = len(stage.model.calls)
        told = self._script(turn, after)
        user.hears([turn.say or "", turn.rename or "", turn.tool_output, _texts_of(turn.model)])
        if turn.action == "read_on":
            answer = await self._read_on(turn)
        else:
            got = await ask(stage, turn)
            answer = await self._read(got, turn, told)
        self._forget_unused(turn, told)
        answer.calls = stage.model.calls[before:] if alone or told is None else told.requests
        learn(stage, turn, answer)
        if answer.reply is not None and answer.status == _OK:
            if turn.list_threads is not None:
                user.last_page = _page(answer.reply)
            if turn.list_items is not None:
                stage.thread(turn).last_page = _page(answer.reply)
        self._require_thread(turn, answer)
        return answer

    # --- the model -------------------------------------------------------------------------------

    def _script(self, turn: ConversationTurn, after: Sequence[ConversationTurn]) -> Turn | None:
        """Script the model's answer to a message, as far as client tools lead in later turns."""
        stage, thread = self._stage, self._stage.thread(turn)
        if turn.action == "tool_output":
            if thread.script is not None and not _is_refused(turn):
                thread.script.client_answers()
            return thread.script
        if turn.action == "retry":
            said = thread.script.user_text if thread.script is not None else ""
        else:
            said = turn.say or ""
        steps = [*turn.model, *self._after_client_tools(turn, after)]
        if not said.strip() or (not steps and not _is_refused(turn)):
            return None
        user = stage.speaker(turn)
        played = [_model_step(step, stage, user) for step in steps]
        made = stage.model.on(said, *(played or [script.say(_UNWANTED)]))
        if not _is_refused(turn):
            thread.script = made
        return made

    def _after_client_tools(
        self, turn: ConversationTurn, after: Sequence[ConversationTurn]
    ) -> Iterable[scripted.Step]:
        """Yield what the model does once the output of a client tool is there."""
        owner = self._stage.script.owner
        for later in after:
            if (owner(later), later.thread) != (owner(turn), turn.thread):
                continue
            if later.action in ("say", "retry"):
                return
            if later.action == "tool_output" and not later.expect.refused:
                yield from later.model

    def _forget_unused(self, turn: ConversationTurn, told: Turn | None) -> None:
        """Take back the script of a message that was to be refused, and was."""
        if told is not None and _is_refused(turn) and not told.used:
            self._stage.model.turns.remove(told)

    # --- reading ---------------------------------------------------------------------------------

    async def _read(
        self, got: Reply | Stream | AppCrashed, turn: ConversationTurn, told: Turn | None
    ) -> TurnAnswer:
        if isinstance(got, AppCrashed):
            return TurnAnswer(0, got.mark, crashed=got.seen)
        if isinstance(got, Reply):
            return TurnAnswer(got.status, got.serial, reply=got)
        most = turn.leave_after or turn.pause_after
        await self._read_in_lock_step(got, told, most)
        if turn.leave_after is not None:
            await got.close()
            await self._rest()
        if turn.pause_after is not None:
            self._stage.thread(turn).paused = Paused(got, told)
        return TurnAnswer(got.status, got.last_serial, stream=got, events=list(got.events))

    async def _read_on(self, turn: ConversationTurn) -> TurnAnswer:
        """Read the rest of a stream that was paused; its model says what it still holds."""
        thread = self._stage.begun(turn)
        paused, thread.paused = thread.paused, None
        if paused is None:
            raise Finding("no answer is paused in this thread")
        stream = paused.stream
        await self._read_in_lock_step(stream, paused.told, None)
        return TurnAnswer(
            stream.status, stream.last_serial, stream=stream, events=list(stream.events)
        )

    async def _read_in_lock_step(self, stream: Stream, told: Turn | None, most: int | None) -> None:
        """Read to the end, or ``most`` deltas; each lets the model say its next held chunk."""
        came = 0
        await _release(told)
        while (event := await stream.next()) is not None:
            if event.delta:
                came += 1
                if most is not None and came >= most:
                    return
                await _release(told)

    async def _rest(self) -> None:
        for _ in range(_ROUNDS):
            await self._stage.student.rest()

    def _require_thread(self, turn: ConversationTurn, answer: TurnAnswer) -> None:
        """Note the id of a new thread; a :class:`Finding` where an answer does not tell it."""
        served = answer.stream is not None and answer.status == _OK and not _is_refused(turn)
        if turn.action == "say" and served and not self._stage.thread(turn).id:
            assert answer.stream is not None, "it was served"
            self._stage.thread(turn).id = answer.stream.thread_id


async def _release(told: Turn | None) -> None:
    if told is not None:
        await told.release()


def _is_refused(turn: ConversationTurn) -> bool:
    """Return whether the script wants a request to be refused, or does not care."""
    wanted = turn.expect
    return bool(wanted.refused or wanted.any_outcome) or wanted.status not in (None, _OK)


def _page(reply: Reply) -> Page | None:
    try:
        ids = [str(each.get("id")) for each in reply.object.get("data", [])]
        return Page(
            reply,
            ids,
            has_more=reply.object.get("has_more") is True,
            after=reply.object.get("after"),
        )
    except (Finding, AttributeError, TypeError):
        return None


def _model_step(step: scripted.Step, stage: Stage, user: Participant) -> script.Step:
    """Turn a step of a script's text into one of the scripted model."""
    match step:
        case scripted.SayStep():
            return script.say(*step.say)
        case scripted.HoldStep():
            return script.say_held(*step.hold)
        case scripted.CallToolStep():
            call = step.call_tool
            arguments = stage.resolved(call.arguments, user)
            return script.call_tool(call.name, arguments, malformed=call.malformed)
        case scripted.ReasonStep():
            return script.reason(step.reason)
        case scripted.FailStep():
            fault = step.fail
            return script.fail(fault.status, fault.code, fault.message, after=fault.after)
        case scripted.DropStep():
            return script.drop(after=step.drop.after)


def _texts_of(steps: Iterable[scripted.Step]) -> list[object]:
    """Return what the model says and writes in these steps."""
    return [
        step.call_tool.arguments if isinstance(step, scripted.CallToolStep) else "".join(step.say)
        for step in steps
        if isinstance(step, scripted.CallToolStep | scripted.SayStep)
    ]
