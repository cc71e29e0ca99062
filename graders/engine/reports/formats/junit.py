"""A result as JUnit XML, as pytest writes it: one test case for each criterion.

Pure. A criterion that was not tried is skipped; a check of ours that broke is an error, no failure.
"""

from __future__ import annotations

from collections import Counter
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from graders.engine.core.results import Result, Status
from graders.engine.reports.formats.styles import PLAIN, on_one_line
from graders.engine.reports.telling import ToldCriterion, body, problem_body, told

HOST = "grader"
"""No name of a machine: the file is read by others."""
OUTCOMES = {
    Status.FAILED: "failure",
    Status.ERROR: "error",
    Status.BLOCKED: "skipped",
    Status.NOT_RUN: "skipped",
    Status.WITHHELD: "skipped",
}


def render(result: Result) -> str:
    """Return the XML document."""
    root = Element("testsuites", name=f"ChatKit autograder: {on_one_line(result.lesson)}")
    suite = SubElement(root, "testsuite", _counts(result))
    properties = SubElement(suite, "properties")
    for name, value in _properties(result):
        SubElement(properties, "property", name=name, value=value)
    for each in told(result):
        _add(suite, each, result)
    if result.problem is not None:
        SubElement(suite, "system-out").text = problem_body(result, PLAIN)
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(result: Result) -> dict[str, str]:
    count = Counter(OUTCOMES.get(row.status, "passed") for row in result.criteria)
    return {
        "name": on_one_line(result.lesson),
        "errors": str(count["error"]),
        "failures": str(count["failure"]),
        "skipped": str(count["skipped"]),
        "tests": str(len(result.criteria)),
        "time": f"{result.duration_ms / 1000:.3f}",
        "hostname": HOST,
    }


def _properties(result: Result) -> tuple[tuple[str, str], ...]:
    return (
        *([("course", on_one_line(result.course))] if result.course else []),
        ("submission", on_one_line(result.submission)),
        ("score", str(result.score)),
        ("max_score", str(result.max_score)),
        ("seed", str(result.seed)),
        ("isolation", str(result.isolation.level)),
    )


def _add(suite: Element, each: ToldCriterion, result: Result) -> None:
    row = each.row
    seconds = sum(case.duration_ms for case in row.cases) / 1000
    case = SubElement(
        suite,
        "testcase",
        classname=on_one_line(result.lesson),
        name=row.id,
        time=f"{seconds:.3f}",
    )
    points = SubElement(SubElement(case, "properties"), "property", name="points")
    points.set("value", f"{row.score}/{row.max_score}")
    outcome = OUTCOMES.get(row.status)
    if outcome is not None:
        withheld = row.status is Status.WITHHELD
        earned = "" if withheld else f" ({row.score} of {row.max_score} points)"
        message = f"{on_one_line(row.title)}{earned}"
        SubElement(case, outcome, message=message).text = body(each, PLAIN)
