"""Decides what a call is: the one that carries a turn's conversation, or a side call.

Must not answer, record or change anything.

    structured output wanted                              side
    words of a side call, does not stream                 side
    words of a side call, streams                         provisional; side once the main one came
    no known user text: streams or has tools              the oldest turn that waits, else side
    no known user text, but a provisional answer          as with that answer's user text, and both
                                                          carry the conversation
    a known user text: streams                            main
    a known user text: does not stream                    provisional; side once the main one came
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from graders.engine.model.calls import RecordedCall
from graders.engine.model.matching import last_known_text
from graders.engine.model.played_turn import PlayedTurn
from graders.engine.model.purposes import purpose_by_words

Role = Literal["main", "provisional", "side", "unscripted"]


@dataclass(frozen=True)
class Place:
    """What a call is; ``turn`` and ``index`` say which round of a script it gets.

    ``purpose`` is what a side call seems to be for. ``builds_on`` tells that the call goes on from
    a provisional one, which is then no side call: a second agent polishes the first one's draft.
    """

    role: Role
    turn: PlayedTurn | None = None
    index: int = 0
    purpose: str = "other"
    builds_on: bool = False


def place_call(call: RecordedCall, turns: Sequence[PlayedTurn]) -> Place:
    """Find a call's place among the turns that were scripted."""
    if call.schema is not None:
        return Place("side", purpose="structured")
    purpose = purpose_by_words(call, [turn.user_text for turn in turns])
    if purpose and not call.streaming and not call.tools:
        return Place("side", purpose=purpose)
    turn = _turn_of(call, turns)
    if turn is None and (drafted := _turn_by_draft(call, turns)) is not None:
        return replace(_place_in(drafted, call, purpose, drafted.drafted), builds_on=True)
    turn = turn or _waiting_turn(call, turns, purpose)
    if turn is not None:
        return _place_in(turn, call, purpose)
    return Place("side" if turns or purpose else "unscripted", purpose=purpose or "other")


def _place_in(
    turn: PlayedTurn, call: RecordedCall, purpose: str, at_least: int | None = None
) -> Place:
    index = max(turn.round_for(call), at_least or 0)
    sure = call.streaming and not purpose
    if not sure and turn.is_settled(min(index, len(turn.rounds) - 1)):
        return Place("side", purpose=purpose or "other")
    if not turn.steps_of(index):
        return Place("unscripted", turn, index)
    return Place("main" if sure else "provisional", turn, index)


def _turn_of(call: RecordedCall, turns: Sequence[PlayedTurn]) -> PlayedTurn | None:
    return _turn_by_tool_output(call, turns) or _turn_by_text(call, turns)


def _turn_by_tool_output(call: RecordedCall, turns: Sequence[PlayedTurn]) -> PlayedTurn | None:
    """Return the turn whose tool call was answered after the newest user message."""
    for item in reversed(call.input):
        if item.kind == "message" and item.role == "user":
            return None
        for turn in turns:
            if item.kind == "function_call_output" and turn.made_call(item.call_id):
                return turn
    return None


def _turn_by_text(call: RecordedCall, turns: Sequence[PlayedTurn]) -> PlayedTurn | None:
    """Return the turn of the last known user text; of several with one text, the next in order."""
    waiting = {turn.user_text for turn in turns if not turn.used}
    known = list(dict.fromkeys(turn.user_text for turn in turns))
    text = last_known_text(call, known, lambda text: text not in waiting)
    same = [turn for turn in turns if turn.user_text == text]
    begun = (turn for turn in same if any(turn.made_call(output) for output in call.outputs))
    fresh = (turn for turn in same if turn.waits_for_main(streaming=call.streaming))
    turn = next(fresh, None) or next(begun, None) or (same[-1] if same else None)
    return _passed_over(turn, call, turns) or turn


def _turn_by_draft(call: RecordedCall, turns: Sequence[PlayedTurn]) -> PlayedTurn | None:
    """Return the turn whose provisional answer is in the call, which may hold no user's text."""
    drafts = {turn.draft: turn for turn in turns if turn.draft}
    text = last_known_text(call, list(drafts), lambda _text: False)
    return drafts.get(text) if text is not None else None


def _passed_over(
    turn: PlayedTurn | None, call: RecordedCall, turns: Sequence[PlayedTurn]
) -> PlayedTurn | None:
    """Return a newer turn that waits and is in the call too, if the last one was answered.

    Some servers send the conversation backwards, or the newest message before the history.
    """
    if turn is None or not turn.is_settled(min(turn.round_for(call), len(turn.rounds) - 1)):
        return None
    newer = [other for other in turns[turns.index(turn) + 1 :] if not other.used]
    text = last_known_text(call, [other.user_text for other in newer], lambda _text: False)
    return next((other for other in newer if other.user_text == text), None)


def _waiting_turn(
    call: RecordedCall, turns: Sequence[PlayedTurn], purpose: str
) -> PlayedTurn | None:
    """Return the oldest turn that was not played: a server may send the model another text."""
    if purpose or not (call.streaming or call.tools):
        return None
    return next((turn for turn in turns if not turn.used), None)
