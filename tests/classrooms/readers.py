"""Small readers of what each classroom reads, as strict as the real one is known to be.

Must not import the grader: what it writes is read by others.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COMMAND = re.compile(r"::(?P<name>[\w-]+)(?: (?P<properties>[^:]*(?::(?!:)[^:]*)*))?::(?P<text>.*)")
MOST_SUMMARY = 1024 * 1024
PLACES_50: tuple[str, ...] = (
    "schema",
    "classroom",
    "assignment",
    "assignment_type",
    "owner",
    "submission",
)
PLACES_50 += ("commit", "release", "review", "datetime", "score", "max-score", "tests")


def actions_commands(log: str) -> list[tuple[str, dict[str, str], str]]:
    """Return the commands that the runner of GitHub Actions obeys in a log."""
    found, stopped = [], ""
    for line in log.splitlines():
        match = COMMAND.match(line.strip())
        if match is None:
            continue
        name, text = match["name"], match["text"]
        if stopped:
            stopped = "" if name == stopped else stopped
        elif name == "stop-commands":
            stopped = text
        else:
            pairs = (each.split("=", 1) for each in (match["properties"] or "").split(",") if each)
            found.append((name, dict(pairs), text))
    assert not stopped, "the runner would obey no command of a later step"
    return found


def actions_outputs(file: Path) -> dict[str, str]:
    """Return what the runner takes from the file of outputs."""
    lines, told = iter(file.read_text("utf-8").splitlines()), {}
    for line in lines:
        if "<<" not in line:
            name, _, value = line.partition("=")
        else:
            name, _, word = line.partition("<<")
            taken = []
            for inner in lines:
                if inner == word:
                    break
                taken.append(inner)
            else:
                raise AssertionError(f"the value of {name} does not end")
            value = "\n".join(taken)
        assert re.fullmatch(r"[A-Za-z_][\w-]*", name), line
        told[name] = value
    return told


def classroom50_result(file: Path, runner: Mapping[str, str]) -> dict[str, Any]:
    """Return a result that the collector of Classroom 50 takes for the runner's submission."""
    told: dict[str, Any] = json.loads(file.read_text("utf-8"))
    assert set(told) - {"graded_at", "submitted_by"} == set(PLACES_50)
    assert told["schema"] == "classroom50/result/v1"
    assert told["assignment_type"] in {"individual", "group", "team"}
    for place, variable in (
        ("classroom", "CLASSROOM"),
        ("assignment", "ASSIGNMENT"),
        ("owner", "OWNER"),
        ("submission", "SUBMISSION_TAG"),
        ("commit", "COMMIT_URL"),
        ("release", "RELEASE_URL"),
        ("review", "REVIEW_URL"),
    ):
        assert told[place] == runner[variable], place
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["datetime"])
    for each in (told, *told["tests"]):
        assert type(each["score"]) is type(each["max-score"]) is int
        assert 0 <= each["score"] <= each["max-score"]
    for each in told["tests"]:
        assert type(each["test-name"]) is str
        assert type(each["passed"]) is bool
    assert sum(each["score"] for each in told["tests"]) == told["score"]
    return told


def reporter_results(value: str) -> dict[str, Any]:
    """Return what the reporter of GitHub Classroom makes of `<STEP>_RESULTS`."""
    told: dict[str, Any] = json.loads(base64.b64decode(value, validate=True))
    assert told["version"] == 1
    assert told["status"] in {"pass", "fail", "error"}
    assert told["tests"], "the whole report would be lost"
    for each in told["tests"]:
        assert each["status"] in {"pass", "fail", "error"}
        assert isinstance(each["score"], int)
    assert sum(each["max_score"] for each in told["tests"]) == told["max_score"]
    return {**told, "points": sum(each["score"] for each in told["tests"])}


def gradescope_results(file: Path) -> dict[str, Any]:
    """Return what Gradescope shows: its own total, and tests that students may see."""
    told: dict[str, Any] = json.loads(file.read_text("utf-8"))
    kinds = {"hidden", "after_due_date", "after_published", "visible"}
    assert isinstance(told["score"], (int, float))
    for each in (told, *told.get("tests", ())):
        assert each.get("visibility", "visible") in kinds
        assert each.get("output_format", "text") in {"text", "html", "simple_format", "md", "ansi"}
    for each in told.get("tests", ()):
        assert isinstance(each["number"], str)
        assert each["status"] in {"passed", "failed"}
        assert 0 <= each["score"] <= each["max_score"]
    return told


def prairielearn_results(file: Path) -> dict[str, Any]:
    """Return what PrairieLearn records."""
    assert file.stat().st_size <= 1024 * 1024
    told: dict[str, Any] = json.loads(file.read_text("utf-8"))
    if told.get("gradable", True):
        assert 0 <= told["score"] <= 1
    tests = told.get("tests", [])
    assert len({"points" in each for each in tests}) <= 1
    assert all(0 <= each["points"] <= each["max_points"] for each in tests)
    return told
