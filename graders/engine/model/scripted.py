"""The scripted model: answers every call that leaves the student's process, and remembers it.

Its caller hands in each outgoing HTTP request and sends on what it gets.
Must not know the wire, processes or ChatKit, and reads no clock.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass

from graders.engine.core.errors import Finding
from graders.engine.model.answer import Piece
from graders.engine.model.calls import OutgoingCall, RecordedCall
from graders.engine.model.cutting import Cuts
from graders.engine.model.embeddings_asked import EmbeddingsAsked
from graders.engine.model.ids import Ids
from graders.engine.model.placing import Place, place_call
from graders.engine.model.played_turn import PlayedTurn
from graders.engine.model.provider import Provider, ProviderAnswer, failure
from graders.engine.model.purposes import wording_of
from graders.engine.model.reading import read_call
from graders.engine.model.replies import ModelReply, scripted_reply
from graders.engine.model.routes import (
    EMBEDDINGS,
    host_of,
    is_to_provider,
    left_out,
    model_api,
    route_of,
    told,
)
from graders.engine.model.sending import (
    Chunk,
    Drop,
    End,
    EventKind,
    Head,
    ModelEvent,
    Refuse,
    Sent,
)
from graders.engine.model.side import plain_answer, structured_answer, without_tools
from graders.engine.model.steps import (
    Round,
    Step,
    fail,
    say,
    short,
)
from graders.engine.model.turns import Turn

_PIECE_BYTES = 1 << 20
"""An answer goes out in pieces of this size: one message of the wire holds only some of them."""


@dataclass(frozen=True)
class _Play:
    """A reply on its way; ``turn`` only if it is the script's, ``gated`` if held chunks wait."""

    call: RecordedCall
    reply: ModelReply
    turn: PlayedTurn | None = None
    gated: bool = False


