"""A result as PrairieLearn's `results.json`.

Pure. What does not fit into its 1 MB loses the conversations, then the tests' outputs.
"""

from __future__ import annotations

import json
from typing import Any

from graders.engine.core.results import Result
from graders.engine.reports.advisory import isolation_line
from graders.engine.reports.formats.styles import PLAIN, on_one_line
from graders.engine.reports.telling import ToldCriterion, body, problem_body, told

MOST_BYTES = 900_000
"""PrairieLearn refuses results of more than 1 MB."""
LONGEST_OUTPUT = 20_000
SHORT_OUTPUT = 1_000


def render(result: Result) -> str:
    """Return the JSON document; its score is the share of the points, from 0 to 1."""
    for longest in (LONGEST_OUTPUT, SHORT_OUTPUT):
        text = _written(result, longest)
        if len(text.encode()) <= MOST_BYTES:
            return text
    return _written(result, 0)


def _written(result: Result, longest: int) -> str:
    return json.dumps(_document(result, longest), indent=2, ensure_ascii=False) + "\n"


def _document(result: Result, longest: int) -> dict[str, Any]:
    return {
        "gradable": True,
        "score": result.score / result.max_score if result.max_score else 0,
        "message": isolation_line(result),
        "output": problem_body(result, PLAIN)[:LONGEST_OUTPUT],
        "tests": [_test(each, longest) for each in told(result)],
    }


def _test(each: ToldCriterion, longest: int) -> dict[str, Any]:
    output = body(each, PLAIN)
    cut = len(output) > longest
    return {
        "name": on_one_line(each.row.title),
        "description": each.row.id,
        "points": each.row.score,
        "max_points": each.row.max_score,
        "message": each.standing,
        "output": f"{output[:longest]}\n... [the rest was left out]" if cut else output,
    }
