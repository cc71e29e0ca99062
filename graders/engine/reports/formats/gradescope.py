"""A result as Gradescope's `results.json`.

Pure. Visibility is Gradescope's own word for each test, so that texts which it hides are in the
file all the same: the file is for Gradescope and not for students. A criterion of which students
see more later is several tests: one with its points, and one without for what comes later. Texts
that students never see are not in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from graders.engine.core.results import CriterionResult, Result, Status, Visibility
from graders.engine.reports.advisory import isolation_line
from graders.engine.reports.audience import Audience, seen_by
from graders.engine.reports.formats.styles import MARKDOWN, on_one_line
from graders.engine.reports.telling import body, problem_body, told

_STRICTNESS = tuple(Visibility)
"""In the order of the readers of `Audience`: the one at a place sees what stands there."""


def render(result: Result) -> str:
    """Return the JSON document; the total is the result's own."""
    document = {
        "score": result.score,
        "execution_time": round(result.duration_ms / 1000, 3),
        "output": problem_body(result, MARKDOWN) or MARKDOWN.sentence(isolation_line(result)),
        "output_format": "md",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": _extra(result),
        "tests": list(_tests(result)),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _tests(result: Result) -> Iterator[dict[str, Any]]:
    told_to = [told(seen_by(audience, result)) for audience in Audience]
    for place, row in enumerate(result.criteria):
        texts = [body(each[place], MARKDOWN) for each in told_to]
        # The first who reads its title and its points reads the text that is meant for them.
        first = max(_STRICTNESS.index(row.levels.title), _STRICTNESS.index(row.levels.score))
        yield _test(row, str(place + 1), texts[first], _STRICTNESS[first])
        later = {_STRICTNESS.index(level) for level in (row.levels.seen, row.levels.hint)}
        for part, level in enumerate(sorted(later), start=1):
            # A hidden test would hide the total from students, for ever.
            never = _STRICTNESS[level] is Visibility.HIDDEN
            if level > first and not never and texts[level] != texts[level - 1]:
                yield _details(row, f"{place + 1}.{part}", texts[level], _STRICTNESS[level])


def _test(row: CriterionResult, number: str, text: str, level: Visibility) -> dict[str, Any]:
    return {
        "score": row.score,
        "max_score": row.max_score,
        "status": "passed" if row.status is Status.PASSED else "failed",
        **_shared(row, number, text, level),
    }


def _details(row: CriterionResult, number: str, text: str, level: Visibility) -> dict[str, Any]:
    shared = _shared(row, number, text, level)
    return {**shared, "name": f"{shared['name']} (details)"}


def _shared(row: CriterionResult, number: str, text: str, level: Visibility) -> dict[str, Any]:
    return {
        "name": on_one_line(row.title),
        "number": number,
        "output": text,
        "output_format": "md",
        "tags": [row.id],
        "visibility": str(level),
    }


def _extra(result: Result) -> dict[str, Any]:
    return {
        "lesson": result.lesson,
        "seed": result.seed,
        "isolation": str(result.isolation.level),
        "advisory": result.advisory,
        "grader_failed": result.grader_failed,
    }
