"""One scripted turn as its author sees it: what was asked and sent, and what may go on.

Must not know which call gets which round: that is the :class:`PlayedTurn`'s.
"""

from __future__ import annotations

from collections.abc import Sequence

from graders.engine.core.errors import Finding
from graders.engine.model.calls import RecordedCall
from graders.engine.model.played_turn import PlayedTurn
from graders.engine.model.steps import ContextTooLong, Step, failure_of, label, short


class Turn:
    """The script for the answer to one user message; ``played`` is for the scripted model."""

    def __init__(self, user_text: str, steps: Sequence[Step]) -> None:
        self.played = PlayedTurn(user_text, steps)

    @property
    def user_text(self) -> str:
        """The message of the user that is answered."""
        return self.played.user_text

    @property
    def requests(self) -> Sequence[RecordedCall]:
        """The calls that carried this turn, in order."""
        return self.played.requests

    @property
    def said(self) -> int:
        """How many chunks of text were sent for it."""
        return self.played.said

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
        return self.played.used

    @property
    def cancelled(self) -> bool:
        """Whether the student's side gave up a call of this turn before it was complete."""
        return any(call.cancelled for call in self.requests)

    async def release(self, n: int = 1) -> None:
        """Let ``n`` more held chunks go; each call of the turn counts its own chunks."""
        self.played.release(n)

    async def release_all(self) -> None:
        """Let all held chunks go, also those that are yet to come."""
        self.played.release_all()

    def client_answers(self) -> None:
        """Note that a client sends what its tools gave: the model goes on when it is asked next."""
        self.played.answer_calls()

    async def wait_asked(self, n: int = 1) -> None:
        """Return once the model was asked ``n`` times for this turn."""
        await self.played.waiters.wait_for(lambda: len(self.requests) >= n)

    async def wait_said(self, n: int) -> None:
        """Return once ``n`` chunks of text were handed over for this turn, all calls together."""
        await self.played.waiters.wait_for(lambda: self.said >= n)

    async def wait_cancelled(self) -> None:
        """Return once a call of this turn was given up."""
        await self.played.waiters.wait_for(lambda: self.cancelled)

    def findings(self) -> list[Finding]:
        """Return what of the script was not played: never asked, or a round not reached."""
        if not self.requests:
            return [self.never_asked()]
        missing = [i for i in range(len(self.played.rounds)) if not self.played.has_played(i)]
        return [self._not_reached(i) for i in missing if not self._is_optional(i)]

    def never_asked(self) -> Finding:
        """Return the finding for a message that the model never saw as the newest one."""
        return Finding(f"The model was not asked to answer the message {short(self.user_text)}.")

    def _is_optional(self, index: int) -> bool:
        """Return whether a round is for another try after a failure, or an unneeded refusal."""
        failures = [failure_of(steps) for steps in self.played.rounds[: index + 1]]
        return any(failures[:-1]) or isinstance(failures[-1], ContextTooLong)

    def _not_reached(self, index: int) -> Finding:
        steps = ", ".join(label(step) for step in self.played.rounds[index])
        return Finding(
            f"While it answered {short(self.user_text)} the model was not asked again, "
            f"so it never came to: {steps}."
        )
