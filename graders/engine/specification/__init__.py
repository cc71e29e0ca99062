"""What the scenarios of a specification are worth.

They are played on right servers, where each must hold, and on broken ones, which they ought to
notice. Must not know a lesson, nor give points.
"""

from graders.engine.specification.advice import (
    EmptyScenario,
    IdleExpectation,
    RepeatedScenario,
    VagueWord,
    empty_scenarios,
    idle_expectations,
    refusing_scenarios,
    repeated_scenarios,
    vague_words,
)
from graders.engine.specification.each import noticed_by_each
from graders.engine.specification.holding import HeldScenario, held_on
from graders.engine.specification.opponents import Opponents, load_opponents
from graders.engine.specification.worth import Overdemand, Worth, telling, worth_of

__all__ = [
    "EmptyScenario",
    "HeldScenario",
    "IdleExpectation",
    "Opponents",
    "Overdemand",
    "RepeatedScenario",
    "VagueWord",
    "Worth",
    "empty_scenarios",
    "held_on",
    "idle_expectations",
    "load_opponents",
    "noticed_by_each",
    "refusing_scenarios",
    "repeated_scenarios",
    "telling",
    "vague_words",
    "worth_of",
]
