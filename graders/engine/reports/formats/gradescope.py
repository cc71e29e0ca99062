"""A result as Gradescope's `results.json`.

Pure. Visibility is Gradescope's own word for each test, so that texts which it hides are in the
file all the same: the file is for Gradescope and not for students.
"""

from __future__ import annotations

import json
from typing import Any

from graders.engine.core.results import Result, Status
from graders.engine.reports.advisory import isolation_line
from graders.engine.reports.formats.styles import MARKDOWN, on_one_line
from graders.engine.reports.telling import ToldCriterion, body, problem_body, told


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
        "tests": [_test(each, number) for number, each in enumerate(told(result), start=1)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _test(each: ToldCriterion, number: int) -> dict[str, Any]:
    row = each.row
    return {
        "score": row.score,
        "max_score": row.max_score,
        "status": "passed" if row.status is Status.PASSED else "failed",
        "name": on_one_line(row.title),
        "number": str(number),
        "output": body(each, MARKDOWN),
        "output_format": "md",
        "tags": [row.id],
        "visibility": str(row.visibility),
    }


def _extra(result: Result) -> dict[str, Any]:
    return {
        "lesson": result.lesson,
        "seed": result.seed,
        "isolation": str(result.isolation.level),
        "advisory": result.advisory,
        "grader_failed": result.grader_failed,
    }
