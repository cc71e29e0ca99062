"""The requests for vectors that a server makes: noted, held back or failed as a check wants it.

Must not know why a check wants it, nor how a vector is made.
"""

from __future__ import annotations

from collections.abc import Callable

from graders.engine.model.calls import OutgoingCall
from graders.engine.model.embedding import EmbeddingCall, read_embedding_call
from graders.engine.model.reading import json_object
from graders.engine.model.waiters import Waiters


class EmbeddingsAsked:
    """The requests for vectors so far, and what is to become of the next ones.

    ``waiting`` counts those that are held back now; ``failing`` says that the next ones fail.
    """

    def __init__(self) -> None:
        self.calls: list[EmbeddingCall] = []
        self.failing = False
        self.waiting = 0
        self._held = False
        self._but: Callable[[str], bool] = lambda _: False
        self._waiters = Waiters()

    def hold(self, but: Callable[[str], bool] = lambda _: False) -> None:
        """Answer no request from now on, until :meth:`release`.

        A request is answered all the same if ``but`` is true of one of its texts.
        """
        self._held = True
        self._but = but

    def release(self) -> None:
        """Answer those that wait, and all that come."""
        self._held = False
        self._waiters.wake()

    def asked(self, call: OutgoingCall) -> EmbeddingCall:
        """Note a request; one that cannot be read asks for the vector of an empty text."""
        try:
            body = json_object(call.body)
        except ValueError:
            body = {}
        asked = read_embedding_call(call.id, body)
        self.calls.append(asked)
        return asked

    async def wait_released(self, asked: EmbeddingCall) -> None:
        """Return once the request may be answered."""
        if any(map(self._but, asked.texts)):
            return
        self.waiting += 1
        try:
            await self._waiters.wait_for(lambda: not self._held)
        finally:
            self.waiting -= 1

    def with_text(self, part: str) -> list[EmbeddingCall]:
        """Return the requests that asked for the vector of a text with ``part`` in it."""
        return [call for call in self.calls if any(part in text for text in call.texts)]
