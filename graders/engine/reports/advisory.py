"""What a score is worth, in one sentence, and how the server was isolated, in one line.

Pure; the same words in every format.
"""

from __future__ import annotations

from graders.engine.core.results import NOT_STARTED, IsolationLevel, Result

PRACTICE = "This run is practice: it does not count as your score."
FORGEABLE = "The server was not fully isolated here, so this score could be forged."
COUNTS = "This run counts, if the machine is one that the student does not control."


def advisory_line(result: Result) -> str:
    """Return whether the score counts."""
    if result.advisory:
        return PRACTICE
    isolated = result.isolation.level.reaches(IsolationLevel.STRONG)
    return COUNTS if isolated or result.isolation == NOT_STARTED else FORGEABLE


def isolation_line(result: Result) -> str:
    """Name the level of isolation, and what is missing of it."""
    isolation = result.isolation
    if isolation == NOT_STARTED:
        return "Isolation: none was needed, because no server was started."
    missing = f" Missing: {' '.join(isolation.missing)}" if isolation.missing else ""
    return f"Isolation: {isolation.level}.{missing}"
