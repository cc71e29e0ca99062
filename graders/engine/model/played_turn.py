"""One scripted turn as the model plays it: which call gets which round, and what was sent.

A turn counts rounds by the outputs of tool calls that it made, so a call that comes again gets
the same round again. Must not know wire formats, other turns, or what the script's author asks.
"""

from __future__ import annotations

from collections.abc import Sequence

from graders.engine.model.calls import RecordedCall
from graders.engine.model.steps import (
    BreakConnection,
    ContextTooLong,
    Fail,
    Round,
    Step,
    failure_of,
    rounds,
    text_of,
)
from graders.engine.model.waiters import Waiters


class PlayedTurn:
    """The rounds of one turn, the calls that got them, and how many held chunks may go.

    ``requests`` are the calls that carried this turn, in order; ``said`` counts the chunks of
    text that were sent for it; ``waiters`` are woken whenever any of it may have changed.
    """

    def __init__(self, user_text: str, steps: Sequence[Step]) -> None:
        self.user_text = user_text
        self.rounds = rounds(steps)
        self.requests: list[RecordedCall] = []
        self.said = 0
        self.waiters = Waiters()
        self._released = 0
        self._all_released = False
        self._rounds_of_calls: dict[str, int] = {}
        self._answered = -1
        self._placed: dict[RecordedCall, int] = {}
        self._provisional: set[RecordedCall] = set()
        self._failed: set[tuple[int, bool]] = set()
        self._refused: dict[int, tuple[int, int]] = {}

    @property
    def used(self) -> bool:
        """Whether the model was asked about this message."""
        return bool(self.requests)

    def made_call(self, call_id: str) -> bool:
        """Return whether this turn made the tool call with this id."""
        return call_id in self._rounds_of_calls

    def round_for(self, call: RecordedCall) -> int:
        """Return the round that a call asks for; one past the last if the script is at its end."""
        answered = (self._rounds_of_calls.get(call_id, -1) for call_id in call.outputs)
        index = max(answered, default=-1)
        index = max(index, self._answered) + 1
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
        self.waiters.wake()

    def demote(self, index: int) -> list[RecordedCall]:
        """Take away the provisional calls of this round and later ones, and return them.

        The true call has come.
        """
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

    def answer_calls(self) -> None:
        """Take the tool calls that were made so far as answered, whatever later requests hold.

        A server may tell what a client gave in words of its own, without the call.
        """
        self._answered = max(self._rounds_of_calls.values(), default=-1)

    def has_played(self, index: int) -> bool:
        """Return whether a call got this round."""
        return index in self._placed.values()

    def sent_text(self) -> None:
        """Count a chunk of text that is about to be sent."""
        self.said += 1
        self.waiters.wake()

    def release(self, n: int) -> None:
        """Let ``n`` more held chunks go; each call of the turn counts its own chunks."""
        self._released += n
        self.waiters.wake()

    def release_all(self) -> None:
        """Let all held chunks go, also those that are yet to come."""
        self._all_released = True
        self.waiters.wake()

    async def wait_released(self, count: int, call: RecordedCall) -> None:
        """Return once ``count`` chunks were released, or the call was given up."""
        await self.waiters.wait_for(
            lambda: self._all_released or self._released >= count or call.cancelled
        )

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


def _size(call: RecordedCall) -> tuple[int, int]:
    """Return the input's length in items and in characters: a folded history is always one item."""
    return len(call.input), sum(len(item.text) for item in call.input)