class ScriptedModel:
    """A model that says what it was told to say, and remembers what it was asked.

    ``api_key`` is the key that each call must carry (empty: any). ``ids`` is a source of unique
    texts for the ids that the model makes. ``on_event`` is told what the model does.
    ``provider_calls`` counts the calls of the provider's API that asked for no words of the model;
    ``embeddings`` are those that asked for vectors.
    """

    def __init__(
        self,
        *,
        api_key: str = "",
        ids: Iterator[str] | None = None,
        on_event: Callable[[ModelEvent], None] = lambda _event: None,
    ) -> None:
        self.calls: list[RecordedCall] = []
        self.side_calls: list[RecordedCall] = []
        self.provider_calls: dict[str, int] = {}
        self.embeddings = EmbeddingsAsked()
        self.turns: list[Turn] = []
        self.api_key = api_key
        self._ids = Ids(ids)
        self._on_event = on_event
        self._provider = Provider(self._ids)
        self._seen: list[RecordedCall] = []
        self._newest: dict[int, RecordedCall] = {}
        self._places: dict[bytes, Place] = {}
        self._problems: list[Finding] = []
        self._cuts: Cuts | None = None

    def on(self, user_text: str, *steps: Step) -> Turn:
        """Script the answer to a message of the user; several with one text come in order."""
        if not steps or not user_text.strip():
            message = "a turn needs a text of the user and at least one step"
            raise ValueError(message)
        turn = Turn(user_text, steps)
        self.turns.append(turn)
        return turn

    def forget(self) -> None:
        """Forget all turns and calls: what comes from now on belongs to other conversations."""
        self.turns.clear()
        self.calls.clear()
        self.side_calls.clear()
        self._seen.clear()
        self._problems.clear()
        self._places.clear()

    def cut_streams(self, seed: int) -> None:
        """Cut the bytes of streams from now on, as networks do, also inside a character."""
        self._cuts = Cuts(seed)

    def answer(self, call: OutgoingCall) -> AsyncGenerator[Sent, None]:
        """Answer one outgoing call; to close the generator early is to give up the call."""
        api = model_api(call)
        if api is None:
            return self._answer_other(call)
        recorded = self._provider.memory.complete(read_call(call, api))
        self._seen.append(recorded)
        self._newest[call.id] = recorded
        return self._play(self._plan(recorded, _fingerprint(call)))

    def cancelled(self, call_id: int) -> None:
        """Record that the student's side gave up a call; without effect if it was complete."""
        call = self._newest.get(call_id)
        if call is not None:
            self._give_up(call)

    def findings(self) -> list[Finding]:
        """Return what was not as scripted.

        Calls without a step, steps without a call, a wrong key.
        """
        unplayed = [finding for turn in self.turns for finding in turn.findings()]
        return [*self._problems, *self._wrong_keys(), *unplayed]

    def _give_up(self, call: RecordedCall) -> None:
        state = call.state
        if state.finished or state.cancelled:
            return
        state.cancelled = True
        self._tell("cancelled", call, "the call was given up before the answer was complete")
        for turn in self.turns:
            turn.played.waiters.wake()

    def _wrong_keys(self) -> list[Finding]:
        wrong = [call for call in self._seen if call.key != self.api_key]
        if not self.api_key or not wrong:
            return []
        had = "another API key" if wrong[0].key else "no API key"
        return [Finding(f"A call of the model had {had} instead of the one in OPENAI_API_KEY.")]

    def _plan(self, call: RecordedCall, fingerprint: bytes) -> _Play:
        if call.problem:
            return self._unreadable(call)
        place = self._place(call, fingerprint)
        self._tell("asked", call, _summary(call))
        match place.role:
            case "side":
                return self._side(call, place.purpose)
            case "main" | "provisional" if place.turn is not None:
                return self._scripted(call, place, place.turn)
            case _:
                return self._unscripted(call, place.turn)

    def _place(self, call: RecordedCall, fingerprint: bytes) -> Place:
        """Return where a call belongs; a retry by openai's client stays where the call was."""
        before = self._places.get(fingerprint) if call.retry else None
        place = before or place_call(call, [turn.played for turn in self.turns])
        self._places[fingerprint] = place
        return place

    def _scripted(self, call: RecordedCall, place: Place, turn: PlayedTurn) -> _Play:
        if place.role == "main" and not place.builds_on:
            for demoted in turn.demote(place.index):
                self._make_side(demoted, "other")
        self.calls.append(call)
        turn.place(call, place.index, provisional=place.role == "provisional")
        steps = turn.steps_of(place.index)
        talks = place.role == "provisional" and not call.tools
        reply = self._reply(call, without_tools(steps) if talks else steps)
        if reply.answer is not None:
            turn.made(reply.answer.call_ids, place.index)
        return _Play(call, reply, turn, gated=place.role == "main")

    def _reply(self, call: RecordedCall, steps: Round) -> ModelReply:
        reply = scripted_reply(call, steps, self._ids)
        if reply.answer is not None and not reply.failure:
            self._provider.memory.keep(call, reply.answer)
        return reply

    def _side(self, call: RecordedCall, purpose: str) -> _Play:
        self._make_side(call, purpose)
        if call.schema is not None:
            text = structured_answer(call.schema)
        else:
            text = plain_answer(purpose, wording_of(call))
        return _Play(call, self._reply(call, (say(text),)))

    def _make_side(self, call: RecordedCall, purpose: str) -> None:
        call.state.side_purpose = purpose
        if call in self.calls:
            self.calls.remove(call)
        self.side_calls.append(call)
        self._tell("side", call, f"a side call ({purpose})")

    def _unscripted(self, call: RecordedCall, turn: PlayedTurn | None) -> _Play:
        about = f" about {short(turn.user_text)}" if turn is not None else ""
        text = f"The model was asked once more than expected{about}: {_summary(call)}."
        self._problems.append(Finding(text))
        self.calls.append(call)
        step = fail(500, "unscripted", "The script has no answer to this call.")
        return _Play(call, scripted_reply(call, (step,), self._ids))

    def _unreadable(self, call: RecordedCall) -> _Play:
        text = f"A call of the model could not be read: {call.problem}."
        self._problems.append(Finding(text))
        self.calls.append(call)
        self._tell("asked", call, text)
        step = fail(400, "invalid_request_error", f"The request could not be read: {call.problem}.")
        return _Play(call, scripted_reply(call, (step,), self._ids))

    async def _play(self, play: _Play) -> AsyncGenerator[Sent, None]:
        call, reply, held = play.call, play.reply, 0
        try:
            if reply.status is not None:
                yield Head(reply.status, reply.headers)
            for number, piece in enumerate(reply.pieces):
                if piece.held and play.gated and play.turn is not None:
                    held += 1
                    await play.turn.wait_released(held, call)
                await asyncio.sleep(0)  # so that other calls, and a cancellation, get their turn
                if call.cancelled:
                    return
                self._note(play, piece)
                for part in self._cuts.parts(piece.data, number) if self._cuts else (piece.data,):
                    yield Chunk(part)
            call.state.finished = True
            if reply.failure:
                self._tell("failed", call, reply.failure)
            yield Drop() if reply.drops else End()
        finally:
            self._give_up(call)

    def _note(self, play: _Play, piece: Piece) -> None:
        """Note a piece that is about to be sent: after the last one a client may go."""
        play.call.state.finished = piece.last
        if piece.says is not None and play.turn is not None:
            play.turn.sent_text()
            self._tell("said", play.call, short(piece.says))

    async def _answer_other(self, call: OutgoingCall) -> AsyncGenerator[Sent, None]:
        """Answer a call that asks for no words of the model, or refuse it."""
        route = route_of(call)
        if route is not None:
            failed = await self._embed(call) if route.name == EMBEDDINGS else None
            answer = failed or self._provider.answer(call, route)
            self.provider_calls[route.name] = self.provider_calls.get(route.name, 0) + 1
            self._on_event(ModelEvent("side", f"{told(call)}: status {answer.status}", call.id))
        elif is_to_provider(call):
            reason = f"The grader's model does not answer `{told(call)}`{_because(call)}."
            self._on_event(ModelEvent("refused", reason, call.id))
            answer = failure(404, reason)
        else:
            reason = f"Nothing may be reached at {host_of(call.url)}."
            self._on_event(ModelEvent("refused", reason, call.id))
            yield Refuse(reason)
            return
        yield Head(answer.status, answer.headers)
        for start in range(0, len(answer.body), _PIECE_BYTES):
            yield Chunk(answer.body[start : start + _PIECE_BYTES])
        yield End()

    async def _embed(self, call: OutgoingCall) -> ProviderAnswer | None:
        """Note a call for vectors, which may have to wait; return its failure, if it is to fail."""
        await self.embeddings.wait_released(self.embeddings.asked(call))
        return failure(500, "The server had an error.") if self.embeddings.failing else None

    def _tell(self, kind: EventKind, call: RecordedCall, text: str) -> None:
        self._on_event(ModelEvent(kind, text, call.id))


def _because(call: OutgoingCall) -> str:
    what = left_out(call)
    return f": {what} cannot be used here, see README.md" if what else ""


def _fingerprint(call: OutgoingCall) -> bytes:
    return hashlib.sha256(call.url.encode("utf-8", "replace") + b"\n" + call.body).digest()


def _summary(call: RecordedCall) -> str:
    newest = call.user_texts[-1] if call.user_texts else ""
    way = "streaming" if call.streaming else "not streaming"
    count = len(call.input)
    return f"{short(newest)} ({call.api}, {way}, {count} input item{'s' * (count != 1)})"
