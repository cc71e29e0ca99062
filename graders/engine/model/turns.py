"""One scripted turn: the answer to one message of the user, and what became of it.

A turn counts rounds by the outputs of tool calls that it made, so a call that comes again gets
the same round again. Must not know wire formats or other turns.
"""

from __future__ import annotations

from collections.abc import Sequence

from graders.engine.core.errors import Finding
from graders.engine.model.calls import RecordedCall
from graders.engine.model.steps import (
    BreakConnection,
    ContextTooLong,
    Fail,
    Round,
    Step,
    failure_of,
    label,
    rounds,
    short,
    text_of,
)
from graders.engine.model.waiters import Waiters


class Turn:
    """The script for the answer to one user message.

    ``requests`` are the calls that carried this turn, in order; ``said`` counts the chunks of
    text that were sent for it.
    """

    def __init__(self, user_text: str, steps: Sequence[Step]) -> None:
        self.user_text = user_text
        self.rounds = rounds(steps)
        self.requests: list[RecordedCall] = []
        self.said = 0
        self._released = 0
        self._all_released = False
        self._waiters = Waiters()
        self._rounds_of_calls: dict[str, int] = {}
        self._placed: dict[RecordedCall, int] = {}
        self._provisional: set[RecordedCall] = set()
        self._failed: set[tuple[int, bool]] = set()
        self._refused: dict[int, tuple[int, int]] = {}

    @property
    def request(self) -> RecordedCall:
        """The call that carries the conversation.

        Raises :class:`~graders.engine.core.errors.Finding` if the model was never asked.
        """
        if not self.requests:
            raise self.never_asked()
        return self.requests[0]

    @property
    def used(self) -> bool:
        """Whether the model was asked about this message."""
        return bool(self.requests)

    @property
    def cancelled(self) -> bool:
        """Whether the student's side gave up a call of this turn before it was complete."""
        return any(call.cancelled for call in self.requests)

    async def release(self, n: int = 1) -> None:
        """Let ``n`` more held chunks go; each call of the turn counts its own chunks."""
        self._released += n
        self._waiters.wake()

    async def release_all(self) -> None:
        """Let all held chunks go, also those that are yet to come."""
        self._all_released = True
        self._waiters.wake()

    async def wait_asked(self, n: int = 1) -> None:
        """Return once the model was asked ``n`` times for this turn."""
        await self._waiters.wait_for(lambda: len(self.requests) >= n)

    async def wait_said(self, n: int) -> None:
        """Return once ``n`` chunks of text were handed over for this turn, all calls together."""
        await self._waiters.wait_for(lambda: self.said >= n)

    async def wait_cancelled(self) -> None:
        """Return once a call of this turn was given up."""
        await self._waiters.wait_for(lambda: self.cancelled)

    def findings(self) -> list[Finding]:
        """Return what of the script was not played: never asked, or a round not reached."""
        if not self.requests:
            return [self.never_asked()]
        missing = [i for i in range(len(self.rounds)) if i not in self._placed.values()]
        return [self._not_reached(i) for i in missing if not self._is_optional(i)]

    def never_asked(self) -> Finding:
        """Return the finding for a message that the model never saw as the newest one."""
        return Finding(f"The model was not asked to answer the message {short(self.user_text)}.")

    # What the scripted model calls when it plays a turn.

    def made_call(self, call_id: str) -> bool:
        """Return whether this turn made the tool call with this id."""
        return call_id in self._rounds_of_calls

    def round_for(self, call: RecordedCall) -> int:
        """Return the round that a call asks for; one past the last if the script is at its end."""
        answered = (self._rounds_of_calls.get(call_id, -1) for call_id in call.outputs)
        index = max(answered, default=-1) + 1
        while index < len(self.rounds) and self._is_over(index, call):
            index += 1
        return index

    def steps_of(self, index: int) -> Round:
        """Return the steps of a round; empty past the script's end."""
        return self.rounds[index] if index < len(self.rounds) else ()

    def is_settled(self, index: int) -> bool:
        """Return whether a streaming call that surely carries the conversation had this round."""
        return failure_of(self.steps_of(index)) is None and any(
            call.streaming and call not in self._provisional and self._placed[call] == index
            for call in self.requests
        )

    @property
    def drafted(self) -> int | None:
        """The round of the first provisional answer in words; ``None`` when there was none."""
        rounds = (self._placed[call] for call in self.requests if call in self._provisional)
        return next((index for index in rounds if text_of(self.steps_of(index))), None)

    @property
    def draft(self) -> str:
        """The text of that answer."""
        return "" if self.drafted is None else text_of(self.steps_of(self.drafted))

    def waits_for_main(self, *, streaming: bool) -> bool:
        """Return whether a call with this text would be the first of its kind here."""
        return not any(call.streaming or not streaming for call in self.requests)

    def place(self, call: RecordedCall, index: int, *, provisional: bool) -> None:
        """Record that a call gets a round; provisional ones may turn out to be side calls."""
        self.requests.append(call)
        self._placed[call] = index
        if provisional:
            self._provisional.add(call)
        failure = failure_of(self.steps_of(index))
        if isinstance(failure, Fail | BreakConnection):
            self._failed.add((index, call.streaming))
        elif isinstance(failure, ContextTooLong):
            self._refused.setdefault(index, _size(call))
        self._waiters.wake()

    def demote(self, index: int) -> list[RecordedCall]:
        """Return up the provisional calls of this round and later ones: the true call has come."""
        demoted = [
            call
            for call in self.requests
            if call in self._provisional and self._placed[call] >= index
        ]
        for call in demoted:
            self.requests.remove(call)
            self._provisional.remove(call)
            del self._placed[call]
        return demoted

    def made(self, call_ids: Sequence[str], index: int) -> None:
        """Remember the ids of the tool calls of a round."""
        self._rounds_of_calls.update(dict.fromkeys(call_ids, index))

    async def wait_released(self, count: int, call: RecordedCall) -> None:
        """Return once ``count`` chunks were released, or the call was given up."""
        await self._waiters.wait_for(
            lambda: self._all_released or self._released >= count or call.cancelled
        )

    def notify(self) -> None:
        """Wake what waits, after a call of this turn has changed."""
        self._waiters.wake()

    def _is_over(self, index: int, call: RecordedCall) -> bool:
        """Return whether a failing round has done its work, so that this call gets the next one."""
        failure = failure_of(self.rounds[index])
        if isinstance(failure, ContextTooLong):
            return not self._is_too_long(failure, index, call)
        has_next = index + 1 < len(self.rounds)
        return failure is not None and has_next and (index, call.streaming) in self._failed

    def _is_too_long(self, step: ContextTooLong, index: int, call: RecordedCall) -> bool:
        if step.limit_items is not None:
            return len(call.input) > step.limit_items
        items, characters = _size(call)
        refused_items, refused_characters = self._refused.get(index, (0, 0))
        return items >= refused_items and characters >= refused_characters

    def _is_optional(self, index: int) -> bool:
        """Return whether a round is for another try after a failure, or an unneeded refusal."""
        return any(failure_of(self.rounds[i]) is not None for i in range(index)) or isinstance(
            failure_of(self.rounds[index]), ContextTooLong
        )

    def _not_reached(self, index: int) -> Finding:
        steps = ", ".join(label(step) for step in self.rounds[index])
        return Finding(
            f"While it answered {short(self.user_text)} the model was not asked again, "
            f"so it never came to: {steps}."
        )


def _size(call: RecordedCall) -> tuple[int, int]:
    """Return the input's length in items and in characters: a folded history is always one item."""
    return len(call.input), sum(len(item.text) for item in call.input)
