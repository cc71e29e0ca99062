"""What can be said of a specification without a server: empty, idle, repeated, and vague things.

Pure. Must not know what a scenario is worth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from graders.engine.content.conversation import OF_THE_GRADER, ConversationTurn
from graders.engine.content.expectations import Expectation
from graders.engine.content.specification import Scenario, Specification

# Words that nobody can test as they are, and what a reader should ask instead.
_VAGUE = {
    "fast": "within how many tokens, or before what?",
    "quick": "within how many tokens, or before what?",
    "quickly": "within how many tokens, or before what?",
    "slow": "later than what?",
    "user-friendly": "what does the user see?",
    "friendly": "what does the user see?",
    "intuitive": "what does the user see?",
    "easy": "for whom, and to do what?",
    "simple": "for whom, and to do what?",
    "robust": "against what?",
    "reliable": "what must not be lost, and when?",
    "secure": "who must not get what?",
    "scalable": "with how many users at once?",
    "efficient": "what must not be asked twice?",
    "appropriate": "which one?",
    "properly": "how would a wrong one look?",
    "correctly": "how would a wrong one look?",
    "reasonable": "how many, or how long?",
    "seamless": "what does the user see?",
    "nice": "how would a bad one look?",
    "several": "how many?",
    "etc": "what else?",
}
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_PROSE = frozenset({"given", "when", "then"})
_WORDS_OF_THE_FORMAT = frozenset(
    {"token", "feedback", "role", "order", "events", "headers", "type", "name", "client_tool"}
)
"""Keys whose texts mean something by themselves."""
_CANARY = re.compile(r"\{canary\.[a-z][a-z0-9_-]*\}")


_FAILED = 400


@dataclass(frozen=True)
class EmptyScenario:
    """A scenario that expects nothing, or nothing that a server could fail."""

    name: str


@dataclass(frozen=True)
class IdleExpectation:
    """A part of an expectation that holds on every server; ``why`` it does, as a clause."""

    scenario: str
    turn: str
    why: str


@dataclass(frozen=True)
class RepeatedScenario:
    """A scenario that does and expects the same as another one."""

    name: str
    other: str


@dataclass(frozen=True)
class VagueWord:
    """A word of a requirement that cannot be tested, and the question that it leaves open."""

    requirement: str
    word: str
    question: str


def empty_scenarios(spec: Specification) -> list[EmptyScenario]:
    """Return the scenarios in which no turn expects anything that a server could fail."""
    return [EmptyScenario(each.name) for each in spec.scenarios if _is_empty(each)]


def idle_expectations(spec: Specification) -> list[IdleExpectation]:
    """Return what holds on every server, because what must not be seen is nowhere."""
    return [
        IdleExpectation(each.name, turn, why)
        for each in spec.scenarios
        for turn, _, idle in _looked_at(each)
        for why in idle
    ]


def refusing_scenarios(spec: Specification) -> list[str]:
    """Return the names of those that hold on a server that refuses every request."""
    return [each.name for each in spec.scenarios if _wants_nothing_served(each)]


def repeated_scenarios(spec: Specification) -> list[RepeatedScenario]:
    """Return the scenarios that differ from an earlier one in names and words only."""
    first: dict[str, str] = {}
    found = []
    for each in spec.scenarios:
        shape = _shape(each)
        if shape in first:
            found.append(RepeatedScenario(each.name, first[shape]))
        else:
            first[shape] = each.name
    return found


def vague_words(spec: Specification) -> list[VagueWord]:
    """Return the words of requirements that no test can decide."""
    return [
        VagueWord(each.id, word, _VAGUE[word])
        for each in spec.requirements
        for word in dict.fromkeys(_WORD.findall(each.text.lower()))
        if word in _VAGUE
    ]


def _is_empty(scenario: Scenario) -> bool:
    return all(rest.is_empty for _, rest, _ in _looked_at(scenario))


def _wants_nothing_served(scenario: Scenario) -> bool:
    wanted = [turn.expect for _, turn in scenario.all_turns if turn.action not in OF_THE_GRADER]
    return all(each.refused or each.any_outcome or (each.status or 0) >= _FAILED for each in wanted)


def _looked_at(scenario: Scenario) -> Iterator[tuple[str, Expectation, list[str]]]:
    """Yield for each turn its place, what can fail of its expectations, and why the rest cannot."""
    said: set[str] = set()
    acted: set[str] = set()
    for number, turn in enumerate(scenario.turns, 1):
        parts = turn.together or (turn,)
        for part in parts:
            said |= _canaries_said(part)
            if part.action not in OF_THE_GRADER:
                acted.add(scenario.speaker(part))
        for index, part in enumerate(parts, 1):
            where = f"turn {number}.{index}" if turn.together else f"turn {number}"
            # A user cannot be shown what is nobody's but their own.
            others = acted - {scenario.speaker(part)}
            yield where, *_without_idle(part.expect, said, others)


def _canaries_said(turn: ConversationTurn) -> set[str]:
    """Return the random words in all that a turn does."""
    done = turn.model_dump_json(exclude={"expect", "given", "when", "then"}, exclude_unset=True)
    return set(_CANARY.findall(done))


def _without_idle(
    wanted: Expectation, said: Collection[str], others: Collection[str]
) -> tuple[Expectation, list[str]]:
    """Return what a server could fail, and why it could not fail the rest."""
    hidden = wanted.widget.hides if wanted.widget is not None else ()
    # A placeholder becomes a word that nobody else has: a server that never got it cannot show it.
    unheard = [
        text
        for text in (*wanted.model_did_not_see, *hidden)
        if any(word not in said for word in _CANARY.findall(text))
    ]
    idle_users = [name for name in wanted.nothing_of if name not in others]
    rest = {
        "model_did_not_see": tuple(x for x in wanted.model_did_not_see if x not in unheard),
        "nothing_of": tuple(x for x in wanted.nothing_of if x not in idle_users),
        "any_outcome": None,
    }
    why = [f"nobody has said `{text}` by then" for text in unheard]
    why += [f"`{name}` has done nothing by then, or is who looks" for name in idle_users]
    return wanted.model_copy(update=rest), why


def _shape(scenario: Scenario) -> str:
    """Return what a scenario does, with numbers in place of the names and words that it chose."""
    turns = [turn.model_dump(mode="json", exclude_unset=True) for turn in scenario.turns]
    return json.dumps(_Numbered().value(turns, ""), sort_keys=True)


class _Numbered:
    """Puts a number in place of each text, the same one for the same text."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}

    def value(self, value: Any, key: str) -> Any:
        """Return ``value``, which stands under ``key``, with numbers for texts."""
        match value:
            case dict():
                return {
                    name: self.value(each, name)
                    for name, each in value.items()
                    if name not in _PROSE
                }
            case list():
                return [self.value(each, key) for each in value]
            case str() if key not in _WORDS_OF_THE_FORMAT:
                return self._text(value)
            case _:
                return value

    def _text(self, text: str) -> list[int]:
        """Return the number of what is between canary words, and those of these words."""
        words = _CANARY.findall(text)
        rest = _CANARY.sub("{}", text) if _CANARY.sub("", text).strip() else ""
        return [self._number(each) for each in (rest, *words)]

    def _number(self, text: str) -> int:
        return self._texts.setdefault(text, len(self._texts))
