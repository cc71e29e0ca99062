"""A result for the reporter that GitHub Classroom's repositories still run.

Pure. What a step's output `result` must be: the base64 form of a JSON document. The reporter loses
the whole report where there is no test, and takes the line 0 for none.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from graders.engine.core.results import Result, Status
from graders.engine.reports.formats.styles import PLAIN, on_one_line
from graders.engine.reports.telling import ToldCriterion, body, problem_body, told

STATUSES = {Status.PASSED: "pass", Status.ERROR: "error"}
MOST_OUTPUT = 4_000
"""Characters about one criterion: the whole goes through one variable of the environment."""


def render(result: Result) -> str:
    """Return the output on one line."""
    return base64.b64encode(json.dumps(document(result)).encode()).decode() + "\n"


def document(result: Result) -> dict[str, Any]:
    """Return what the reporter reads."""
    # The reporter knows no test that is neither passed nor failed.
    shown = [each for each in told(result) if each.row.status is not Status.WITHHELD]
    tests = [_test(each, result) for each in shown] or [_nothing(result)]
    if result.problem is not None:
        # The document has no place for what concerns all tests.
        told_first = f"{problem_body(result, PLAIN)}\n\n{tests[0]['message'] or ''}"
        tests[0]["message"] = told_first[:MOST_OUTPUT].rstrip()
    return {
        "version": 1,
        "status": _status(result),
        "max_score": result.max_score,
        "tests": tests,
    }


def _status(result: Result) -> str:
    if result.grader_failed:
        return "error"
    return "pass" if result.full_marks else "fail"


def _test(each: ToldCriterion, result: Result) -> dict[str, Any]:
    row = each.row
    return {
        "name": on_one_line(row.title),
        "status": STATUSES.get(row.status, "fail"),
        "score": row.score,
        "max_score": row.max_score,
        "message": body(each, PLAIN)[:MOST_OUTPUT] or None,
        "test_code": f"python grade.py {result.lesson} --only {row.id}",
        "filename": "",
        "line_no": 0,
        "duration": round(sum(case.duration_ms for case in row.cases)),
    }


def _nothing(result: Result) -> dict[str, Any]:
    return {
        "name": result.lesson,
        "status": "error",
        "score": 0,
        "max_score": 0,
        "message": "Nothing was graded.",
        "test_code": f"python grade.py {result.lesson}",
        "filename": "",
        "line_no": 0,
        "duration": 0,
    }
